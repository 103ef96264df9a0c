"""Counts restarts that a tool reverts, because it removes the annotation that records them.

Each patch did restart the pods, so after a few the workload counts as restarted. A workload that is
due again because its Secrets changed again is not reverted: its annotation is still there, or
another one is due by now. In memory only.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.workload import Workload
from onepassword_operator.ports import Clock
from onepassword_operator.rules.restart import Restart

PATCHES: Final = 3
WINDOW_SECONDS: Final = 3600.0


@dataclasses.dataclass(slots=True)
class _Patched:
    annotation: str
    times: int
    at: float
    reported: bool = False


class Reverts:
    """Restarts in a row of each workload for the same revisions, by its uid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._patched: OrderedDict[str, _Patched] = OrderedDict()
        """In the order of the last patch, so that the oldest come first."""

    def allows(self, workload: Workload, decided: Restart) -> bool:
        """Whether one more patch is within the limit."""
        self._expire()
        patched = self._taken_back(workload, decided)
        return patched is None or patched.times < PATCHES

    def note(self, workload: Workload, decided: Restart) -> None:
        """Note that the workload was patched."""
        former = self._taken_back(workload, decided)
        times = former.times + 1 if former else 1
        self._patched[workload.uid] = _Patched(_annotation(decided), times, self._clock.monotonic())
        self._patched.move_to_end(workload.uid)

    def take_unreported(self, workload: Workload, decided: Restart) -> bool:
        """Note that the revert is reported; return whether it had not been."""
        patched = self._taken_back(workload, decided)
        if patched is None or patched.reported:
            return False
        patched.reported = True
        return True

    def _taken_back(self, workload: Workload, decided: Restart) -> _Patched | None:
        # Due again for the revisions of its last restart: that happens only if somebody has removed
        # the annotation.
        patched = self._patched.get(workload.uid)
        return patched if patched and patched.annotation == _annotation(decided) else None

    def _expire(self) -> None:
        limit = self._clock.monotonic() - WINDOW_SECONDS
        # Called for every due workload, so it must not go through thousands that were patched
        # within the hour.
        while self._patched and next(iter(self._patched.values())).at < limit:
            self._patched.popitem(last=False)


def _annotation(decided: Restart) -> str:
    return decided.record[names.RESTARTED_FOR]
