"""Waiting for something to become true, with an error that tells what was seen last."""

import os
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = float(os.environ.get("TEST_PATIENCE", "1"))
"""Bounds in seconds are what is promised on a machine that has the time; a shared one may need more of it."""

_T = TypeVar("_T")


class NotInTimeError(AssertionError):
    """The thing waited for did not come; `seen` is what there was instead."""

    def __init__(self, what: object, *, timeout: float, seen: str) -> None:
        super().__init__(f"not within {timeout:g} s: {what}; last seen: {seen}")
        self.seen = seen


def eventually(
    look: Callable[[], _T],
    until: Callable[[_T], object] = bool,
    *,
    timeout: float = 20.0,
    what: str = "",
    describe: Callable[[_T], str] = repr,
    not_yet: type[Exception] | tuple[()] = (),
) -> _T:
    """Look until it is as it should be; an error of the kind `not_yet` means that there is nothing to look at so far."""
    deadline = time.monotonic() + timeout * PATIENCE
    while True:
        began = time.monotonic()
        late = began > deadline
        try:
            seen = look()
            if until(seen):
                return seen
            if late:
                raise NotInTimeError(what or until, timeout=timeout, seen=describe(seen))
        except not_yet as error:
            if late:
                raise NotInTimeError(what or until, timeout=timeout, seen=str(error)) from error
        time.sleep(min(max(time.monotonic() - began, 0.05), 1.0))  # a look that costs much takes half of the time at most
