"""Objects that the official operator works on as well: it puts its finalizer back where this one took it away.

Two operators on one object never come to rest, so this one steps back, says so once, and looks again from time to time by taking the
finalizer away once more. In memory only: a restart is a look, too.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.errors import AnotherOperatorActiveError
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import Clock

FIRST_BACKOFF_SECONDS: Final = 900.0
LONGEST_BACKOFF_SECONDS: Final = 3600.0
ANSWER_SECONDS: Final = 10.0
"""How long the finalizer must stay away after another try before the other operator counts as gone."""
_REMEMBERED: Final = 50_000


@dataclasses.dataclass(slots=True)
class Conflict:
    """A dispute over one object."""

    rounds: int
    until: float
    tried_at: float | None = None
    """When the next try began; None until then."""
    by_reconcile: bool = False
    """The try is a pass over the Secret: there was no finalizer to be taken away."""
    reported: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Leave the object alone for so long."""

    seconds: float
    reported: bool
    """Whether its resource has been told."""


def refusal(claim: Claim, *, seconds: float) -> AnotherOperatorActiveError:
    """What the object's people are told."""
    # On a Deployment the annotation would be a demand: for the official operator, and for this one, which reads it the same way.
    at_once = f"when the annotation {names.REFRESH} changes" if claim.is_resource else "when this operator is restarted"
    return AnotherOperatorActiveError(
        f'another operator works on {claim.kind} "{claim.name}" or its Secret, so this one leaves both alone; stop the other one. '
        f"The next look is in {seconds / 60:.0f} minutes, or at once {at_once}",
        delay_seconds=seconds,
    )


class Conflicts:
    """Disputes by the uid of the object."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._removed: OrderedDict[str, int] = OrderedDict()
        self._conflicts: OrderedDict[str, Conflict] = OrderedDict()

    def finalizer_removed(self, uid: str, resource_version: str) -> None:
        """This process has taken the finalizer away, as of that version of the object."""
        self._removed[uid] = int(resource_version)
        self._removed.move_to_end(uid)
        if len(self._removed) > _REMEMBERED:
            self._removed.popitem(last=False)
        if conflict := self._conflicts.get(uid):
            conflict.tried_at = self._clock.monotonic()

    def finalizer_seen(self, uid: str, resource_version: str) -> bool:
        """The object carries the finalizer; true if somebody has put it back, which opens a dispute or another round of it."""
        finalizer_removed = self._removed.get(uid)
        if finalizer_removed is None or int(resource_version) <= finalizer_removed:
            return False
        del self._removed[uid]
        self.open(uid)
        return True

    def open(self, uid: str) -> float:
        """Another operator is at work on the object; returns for how many seconds it is left alone."""
        former = self._conflicts.get(uid)
        rounds = former.rounds + 1 if former else 1
        pause = min(FIRST_BACKOFF_SECONDS * 2.0 ** (rounds - 1), LONGEST_BACKOFF_SECONDS)
        self._conflicts[uid] = Conflict(rounds=rounds, until=self._clock.monotonic() + pause)
        self._conflicts.move_to_end(uid)
        if len(self._conflicts) > _REMEMBERED:  # an object that asks for nothing may go without anybody being told
            self._conflicts.popitem(last=False)
        return pause

    def backoff(self, uid: str, *, finalizer: bool) -> Backoff | None:
        """How long the object is to be left alone yet; None if it is not.

        Args:
            uid: the object's.
            finalizer: whether it carries the official operator's finalizer, which is taken away as a try before anything else is done.
        """
        conflict = self._conflicts.get(uid)
        if conflict is None:
            return None
        now = self._clock.monotonic()
        if finalizer and conflict.by_reconcile:
            conflict.by_reconcile, conflict.tried_at = False, None
        elif not finalizer and conflict.tried_at is None and now >= conflict.until:
            conflict.by_reconcile, conflict.tried_at = True, now
        left = (conflict.until if conflict.tried_at is None else conflict.tried_at + ANSWER_SECONDS) - now
        if left <= 0 and not finalizer:
            del self._conflicts[uid]
            return None
        return None if conflict.by_reconcile else Backoff(seconds=max(left, 0.0), reported=conflict.reported)

    def is_trying(self, uid: str) -> bool:
        """Whether a try is under way: what the other operator does now is its answer."""
        conflict = self._conflicts.get(uid)
        return conflict is not None and conflict.tried_at is not None

    def may_try(self, uid: str) -> bool:
        """Whether the finalizer may be taken away: there is no dispute, or it is time for another look."""
        conflict = self._conflicts.get(uid)
        return conflict is None or (conflict.tried_at is None and self._clock.monotonic() >= conflict.until)

    def note_reported(self, uid: str) -> None:
        """The resource has been told."""
        if conflict := self._conflicts.get(uid):
            conflict.reported = True

    def try_now(self, uid: str) -> None:
        """Somebody asks for another look at once."""
        if conflict := self._conflicts.get(uid):
            conflict.until = self._clock.monotonic()

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._conflicts.pop(uid, None)
        self._removed.pop(uid, None)
