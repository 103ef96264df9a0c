"""How often and for how long each Secret has failed. In memory only: a restart tries at once."""

from __future__ import annotations

import dataclasses

from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import Clock


@dataclasses.dataclass(slots=True)
class _Failures:
    attempts: int = 0
    since: float | None = None
    statuses: int = 0
    refusals: int = 0
    older_since: float | None = None
    reported: frozenset[tuple[str, str]] = frozenset()
    """Objects in trouble, by uid, each with the reasons that the log has."""


class Retries:
    """Failures in a row by Secret; one without failures takes no memory."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[SecretKey, _Failures] = {}

    def attempts(self, key: SecretKey) -> int:
        """Count the reconciles or status writes that failed in a row."""
        return self._failures[key].attempts if key in self._failures else 0

    def attempt(self, key: SecretKey) -> int:
        """Return the number of the attempt that the next delay is for, from 1.

        A refused co-claimant counts as a failure.
        """
        failures = self._failures.get(key, _Failures())
        return max(failures.attempts, failures.refusals, 1)

    def failing_seconds(self, key: SecretKey) -> float:
        """Return for how long reconciles of the Secret have failed in a row."""
        since = self._failures[key].since if key in self._failures else None
        return 0.0 if since is None else self._clock.monotonic() - since

    def seconds_with_older_answer(self, key: SecretKey) -> float:
        """Note an older answer than the Secret holds, and return for how long there have been some.

        Another failure in between changes nothing, a success starts over.
        """
        failures, now = self._of(key), self._clock.monotonic()
        failures.older_since = now if failures.older_since is None else failures.older_since
        return now - failures.older_since

    def note_failure(self, key: SecretKey) -> None:
        """Count a failed reconcile."""
        failures = self._of(key)
        failures.attempts += 1
        failures.since = self._clock.monotonic() if failures.since is None else failures.since

    def note_success(self, key: SecretKey) -> None:
        """Reset the failures in a row after a reconcile that succeeded."""
        if failures := self._failures.get(key):
            failures.attempts, failures.since, failures.older_since = 0, None, None
            self._drop_if_clean(key)

    def start_over(self, key: SecretKey) -> None:
        """Have a new object of the same name tried without delay."""
        if failures := self._failures.get(key):
            failures.attempts = 0

    def note_refusals(self, key: SecretKey, *, somebody: bool) -> None:
        """Count a reconcile that refused a claim besides the winner's, or reset the count."""
        if somebody:
            self._of(key).refusals += 1
        elif failures := self._failures.get(key):
            failures.refusals = 0
            self._drop_if_clean(key)

    def note_status_failure(self, key: SecretKey) -> None:
        """Count a status that could not be written; the Secret may be well all the while."""
        failures = self._of(key)
        failures.statuses += 1
        failures.attempts = max(failures.attempts, failures.statuses)

    def note_status_success(self, key: SecretKey) -> None:
        """Reset the count after a status that was written, or needed no write."""
        if failures := self._failures.get(key):
            failures.statuses = 0
            self._drop_if_clean(key)

    def note_reported(self, claim: Claim, reason: str) -> bool:
        """Note a reason that an object is not in sync; return whether the log has it not yet."""
        failures, reported = self._of(claim.key), (claim.uid, reason)
        news = reported not in failures.reported
        failures.reported |= {reported}
        return news

    def note_recovered(self, claim: Claim) -> bool:
        """Note that an object is in sync; return whether the log has it as not in sync."""
        failures = self._failures.get(claim.key)
        reported = failures.reported if failures else frozenset()
        left = frozenset(entry for entry in reported if entry[0] != claim.uid)
        if failures:
            failures.reported = left
            self._drop_if_clean(claim.key)
        return left != reported

    def forget(self, key: SecretKey) -> None:
        """Drop a Secret that nobody asks for any more."""
        self._failures.pop(key, None)

    def _of(self, key: SecretKey) -> _Failures:
        return self._failures.setdefault(key, _Failures())

    def _drop_if_clean(self, key: SecretKey) -> None:
        if self._failures[key] == _Failures():
            del self._failures[key]
