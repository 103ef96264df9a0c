"""One Secret, one pass: claims → item → plan → write → outcomes. Level-triggered: it looks at what is, not at what happened."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    BackendError,
    ClusterAbsentError,
    ClusterConflictError,
    InvalidTargetError,
    ItemLookupError,
    OperatorError,
    RefusedError,
    TargetClaimedError,
)
from onepassword_operator.model.item import Revision
from onepassword_operator.model.item_path import ItemPath
from onepassword_operator.model.outcome import Change, Failed, Outcome, Pause, Paused, Synced
from onepassword_operator.model.secret import ObservedSecret, SecretKey, recorded_revision
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import SecretStore
from onepassword_operator.rules import claims, conditions, owners, seal, secret_plan
from onepassword_operator.service.index import conflicts
from onepassword_operator.service.index.followed import FollowIndex
from onepassword_operator.service.runtime.fair_share import FairShare, namespace_of
from onepassword_operator.service.secret_sync.content import Contents, Fetched, Reconciliation
from onepassword_operator.service.secret_sync.live_claims import LiveClaims
from onepassword_operator.service.vaults.lookup import Found

CONFLICTS: Final = 5
"""How often a pass decides anew in a row because somebody else wrote first, before it lets others have their turn."""

RELABELLED: Final = 2
"""Rewrites of one revision in a row after which a Secret in the official operator's shape means that it is at work."""

Results = list[tuple[Claim, Outcome]]

_log = logging.getLogger(__name__)


class Reconcile:
    """Makes a Secret what those who claim it ask for."""

    def __init__(
        self,
        *,
        secrets: SecretStore,
        live_claims: LiveClaims,
        contents: Contents,
        index: FollowIndex,
        sealer: seal.Sealer,
        share: FairShare,
    ) -> None:
        self._secrets = secrets
        self._claims = live_claims
        self._contents = contents
        self._index = index
        self._sealer = sealer
        self._share = share

    async def run(self, key: SecretKey) -> Results:
        """Bring one Secret in line; the outcome for each that asks for it, the ruling one first, and nothing if nobody does.

        Never raises a leaf of the error tree: it is the outcome.
        """
        record = self._index.record(key)
        refresh = self._index.take_refresh(key)
        winner = claims.winner(self._index.claims.alive(key), None)
        if winner is None:
            return []
        work = Reconciliation(key=key, winner=winner, record=record, refresh=refresh)
        try:
            return await self._until_settled(work)
        except OperatorError as error:
            if refresh:
                self._index.owe_refresh(key)
            if isinstance(error, ItemLookupError):
                self._index.wait(key, vault=work.winner.item_path.split("/")[1])
            return [(work.winner, Failed(error)), *self._behind(work, error)]
        except _ClaimGone:
            return []

    def _behind(self, work: Reconciliation, error: OperatorError) -> Results:
        # Who shares the Secret shares the trouble; who wants something else is told who is in the way, unless that passes by itself.
        results: Results = []
        for claim in self._others(work):
            shares = claim.item_path == work.winner.item_path or claim.uid in work.record.co_owner_uids
            if not (shares or conditions.is_blip(error)):
                results.append((claim, Failed(_in_the_way(work.winner, error))))
            elif shares or (claim.is_resource and claim.ready is None):  # a new one is owed an answer at once
                results.append((claim, Failed(error)))
        return results

    async def _until_settled(self, work: Reconciliation) -> Results:
        # Nothing has ever been there: one POST tells as much as a GET, and is the write as well.
        known = work.record.seen or any(claim.ready or claim.has_legacy_finalizer for claim in self._index.claims.of(work.key))
        observed = await self._look(work.key) if known else None
        first_sight = not known
        for _ in range(CONFLICTS):
            self._choose_winner(work, observed)
            if work.winner.suspended:
                return [(claim, _suspended(work.winner)) for claim in (work.winner, *self._others(work))]
            secret_plan.check_claim(work.winner, observed)
            if observed and observed.terminating:
                raise ClusterConflictError(f'Secret "{observed.key.name}" is being deleted; waiting until it is gone')
            try:
                if observed is None and not first_sight:
                    await self._require_living_claim(work)
                return await self._once(work, observed)
            except ClusterConflictError:
                pass
            except ClusterAbsentError:
                if observed is None:
                    raise  # the namespace is going; else the Secret went after it was read
            first_sight = False
            observed = await self._look(work.key)
        raise ClusterConflictError(f'Secret "{work.key.name}" keeps changing while it is being written; trying again shortly')

    async def _look(self, key: SecretKey) -> ObservedSecret | None:
        with self._share.call(namespace_of(key)):
            return await self._secrets.get(key)

    def _choose_winner(self, work: Reconciliation, observed: ObservedSecret | None) -> None:
        work.winner = claims.winner(self._index.claims.alive(work.key), observed) or work.winner
        work.record.winner = work.winner.uid
        if work.winner.uid not in work.record.co_owner_uids:
            # Until it is known who means the same item, the owners are taken for those.
            owning = {owner.uid for owner in observed.owners} if observed else set()
            work.record.co_owner_uids = frozenset({work.winner.uid, *(other.uid for other in self._others(work) if other.uid in owning)})

    async def _require_living_claim(self, work: Reconciliation) -> None:
        claim = work.winner
        live = await self._claims.look(claim.ref)
        if live is None or live.uid != claim.uid or live.terminating or live.key != claim.key:
            _log.info("the object that asks is gone, its Secret stays gone", extra={"secret": str(work.key), "object": str(claim.ref)})
            if live is None and self._index.let_go(claim):
                raise ClusterConflictError(f'{claim.kind} "{claim.name}" is gone; deciding anew among those that are left')
            raise _ClaimGone

    async def _once(self, work: Reconciliation, observed: ObservedSecret | None) -> Results:
        if observed is None:
            return await self._bring_in_line(work, None, verdict=seal.Verdict.BROKEN)
        verdict = self._sealer.verify(observed)
        work.record.seen = True
        if verdict is seal.Verdict.INTACT:  # should it be deleted now, nobody would know any more what it held
            work.record.held = work.record.held or recorded_revision(observed)
        everybody = self._index.claims.co_owners(work.winner, self._others(work), observed=observed)
        owners.check_owner(work.winner, observed, verdict=verdict, co_owners=everybody)
        self._check_conflict(work, observed)
        if not _owns(work.winner, observed):
            # Kubernetes itself takes our reference away when the resource is deleted and its Secret is to be orphaned.
            await self._require_living_claim(work)
        try:
            return await self._bring_in_line(work, observed, verdict=verdict)
        except (BackendError, InvalidTargetError, ItemLookupError, RefusedError):
            await self._keep_alive(work, observed)
            raise

    async def _bring_in_line(self, work: Reconciliation, observed: ObservedSecret | None, *, verdict: seal.Verdict) -> Results:
        path = ItemPath.parse(work.winner.item_path)
        found = await self._contents.find(work, path, observed=observed, verdict=verdict)
        owning = {owner.uid for owner in observed.owners} if observed else set()
        sharing, others = await self._shared(work, found, owning=owning)
        work.record.co_owner_uids = frozenset(claim.uid for claim in (work.winner, *sharing))
        if suspending := next((claim for claim in sharing if claim.suspended), None):
            return [*((claim, _suspended(suspending)) for claim in (work.winner, *sharing)), *others]
        co_owners = self._index.claims.co_owners(work.winner, sharing, observed=observed)
        fetched = await self._contents.content(work, found, observed=observed, verdict=verdict)
        if fetched.frozen and observed:
            outcome: Synced | Paused = await self._leave_frozen(work, fetched, observed=observed, co_owners=co_owners)
        else:
            outcome = await self._apply(work, fetched, observed=observed, co_owners=co_owners)
        shared = dataclasses.replace(outcome, change=Change.NONE)  # one change is told once
        return [(work.winner, outcome), *((claim, shared) for claim in sharing), *others]

    def _check_conflict(self, work: Reconciliation, observed: ObservedSecret) -> None:
        # Once may be a hand edit. The official operator writes a Secret as a whole, and does so again whenever this one has.
        if work.record.rewrites >= RELABELLED and owners.is_officially_shaped(observed):
            raise conflicts.refusal(work.winner, seconds=self._index.conflicts.open(work.winner.uid))

    def _others(self, work: Reconciliation) -> list[Claim]:
        return [claim for claim in self._index.claims.alive(work.key) if claim.uid != work.winner.uid]

    async def _shared(self, work: Reconciliation, found: Found, *, owning: Collection[str]) -> tuple[list[Claim], Results]:
        sharing: list[Claim] = []
        refused: Results = []
        for claim in self._others(work):
            try:
                same = claim.item_path == work.winner.item_path or await self._contents.means(claim, found)
            except OperatorError as error:
                # What can't be looked up for a moment stays as it was.
                if not (conditions.is_blip(error) and claim.uid in owning):
                    refused.append((claim, Failed(error)))
                    continue
                same = True
            if same and claim.secret_type == work.winner.secret_type:
                sharing.append(claim)
            else:
                refused.append((claim, Failed(_claimed(work.winner))))
        return sharing, refused

    async def _keep_alive(self, work: Reconciliation, observed: ObservedSecret) -> None:
        # What it should hold is not known, but it must not go with one of several who need it.
        if _owns(work.winner, observed):
            co_owner_uids = {
                *work.record.co_owner_uids,
                *(claim.uid for claim in self._others(work) if claim.item_path == work.winner.item_path),
            }
            sharing = [claim for claim in self._others(work) if claim.uid in co_owner_uids and claim.secret_type == work.winner.secret_type]
            await self._add_owners(work, observed, co_owners=self._index.claims.co_owners(work.winner, sharing, observed=observed))

    async def _add_owners(self, work: Reconciliation, observed: ObservedSecret, *, co_owners: owners.CoOwners) -> None:
        wanted = owners.wanted_owners(work.winner, observed.owners, co_owners=co_owners)
        if {owner.uid for owner in wanted} - {owner.uid for owner in observed.owners}:
            with self._share.call(namespace_of(work.key)):
                written = await self._secrets.own(observed, wanted)
            work.record.resource_version = int(written.resource_version)

    async def _leave_frozen(
        self, work: Reconciliation, fetched: Fetched, *, observed: ObservedSecret, co_owners: owners.CoOwners
    ) -> Paused:
        await self._add_owners(work, observed, co_owners=co_owners)
        # Followed at the listed version, so that only the next one brings another look; what the Secret holds is another matter.
        work.record.held = work.record.held or recorded_revision(observed)
        self._index.follow(work.key, fetched.content.revision, requested=work.winner.item_path)
        return _frozen(work, fetched.content.revision)

    async def _apply(
        self, work: Reconciliation, fetched: Fetched, *, observed: ObservedSecret | None, co_owners: owners.CoOwners
    ) -> Synced | Paused:
        revision = fetched.content.revision
        context = secret_plan.Context(
            sealer=self._sealer,
            now=self._secrets.server_time(),
            remembered=None if fetched.frozen else work.record.held,
            carried=work.record.mark,
            co_owners=co_owners,
        )
        plan = secret_plan.plan(work.winner, observed, content=fetched.content, context=context)
        if plan.desired is not None:
            with self._share.call(namespace_of(work.key)):
                written = await (self._secrets.replace(plan.desired, basis=observed) if observed else self._secrets.create(plan.desired))
            work.record.resource_version = int(written.resource_version)
        work.record.seen = True
        work.record.held, work.record.reported, work.record.mark = revision, fetched.skipped, plan.mark
        self._index.follow(work.key, revision, requested=work.winner.item_path)
        if fetched.frozen:
            return _frozen(work, revision, change=plan.change)
        skipped = fetched.skipped
        resource = next((claim for claim in (work.winner, *co_owners.claims) if claim.is_resource), None)
        if skipped is None and resource and not conditions.reports(resource, revision, last_good=work.record.last_good):
            # Neither this process nor the resource knows what of the item became no key; without a look it would say that nothing did.
            work.record.reported = skipped = await self._contents.skipped(revision) or work.record.reported
        return Synced(revision=revision, change=plan.change, skipped=skipped, warning=fetched.warning, asked=work.refresh)


def _owns(claim: Claim, observed: ObservedSecret) -> bool:
    return any(owner.uid == claim.uid for owner in observed.owners)


def _suspended(claim: Claim) -> Paused:
    return Paused(
        pause=Pause.SUSPENDED,
        message=f'Secret "{claim.key.name}" is left alone while the annotation {names.SUSPEND} is "true"; remove it to resume',
    )


def _frozen(work: Reconciliation, revision: Revision, *, change: Change = Change.NONE) -> Paused:
    return Paused(
        pause=Pause.FROZEN,
        message=f'Secret "{work.key.name}" is left as it is, because {revision.path} has the tag {names.IGNORE_TAG}; '
        "take the tag away in 1Password to have it follow the item again",
        change=change,
    )


def _claimed(winner: Claim) -> TargetClaimedError:
    return TargetClaimedError(
        f'Secret "{winner.key.name}" belongs to {winner.kind} "{winner.name}", which asks for another item or type; ask for another name'
    )


def _in_the_way(winner: Claim, error: OperatorError) -> TargetClaimedError:
    return TargetClaimedError(
        f'Secret "{winner.key.name}" is due to {winner.kind} "{winner.name}", which fails ({error.reason}); fix that one, or ask for '
        "another name"
    )


class _ClaimGone(Exception):  # noqa: N818  a turn of the road, not an error
    pass
