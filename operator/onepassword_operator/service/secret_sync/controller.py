"""Runs a reconcile, reports the outcome to each claim, and queues the next try."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from onepassword_operator.model import bounds
from onepassword_operator.model.errors import (
    AnotherOperatorActiveError,
    BackendError,
    ClusterError,
    InternalError,
    OperatorError,
    Retry,
)
from onepassword_operator.model.item import ABSENT
from onepassword_operator.model.outcome import Change, Failed, Outcome, Synced
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.ports import Clock
from onepassword_operator.rules import announce, conditions, retry
from onepassword_operator.rules.secret import admission
from onepassword_operator.service.index import conflicts
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue
from onepassword_operator.service.secret_sync.reconcile import Reconcile, Results
from onepassword_operator.service.secret_sync.report import Reporter
from onepassword_operator.service.vaults.freshness import Freshness

_log = logging.getLogger(__name__)


class Controller:
    """Handles a key from the queue: the work of a worker."""

    def __init__(
        self,
        *,
        reconcile: Reconcile,
        reporter: Reporter,
        index: Index,
        freshness: Freshness,
        queue: WorkQueue[SecretKey],
        clock: Clock,
        interval_seconds: float,
        wake_restarts: Callable[[str], None],
        remove_finalizer: Callable[[ObjectRef], None],
    ) -> None:
        """`wake_restarts` takes a namespace with due restarts, `remove_finalizer` an object."""
        self._reconcile = reconcile
        self._reporter = reporter
        self._index = index
        self._freshness = freshness
        self._queue = queue
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._wake_restarts = wake_restarts
        self._remove_finalizer = remove_finalizer

    async def run(self, key: SecretKey) -> None:
        """Reconcile a Secret, report the outcome to each claim, and queue what follows."""
        left_alone = await self._conflicting(key)
        winner = self._index.winner(key)
        if winner and winner.uid in left_alone:
            await self._report_conflict(key, winner)
            return
        self._index.repairs.begin(key)
        results = await self._reconcile.run(key)
        await self._conclude_all(key, results, left_alone=left_alone)
        if not self._index.claims.alive(key):
            # Deleted, perhaps during the reconcile, which has just followed it again.
            self._forget(key)
            return
        if self._index.states.of(key).mark:
            self._wake_restarts(key.namespace)
        if wait := self._index.refreshes.wait(key):
            # This reconcile came too early for it, and took its place in the queue.
            self._queue.add_later(key, Priority.NEW, delay_seconds=wait)

    async def report_bug(self, key: SecretKey, error: InternalError) -> None:
        """Report to each claim that a reconcile ended by a bug."""
        for claim in self._index.claims.alive(key):
            await self._report(claim, Failed(error), stale=True)

    async def _conclude_all(
        self, key: SecretKey, results: Results, *, left_alone: Collection[str]
    ) -> None:
        if not results or not self._index.claims.alive(key):
            return
        winner, decided = results[0]
        stale = self._note(winner, decided)
        # Until the winner's path or item changes nothing changes for the claims behind it.
        waits = isinstance(decided, Failed) and decided.error.retry is Retry.ON_CHANGE
        own_trouble = {
            claim.uid
            for claim, outcome in results
            if isinstance(outcome, Failed) and outcome != decided
        }
        self._index.retries.note_refusals(key, somebody=bool(own_trouble))
        for claim, outcome in results:
            # The last claim may go during another's report.
            if key in self._index.claims and claim.uid not in left_alone:
                # A claim with an error of its own has no earlier status that a short outage could
                # leave in place.
                again = not waits or claim.uid == winner.uid
                stale_now = stale or claim.uid in own_trouble
                await self._conclude(claim, outcome, stale=stale_now, again=again)

    async def _conclude(self, claim: Claim, outcome: Outcome, *, stale: bool, again: bool) -> None:
        error = outcome.error if isinstance(outcome, Failed) else None
        error = outcome.unread if isinstance(outcome, Synced) else error
        trouble = self._trouble(outcome) if isinstance(outcome, Synced) else None
        if error and again:
            self._again(claim, error)
        problem = error or trouble
        if claim.has_legacy_finalizer and not (problem and conditions.is_blip(problem)):
            self._remove_finalizer(claim.ref)
        reported = await self._report(claim, outcome, stale=stale, trouble=trouble)
        if reported and not problem:
            failed_before = self._index.retries.note_recovered(claim)
            if failed_before and isinstance(outcome, Synced):
                _log.info("in sync again", extra=claim.log_fields)
        if reported and isinstance(error, AnotherOperatorActiveError):
            self._index.conflicts.note_reported(claim.uid)

    def _trouble(self, synced: Synced) -> BackendError | None:
        found = (
            self._freshness.trouble(each.vault_id) for each in synced.revisions if each != ABSENT
        )
        return next(filter(None, found), None)

    async def _report(
        self,
        claim: Claim,
        outcome: Outcome,
        *,
        stale: bool,
        trouble: BackendError | None = None,
    ) -> bool:
        try:
            await self._reporter.report(claim, outcome, stale=stale, trouble=trouble)
        except ClusterError as error:
            self._index.retries.note_status_failure(claim.key)
            self._again(claim, error, said="status could not be written")
            return False
        if claim.is_resource:  # the others have no status that could fail to be written
            self._index.retries.note_status_success(claim.key)
        return True

    async def _conflicting(self, key: SecretKey) -> set[str]:
        # Only a conflict about the winner concerns the Secret: anybody may put a finalizer on an
        # object of their own.
        conflicting: set[str] = set()
        for claim in self._index.claims.alive(key):
            backoff = self._index.conflicts.backoff(claim.uid)
            if backoff is None:
                continue
            conflicting.add(claim.uid)
            if not backoff.reported and await self._report(
                claim, Failed(conflicts.refusal(claim, seconds=backoff.seconds)), stale=True
            ):
                self._index.conflicts.note_reported(claim.uid)
            self._queue.add_later(key, Priority.LOW, delay_seconds=backoff.seconds)
        return conflicting

    async def _report_conflict(self, key: SecretKey, winner: Claim) -> None:
        # A new resource is owed an answer at once, even behind another object's conflict.
        backoff = self._index.conflicts.backoff(winner.uid)
        if backoff is None:
            return
        error = conflicts.refusal(winner, seconds=backoff.seconds)
        for claim in admission.others(self._index.claims.alive(key), winner):
            if claim.is_resource and claim.ready is None:
                await self._report(claim, Failed(admission.in_the_way(winner, error)), stale=True)

    def _note(self, claim: Claim, outcome: Outcome) -> bool:
        if not isinstance(outcome, Failed):
            self._index.retries.note_success(claim.key)
            if isinstance(outcome, Synced) and outcome.change is not Change.NONE:
                self._index.repairs.note_write(claim.key, outcome.revisions)
                if self._index.repairs.is_too_often(claim.key):
                    self._reporter.rewritten(claim, outcome)
            return False
        self._index.retries.note_failure(claim.key)
        return self._freshness.stale_for(self._index.retries.failing_seconds(claim.key))

    def _again(
        self, claim: Claim, error: OperatorError, *, said: str = "Secret not in sync"
    ) -> None:
        attempt = self._index.retries.attempt(claim.key)
        delay = retry.delay_seconds(
            error,
            attempt=attempt,
            interval_seconds=self._interval_seconds,
            jitter=self._clock.jitter(),
        )
        news = self._index.retries.note_reported(claim, error.reason)
        wait = None if delay is None else round(delay, 1)
        fields = {**claim.log_fields, **error.log_fields, "retry_in": wait}
        fields["detail"] = bounds.shortened(announce.words(claim, error))
        _log.log(logging.WARNING if news else logging.DEBUG, said, extra=fields)
        if delay is not None:
            self._queue.add_later(claim.key, Priority.LOW, delay_seconds=delay)

    def _forget(self, key: SecretKey) -> None:
        # The ownerReference lets Kubernetes delete the Secret; all there is to do is to stop
        # following it.
        if key in self._index.claims:
            self._index.item_users.unfollow(key)
        else:
            self._index.forget(key)
