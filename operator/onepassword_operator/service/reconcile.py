"""Runs a pass and reports it: status, Events, metrics, and when to look again. Every path of every pass ends here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from onepassword_operator.model.errors import BackendError, ClusterAbsentError, ClusterError, OperatorError
from onepassword_operator.model.item import Revision
from onepassword_operator.model.outcome import Change, Condition, Failed, Outcome, Synced
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import ClaimStore, Clock, EventLog, Meter
from onepassword_operator.rules import conditions, retry
from onepassword_operator.service.follow_index import Followed, FollowIndex
from onepassword_operator.service.source_health import SourceHealth
from onepassword_operator.service.sync_secret import SyncSecret
from onepassword_operator.service.work_queue import Priority, WorkQueue

_TOLD = (Change.CREATED, Change.UPDATED, Change.REPAIRED, Change.ADOPTED)
REWRITE_MEMORY_SECONDS: Final = 60.0
"""Rewrites of one revision that follow each other this closely count as a dispute."""

_log = logging.getLogger(__name__)


def _nobody(namespace: str) -> None:
    del namespace


class Reporter:
    """Tells people what a pass came to: the resource's condition, an Event on change, a count."""

    def __init__(self, *, claim_store: ClaimStore, events: EventLog, meter: Meter, index: FollowIndex, now: Callable[[], str]) -> None:
        self._claims = claim_store
        self._events = events
        self._meter = meter
        self._index = index
        self._now = now

    async def report(self, claim: Claim, outcome: Outcome, *, stale: bool) -> None:
        """Write what changed, and nothing else.

        Raises:
            ClusterError: the status could not be written.
        """
        self._meter.synced(outcome.error.reason if isinstance(outcome, Failed) else "Synced")
        condition = conditions.ready(claim, outcome, now=self._now(), stale=stale, last_good=self._index.record(claim.key).last_good)
        try:
            written = condition is not None and await self._write(claim, condition)
        finally:
            if isinstance(outcome, Synced) and outcome.change in _TOLD:
                await self._tell_change(claim, outcome)
        if written and isinstance(outcome, Failed):
            await self._events.failed(claim, outcome.error)

    async def _write(self, claim: Claim, condition: Condition) -> bool:
        try:
            written = await self._claims.write_condition(claim, condition)
        except ClusterAbsentError:
            return False
        if claim.ready and claim.ready.status == "True" and condition.status != "True":
            self._index.record(claim.key).last_good = claim.ready
        self._index.note_written(written)
        return True

    async def _tell_change(self, claim: Claim, outcome: Synced) -> None:
        _log.info(
            "Secret written",
            extra={"secret": str(claim.key), "change": outcome.change.value, "revision": str(outcome.revision)},
        )
        if outcome.change is Change.REPAIRED:
            self._meter.drift_repaired()
        await self._events.changed(claim, outcome.change, message=f'Secret "{claim.key.name}" holds version {outcome.revision.version}')


class Reconcile:
    """What a worker does with a key from the queue."""

    def __init__(
        self, *, sync: SyncSecret, reporter: Reporter, index: FollowIndex, health: SourceHealth, queue: WorkQueue, clock: Clock
    ) -> None:
        self._sync = sync
        self._reporter = reporter
        self._index = index
        self._health = health
        self._queue = queue
        self._clock = clock
        self.interval_seconds = 60.0
        self.wake_restarts: Callable[[str], None] = _nobody

    async def run(self, key: SecretKey) -> None:
        """One pass over a Secret, and what follows from it."""
        result = await self._sync.sync(key)
        if result is None or key not in self._index.claims:  # deleted while the pass ran, which has just followed it again
            self._release(key)
            return
        claim, outcome = result
        record = self._index.record(key)
        stale = self._note(record, outcome)
        if isinstance(outcome, Synced) and (trouble := self._health.trouble(outcome.revision.vault_id)):
            outcome, stale = Failed(trouble), True
        elif isinstance(outcome, Failed):
            self._again(key, record, error=outcome.error)
        if record.mark:
            self.wake_restarts(key.namespace)
        try:
            await self._reporter.report(claim, outcome, stale=stale)
        except ClusterError as error:
            record.untold += 1
            record.attempts = max(record.attempts, record.untold)
            _log.warning("status could not be written", extra={"resource": str(key), "reason": error.reason, "detail": str(error)})
            self._again(key, record, error=error)
        else:
            record.untold = 0

    def _note(self, record: Followed, outcome: Outcome) -> bool:
        if isinstance(outcome, Synced):
            record.attempts, record.failing_since = 0, None
            if outcome.change is not Change.NONE:
                self._note_rewrite(record, outcome.revision)
            return False
        record.attempts += 1
        record.failing_since = self._clock.monotonic() if record.failing_since is None else record.failing_since
        return self._health.stale_for(self._clock.monotonic() - record.failing_since)

    def _note_rewrite(self, record: Followed, revision: Revision) -> None:
        now = self._clock.monotonic()
        again = record.rewritten == revision and now - record.rewritten_at < REWRITE_MEMORY_SECONDS
        record.rewrites = record.rewrites + 1 if again else 0
        record.rewritten, record.rewritten_at = revision, now

    def _again(self, key: SecretKey, record: Followed, *, error: OperatorError) -> None:
        interval, jitter = self.interval_seconds, self._clock.jitter()
        delay = retry.delay_seconds(error, attempt=record.attempts, interval_seconds=interval, jitter=jitter)
        level = logging.DEBUG if isinstance(error, BackendError) and record.attempts > 1 else logging.INFO
        _log.log(level, "Secret not in sync", extra={"secret": str(key), "reason": error.reason, "detail": str(error), "retry_in": delay})
        if delay is not None:
            self._queue.add_later(key, Priority.SWEEP, delay_seconds=delay)

    def _release(self, key: SecretKey) -> None:
        # The ownerReference lets Kubernetes delete the Secret; all there is to do is to stop following it.
        claim = self._index.claims.get(key)
        if claim is None:
            self._index.forget(key)
        else:
            self._index.unfollow(key)
