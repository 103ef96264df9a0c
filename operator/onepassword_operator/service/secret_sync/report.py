"""Reports the outcome of a reconcile: the resource's condition, an Event on change, a count."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from onepassword_operator.model.errors import BackendError, ClusterAbsentError
from onepassword_operator.model.outcome import Change, Condition, Failed, Outcome, Paused, Synced
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import EventLog, Meter, ResourceStore
from onepassword_operator.rules import announce, conditions
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime.fair_share import FairShare, namespace_of

_REPORTED = (Change.CREATED, Change.UPDATED, Change.RESTORED, Change.REPAIRED, Change.ADOPTED)

_log = logging.getLogger(__name__)


class Reporter:
    """Writes what changed, and nothing else."""

    def __init__(
        self,
        *,
        resources: ResourceStore,
        events: EventLog,
        meter: Meter,
        index: Index,
        now: Callable[[], str],
        limits: FairShare,
    ) -> None:
        self._resources = resources
        self._events = events
        self._meter = meter
        self._index = index
        self._now = now
        self._limits = limits

    async def report(
        self,
        claim: Claim,
        outcome: Outcome,
        *,
        stale: bool,
        trouble: BackendError | None = None,
    ) -> None:
        """Write the condition if it differs, and an Event for each change.

        Args:
            claim: the object to report to.
            outcome: its outcome of the reconcile.
            stale: whether a short outage is to be reported, because it has lasted.
            trouble: a vault's, which makes a synced Secret not Ready; its changes are told anyway.

        Raises:
            ClusterError: the status could not be written.
        """
        unread = outcome.unread if isinstance(outcome, Synced) else None
        shown = Failed(error) if (error := trouble or unread) else outcome
        self._meter.synced(_word(shown))
        news = False
        try:
            news = (
                await self._report_resource(claim, shown, stale=stale or trouble is not None)
                if claim.is_resource
                else self._is_news(claim, shown, stale=stale or trouble is not None)
            )
        finally:
            if isinstance(outcome, (Synced, Paused)):
                self._report_change(claim, outcome)
        if news and isinstance(shown, Failed):
            self._events.failed(claim, shown.error)

    def rewritten(self, claim: Claim, outcome: Synced) -> None:
        """Say who may write the Secret again and again, besides this operator."""
        message = announce.rewritten(claim, outcome)
        _log.warning(
            "Secret rewritten again and again", extra=claim.log_fields | {"detail": message}
        )
        self._events.warned(claim, announce.REWRITTEN, message=message)

    def _is_news(self, claim: Claim, outcome: Outcome, *, stale: bool) -> bool:
        # A Deployment has no status: what it would be told there, and only that, it is told by an
        # Event.
        existed = self._index.states.of(claim.key).existed
        return isinstance(outcome, Failed) and (
            stale or not existed or not conditions.is_blip(outcome.error)
        )

    async def _report_resource(self, claim: Claim, outcome: Outcome, *, stale: bool) -> bool:
        last_good = self._index.claims.last_good(claim.key)
        condition = conditions.ready(
            claim, outcome, now=self._now(), stale=stale, last_good=last_good
        )
        if condition is None:
            return False
        facts = conditions.facts(claim, outcome, now=self._now())
        return await self._write(claim, condition, facts=facts)

    async def _write(
        self, claim: Claim, condition: Condition, *, facts: Mapping[str, object]
    ) -> bool:
        try:
            with self._limits.call(namespace_of(claim.key)):
                written = await self._resources.write_status(claim, condition, facts=facts)
        except ClusterAbsentError:
            return False
        if claim.ready and claim.ready.status == "True" and condition.status != "True":
            self._index.claims.remember_good(claim)
        self._index.claims.note_written(written)
        return True

    def _report_change(self, claim: Claim, outcome: Synced | Paused) -> None:
        if outcome.change not in _REPORTED:
            if isinstance(outcome, Synced) and outcome.asked:
                self._events.refreshed(
                    claim,
                    f"1Password was asked: version {outcome.revisions.versions} is the newest",
                )
            return
        extra = {"secret": str(claim.key), "change": outcome.change.value, "object": str(claim.ref)}
        if isinstance(outcome, Synced):
            held = f"version {outcome.revisions.versions}, because {outcome.reason}"
            extra |= {"revision": str(outcome.revisions), "because": outcome.reason}
        else:
            held = "the item as it was when it was frozen"
        _log.info("Secret written", extra=extra)
        if outcome.change is Change.REPAIRED:
            self._meter.drift_repaired()
        if outcome.change is Change.RESTORED:
            self._meter.version_restored()
        self._events.changed(
            claim, outcome.change, message=f'Secret "{claim.key.name}" holds {held}'
        )


def _word(outcome: Outcome) -> str:
    match outcome:
        case Failed(error=error):
            return error.reason
        case Paused(pause=pause):
            return pause.value
        case Synced():  # pragma: no branch  mypy proves that none is left
            return "Synced"
