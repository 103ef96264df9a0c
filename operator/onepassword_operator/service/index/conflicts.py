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

FIRST_TRUCE_SECONDS: Final = 900.0
LONGEST_TRUCE_SECONDS: Final = 3600.0
ANSWER_SECONDS: Final = 10.0
"""How long the finalizer must stay away after another try before the other operator counts as gone."""
_REMEMBERED: Final = 50_000


@dataclasses.dataclass(slots=True)
class Contest:
    """A dispute over one object."""

    rounds: int
    until: float
    tried_at: float | None = None
    """When the next try began; None until then."""
    by_pass: bool = False
    """The try is a pass over the Secret: there was no finalizer to be taken away."""
    told: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Truce:
    """Leave the object alone for so long."""

    seconds: float
    told: bool
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


class Contests:
    """Disputes by the uid of the object."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._released: OrderedDict[str, int] = OrderedDict()
        self._contests: OrderedDict[str, Contest] = OrderedDict()

    def released(self, uid: str, resource_version: str) -> None:
        """This process has taken the finalizer away, as of that version of the object."""
        self._released[uid] = int(resource_version)
        self._released.move_to_end(uid)
        if len(self._released) > _REMEMBERED:
            self._released.popitem(last=False)
        if contest := self._contests.get(uid):
            contest.tried_at = self._clock.monotonic()

    def finalizer_seen(self, uid: str, resource_version: str) -> bool:
        """The object carries the finalizer; true if somebody has put it back, which opens a dispute or another round of it."""
        released = self._released.get(uid)
        if released is None or int(resource_version) <= released:
            return False
        del self._released[uid]
        self.open(uid)
        return True

    def open(self, uid: str) -> float:
        """Another operator is at work on the object; returns for how many seconds it is left alone."""
        former = self._contests.get(uid)
        rounds = former.rounds + 1 if former else 1
        pause = min(FIRST_TRUCE_SECONDS * 2.0 ** (rounds - 1), LONGEST_TRUCE_SECONDS)
        self._contests[uid] = Contest(rounds=rounds, until=self._clock.monotonic() + pause)
        self._contests.move_to_end(uid)
        if len(self._contests) > _REMEMBERED:  # an object that asks for nothing may go without anybody being told
            self._contests.popitem(last=False)
        return pause

    def truce(self, uid: str, *, finalizer: bool) -> Truce | None:
        """How long the object is to be left alone yet; None if it is not.

        Args:
            uid: the object's.
            finalizer: whether it carries the official operator's finalizer, which is taken away as a try before anything else is done.
        """
        contest = self._contests.get(uid)
        if contest is None:
            return None
        now = self._clock.monotonic()
        if finalizer and contest.by_pass:
            contest.by_pass, contest.tried_at = False, None
        elif not finalizer and contest.tried_at is None and now >= contest.until:
            contest.by_pass, contest.tried_at = True, now
        left = (contest.until if contest.tried_at is None else contest.tried_at + ANSWER_SECONDS) - now
        if left <= 0 and not finalizer:
            del self._contests[uid]
            return None
        return None if contest.by_pass else Truce(seconds=max(left, 0.0), told=contest.told)

    def is_trying(self, uid: str) -> bool:
        """Whether a try is under way: what the other operator does now is its answer."""
        contest = self._contests.get(uid)
        return contest is not None and contest.tried_at is not None

    def may_try(self, uid: str) -> bool:
        """Whether the finalizer may be taken away: there is no dispute, or it is time for another look."""
        contest = self._contests.get(uid)
        return contest is None or (contest.tried_at is None and self._clock.monotonic() >= contest.until)

    def note_told(self, uid: str) -> None:
        """The resource has been told."""
        if contest := self._contests.get(uid):
            contest.told = True

    def try_now(self, uid: str) -> None:
        """Somebody asks for another look at once."""
        if contest := self._contests.get(uid):
            contest.until = self._clock.monotonic()

    def forget(self, uid: str) -> None:
        """The object is gone."""
        self._contests.pop(uid, None)
        self._released.pop(uid, None)
