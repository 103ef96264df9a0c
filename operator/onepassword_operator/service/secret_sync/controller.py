"""Runs a pass and reports it: status, Events, metrics, and when to look again. Every path of every pass ends here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import Final

from onepassword_operator.model.errors import AnotherOperatorActiveError, BackendError, ClusterError, OperatorError
from onepassword_operator.model.item import Revision
from onepassword_operator.model.outcome import Change, Failed, Outcome, Synced
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, Source
from onepassword_operator.ports import Clock
from onepassword_operator.rules import conditions, retry
from onepassword_operator.service.index import conflicts as contests
from onepassword_operator.service.index.followed import Followed, FollowIndex
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue
from onepassword_operator.service.secret_sync.reconcile import RELABELLED, Results, SyncSecret
from onepassword_operator.service.secret_sync.report import Reporter
from onepassword_operator.service.vaults.freshness import SourceHealth

REWRITE_MEMORY_SECONDS: Final = 60.0
"""Rewrites of one revision that follow each other this closely count as a dispute."""

_log = logging.getLogger(__name__)


def _nobody(namespace: str) -> None:
    del namespace


def _no_object(source: Source) -> None:
    del source


class Reconcile:
    """What a worker does with a key from the queue."""

    def __init__(
        self, *, sync: SyncSecret, reporter: Reporter, index: FollowIndex, health: SourceHealth, queue: WorkQueue[SecretKey], clock: Clock
    ) -> None:
        self._sync = sync
        self._reporter = reporter
        self._index = index
        self._health = health
        self._queue = queue
        self._clock = clock
        self.interval_seconds = 60.0
        self.wake_restarts: Callable[[str], None] = _nobody
        self.release: Callable[[Source], None] = _no_object

    async def run(self, key: SecretKey) -> None:
        """One pass over a Secret, and what follows from it."""
        left_alone = await self._contested(key)
        ruler = self._index.ruler(key)
        if ruler and ruler.uid in left_alone:
            return
        self._begin(self._index.record(key))
        results = await self._sync.sync(key)
        await self._conclude_all(key, results, left_alone=left_alone)
        if not self._index.claims.alive(key):  # deleted, perhaps while the pass ran, which has just followed it again
            self._release(key)
            return
        if self._index.record(key).mark:
            self.wake_restarts(key.namespace)
        if wait := self._index.refresh_wait(key):  # this pass came too early for it, and took its place in the queue
            self._queue.add_later(key, Priority.NEW, delay_seconds=wait)

    async def _conclude_all(self, key: SecretKey, results: Results, *, left_alone: Collection[str]) -> None:
        if not results or not self._index.claims.alive(key):
            return
        record, (ruler, decided) = self._index.record(key), results[0]
        stale = self._note(record, ruler, outcome=decided)
        own_trouble = {claim.uid for claim, outcome in results if isinstance(outcome, Failed) and outcome != decided}
        record.refusals = record.refusals + 1 if own_trouble else 0
        for claim, outcome in results:
            if key in self._index.claims and claim.uid not in left_alone:  # the last one may go while another is told
                # Whoever has trouble of its own had nothing yet that a blip could leave in place.
                await self._conclude(claim, outcome, stale=stale or claim.uid in own_trouble)

    async def _conclude(self, claim: Claim, outcome: Outcome, *, stale: bool) -> None:
        record = self._index.record(claim.key)
        if isinstance(outcome, Synced) and (trouble := self._health.trouble(outcome.revision.vault_id)):
            outcome, stale = Failed(trouble), True
        elif isinstance(outcome, Failed):
            self._again(claim, record, error=outcome.error)
        if claim.awaits_release and not (isinstance(outcome, Failed) and conditions.is_blip(outcome.error)):
            self.release(claim.source)
        told = await self._report(claim, outcome, stale=stale)
        if told and isinstance(outcome, Failed) and isinstance(outcome.error, AnotherOperatorActiveError):
            self._index.contests.note_told(claim.uid)

    async def _report(self, claim: Claim, outcome: Outcome, *, stale: bool) -> bool:
        record = self._index.record(claim.key)
        try:
            await self._reporter.report(claim, outcome, stale=stale)
        except ClusterError as error:
            record.untold += 1
            record.attempts = max(record.attempts, record.untold)
            detail = {"resource": str(claim.key), "reason": error.reason, "detail": str(error)}
            _log.warning("status could not be written", extra=detail)
            self._again(claim, record, error=error)
            return False
        if claim.is_resource:  # the others have no status that could fail to be written
            record.untold = 0
        return True

    async def _contested(self, key: SecretKey) -> set[str]:
        # Only a dispute about the object that rules the Secret is one about the Secret: anybody may put a finalizer on an object of theirs.
        contested: set[str] = set()
        for claim in self._index.claims.alive(key):
            truce = self._index.contests.truce(claim.uid, finalizer=claim.awaits_release)
            if truce is None:
                continue
            contested.add(claim.uid)
            if not truce.told and await self._report(claim, Failed(contests.refusal(claim, seconds=truce.seconds)), stale=True):
                self._index.contests.note_told(claim.uid)
            if self._index.contests.may_try(claim.uid):
                self.release(claim.source)
            self._queue.add_later(key, Priority.SWEEP, delay_seconds=max(truce.seconds, contests.ANSWER_SECONDS))
        return contested

    def _note(self, record: Followed, claim: Claim, *, outcome: Outcome) -> bool:
        if not isinstance(outcome, Failed):
            record.attempts, record.failing_since = 0, None
            if isinstance(outcome, Synced) and outcome.change is not Change.NONE:
                self._note_rewrite(record, outcome.revision)
                if self._index.contests.is_trying(claim.uid):
                    record.rewrites = max(record.rewrites, RELABELLED)  # one more in the other's shape is the answer
            return False
        record.attempts += 1
        record.failing_since = self._clock.monotonic() if record.failing_since is None else record.failing_since
        return self._health.stale_for(self._clock.monotonic() - record.failing_since)

    def _begin(self, record: Followed) -> None:
        record.repairing, record.drifted = record.drifted, False
        if self._clock.monotonic() - record.rewritten_at >= REWRITE_MEMORY_SECONDS:
            record.rewrites = 0

    def _note_rewrite(self, record: Followed, revision: Revision) -> None:
        now = self._clock.monotonic()
        again = record.rewritten == revision and now - record.rewritten_at < REWRITE_MEMORY_SECONDS
        # A write that nobody's edit made necessary, say for another owner, is no answer in a dispute.
        record.rewrites = record.rewrites + record.repairing if again else 0
        record.rewritten, record.rewritten_at = revision, now

    def _again(self, claim: Claim, record: Followed, *, error: OperatorError) -> None:
        interval, jitter = self.interval_seconds, self._clock.jitter()
        delay = retry.delay_seconds(error, attempt=max(record.attempts, record.refusals, 1), interval_seconds=interval, jitter=jitter)
        level = logging.DEBUG if isinstance(error, BackendError) and max(record.attempts, record.refusals) > 1 else logging.INFO
        detail = {"secret": str(claim.key), "asked_by": str(claim.source), "reason": error.reason, "detail": str(error), "retry_in": delay}
        _log.log(level, "Secret not in sync", extra=detail)
        if delay is not None:
            self._queue.add_later(claim.key, Priority.SWEEP, delay_seconds=delay)

    def _release(self, key: SecretKey) -> None:
        # The ownerReference lets Kubernetes delete the Secret; all there is to do is to stop following it.
        if key in self._index.claims:
            self._index.unfollow(key)
        else:
            self._index.forget(key)
