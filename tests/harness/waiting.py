"""Waiting for something to become true in a cluster, with an error that tells what was seen last."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(seen: Callable[[], T], *, timeout: float = 30.0, what: str = "the condition") -> T:
    """Call `seen` until it returns something true, and return that."""
    deadline = time.monotonic() + timeout
    while not (last := seen()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {timeout:.0f} s for {what}; last seen: {last!r}")
        time.sleep(0.05)
    return last
