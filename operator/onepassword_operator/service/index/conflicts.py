"""Objects that another operator works on as well: it undoes what this one does, every time.

It puts its finalizer back, or rewrites the Secret. Two operators on one object never come to rest,
so this one leaves the object alone for an hour and says so; then it acts as ever. In memory only:
after a restart it acts as ever, too.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.errors import AnotherOperatorActiveError
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import Clock

BACKOFF_SECONDS: Final = 3600.0
_REMEMBERED: Final = 50_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """The rest of the time for which an object is left alone."""

    seconds: float
    reported: bool
    """Whether its resource says so already."""


def refusal(claim: Claim, *, seconds: float) -> AnotherOperatorActiveError:
    """Return the error that the object reports meanwhile."""
    # On a Deployment the annotation would be a demand: for the official operator, and for this one,
    # which reads it the same way.
    at_once = (
        f"when the annotation {names.REFRESH} changes"
        if claim.is_resource
        else "when this operator is restarted"
    )
    return AnotherOperatorActiveError(
        f'another operator works on {claim.kind} "{claim.name}" or its Secret, so this one leaves '
        f"both alone; stop the other one. This one goes on in {seconds / 60:.0f} minutes, "
        f"or at once {at_once}",
        delay_seconds=seconds,
    )


@dataclasses.dataclass(slots=True)
class _Conflict:
    until: float
    reported: bool = False


class Conflicts:
    """Conflicts and removed finalizers by the uid of the object."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._removed: OrderedDict[str, int] = OrderedDict()
        self._conflicts: OrderedDict[str, _Conflict] = OrderedDict()

    def note_removal(self, uid: str, resource_version: int) -> None:
        """Remember the version of the object from which this process removed the finalizer."""
        self._removed[uid] = resource_version
        self._removed.move_to_end(uid)
        if len(self._removed) > _REMEMBERED:
            self._removed.popitem(last=False)

    def note_finalizer(self, uid: str, resource_version: int) -> bool:
        """Open a conflict, and return True, if an object has got its finalizer back."""
        removed = self._removed.get(uid)
        if removed is None or resource_version <= removed:
            return False
        del self._removed[uid]
        self.open(uid)
        return True

    def open(self, uid: str) -> float:
        """Open a conflict about an object; return the seconds for which it is left alone."""
        self._conflicts[uid] = _Conflict(self._clock.monotonic() + BACKOFF_SECONDS)
        self._conflicts.move_to_end(uid)
        if len(self._conflicts) > _REMEMBERED:
            # An object that asks for nothing may go without anybody being told.
            self._conflicts.popitem(last=False)
        return BACKOFF_SECONDS

    def backoff(self, uid: str) -> Backoff | None:
        """Return for how long the object is left alone yet; None without a conflict."""
        conflict = self._conflicts.get(uid)
        if conflict is None:
            return None
        left = conflict.until - self._clock.monotonic()
        if left <= 0:
            del self._conflicts[uid]
            return None
        return Backoff(seconds=left, reported=conflict.reported)

    def note_reported(self, uid: str) -> None:
        """Note that the resource reports its conflict."""
        if conflict := self._conflicts.get(uid):
            conflict.reported = True

    def end(self, uid: str) -> None:
        """End a conflict at once."""
        self._conflicts.pop(uid, None)

    def forget(self, uid: str) -> None:
        """Drop everything about an object that is gone."""
        self._conflicts.pop(uid, None)
        self._removed.pop(uid, None)
