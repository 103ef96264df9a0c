"""Restarts that somebody takes back: a tool that owns the pod template removes the annotation that restarted the pods.

Each patch did restart them, so after a few the workload counts as served. In memory only.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.workload import Workload
from onepassword_operator.ports import Clock
from onepassword_operator.rules.restart import Restart

PATCHES: Final = 3
WINDOW_SECONDS: Final = 3600.0

_Key = tuple[str, str]


class Reverts:
    """How often each workload was restarted for the same revisions."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._patched: OrderedDict[_Key, deque[float]] = OrderedDict()
        """By the time of the last patch, so that those that are long past stand first."""
        self._told: set[_Key] = set()

    def allows(self, workload: Workload, decided: Restart) -> bool:
        """Whether one more patch is within the limit."""
        self._expire()
        return len(self._patched.get(_key(workload, decided), ())) < PATCHES

    def note(self, workload: Workload, decided: Restart) -> None:
        """The pod template was patched."""
        key = _key(workload, decided)
        self._patched.setdefault(key, deque()).append(self._clock.monotonic())
        self._patched.move_to_end(key)

    def is_untold(self, workload: Workload, decided: Restart) -> bool:
        """Whether this is to be told; true once."""
        key = _key(workload, decided)
        if key in self._told:
            return False
        self._told.add(key)
        return True

    def _expire(self) -> None:
        limit = self._clock.monotonic() - WINDOW_SECONDS
        # Asked for every due workload: of thousands that were patched within the hour, only the first may be looked at.
        while self._patched and next(iter(self._patched.values()))[-1] < limit:
            key, _ = self._patched.popitem(last=False)
            self._told.discard(key)


def _key(workload: Workload, decided: Restart) -> _Key:
    return workload.uid, decided.template_annotations[names.RESTARTED_FOR]
