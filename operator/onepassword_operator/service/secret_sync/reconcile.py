"""One Secret: look → admit → contents → plan → apply.

Level-triggered: it looks at what is, not at what happened.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Final, NamedTuple

from onepassword_operator.model.errors import (
    BackendAnswerError,
    BackendError,
    ClusterAbsentError,
    ClusterConflictError,
    ClusterError,
    InvalidTargetError,
    ItemLookupError,
    OperatorError,
    RefusedError,
)
from onepassword_operator.model.outcome import Change, Failed, Outcome, Paused, Synced
from onepassword_operator.model.secret import DesiredSecret, ObservedSecret, SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import SecretStore
from onepassword_operator.rules import conditions
from onepassword_operator.rules.secret import admission, mutation, owners, seal, secret_plan
from onepassword_operator.rules.secret.admission import Admitted, Seen
from onepassword_operator.rules.secret.owners import CoOwners
from onepassword_operator.service.index import conflicts
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime.fair_share import FairShare, namespace_of
from onepassword_operator.service.secret_sync.content import Contents, Fetched
from onepassword_operator.service.secret_sync.live_claims import LiveClaims
from onepassword_operator.service.secret_sync.pins import OutdatedError, Pins, Request
from onepassword_operator.service.vaults.lookup import Found

CONFLICTS: Final = 5
"""How often in a row a reconcile decides anew because somebody else wrote first, before others have
their turn.
"""

Results = list[tuple[Claim, Outcome]]

_log = logging.getLogger(__name__)


class Together(NamedTuple):
    """The claims besides the winner: the ones that mean its item, and refusals of the others."""

    sharing: tuple[Claim, ...]
    refused: Results


class Reconcile:
    """Makes a Secret what its claims ask for."""

    def __init__(
        self,
        *,
        secrets: SecretStore,
        live_claims: LiveClaims,
        pins: Pins,
        contents: Contents,
        index: Index,
        sealer: seal.Sealer,
        limits: FairShare,
        restart_on_content: bool,
    ) -> None:
        self._secrets = secrets
        self._live_claims = live_claims
        self._pins = pins
        self._contents = contents
        self._index = index
        self._sealer = sealer
        self._limits = limits
        self._restart_on_content = restart_on_content

    async def run(self, key: SecretKey) -> Results:
        """Bring one Secret in line, and return the outcome for each claim, the winner's first.

        Nothing is returned if nobody asks for the Secret. A leaf of the error tree is an outcome,
        and never raised.
        """
        refresh = self._index.refreshes.take(key)
        winner = self._index.winner(key)
        if winner is None:
            return []
        existed = self._may_exist(key)
        try:
            for _ in range(CONFLICTS):
                seen = await self._look(key, existed=existed)
                if not seen.claims:
                    return []
                admitted = self._admit(seen)
                winner = admitted.winner
                try:
                    return await self._try(Request(admitted=admitted, refresh=refresh))
                except OutdatedError:
                    existed = True
            raise ClusterConflictError(
                f'Secret "{key.name}" keeps changing while it is being written; '
                "trying again shortly"
            )
        except OperatorError as error:
            if refresh and not isinstance(error, ItemLookupError):  # that one is an answer
                self._index.refreshes.give_back(key)
            return self._failed(key, error, winner=winner)

    async def _try(self, asked: Request) -> Results:
        admitted = asked.admitted
        if admitted.winner.suspended:
            return self._suspend(asked, admitted.others, by=admitted.winner)
        admission.check(admitted)
        self._step_back_if_contended(admitted)
        try:
            return await self._bring_in_line(asked)
        except ClusterConflictError as error:
            raise OutdatedError from error
        except ClusterAbsentError as error:
            if asked.observed is None:
                raise  # the namespace is gone; else the Secret went after it was read
            raise OutdatedError from error

    # --- look ---

    def _may_exist(self, key: SecretKey) -> bool:
        # For a Secret that never existed, one POST tells as much as a GET, and is the write as
        # well. For a suspended one there is no POST.
        reported = any(
            claim.ready or claim.has_legacy_finalizer or claim.suspended
            for claim in self._index.claims.of(key)
        )
        return reported or self._index.states.of(key).existed

    async def _look(self, key: SecretKey, *, existed: bool) -> Seen:
        observed = None
        if existed:
            with self._limits.call(namespace_of(key)):
                observed = await self._secrets.get(key)
        return Seen(
            key=key,
            claims=tuple(self._index.claims.alive(key)) or self._index.claims.of(key),
            interested=self._index.claims.interested(key, observed.owners if observed else ()),
            observed=observed,
            verdict=self._sealer.verify(observed) if observed else seal.Verdict.BROKEN,
            sharing_before=self._index.winners.of(key).sharing,
            repairs=self._index.repairs.in_a_row(key),
            created_before=existed,
        )

    # --- admit ---

    def _admit(self, seen: Seen) -> Admitted:
        key, observed = seen.key, seen.observed
        admitted = admission.choose(seen)
        self._decide(admitted, admitted.presumed)
        if observed and not observed.terminating:
            self._index.states.set_existed(key)
            if seen.verdict is seal.Verdict.INTACT:
                # Were it deleted now, its content would be unknown.
                self._index.states.set_held_if_unknown(
                    key, observed.recorded, recipe=observed.shaped_by
                )
        return admitted

    def _decide(self, admitted: Admitted, sharing: frozenset[str]) -> None:
        self._index.winners.decide(
            admitted.seen.key, admitted.winner.uid, sharing=sharing, alone=not admitted.others
        )

    def _step_back_if_contended(self, admitted: Admitted) -> None:
        if admission.is_contended(admitted):
            raise conflicts.refusal(
                admitted.winner, seconds=self._index.conflicts.open(admitted.winner.uid)
            )

    async def _still_asks(self, claim: Claim) -> bool:
        live = await self._live_claims.get(claim)
        if live and live.uid == claim.uid and not live.terminating and live.key == claim.key:
            return True
        if live is None and self._index.let_go(claim):
            raise OutdatedError  # others ask for the Secret
        _log.info("the object that asks is gone, its Secret stays gone", extra=claim.log_fields)
        return False

    # --- contents ---

    def _suspend(self, asked: Request, others: Sequence[Claim], *, by: Claim) -> Results:
        if asked.refresh:
            self._index.refreshes.give_back(asked.key)
        paused = admission.suspended(by, absent=asked.observed is None, refresh=asked.refresh)
        return [(claim, paused) for claim in (asked.admitted.winner, *others)]

    async def _bring_in_line(self, asked: Request) -> Results:
        admitted = asked.admitted
        # Its Secret may have been deleted with it; and Kubernetes itself takes our reference away
        # when it orphans a Secret.
        if admitted.must_live and not await self._still_asks(admitted.winner):
            return []
        try:
            found = await self._pins.find(asked)
            together = await self._together(admitted, found)
            self._decide(admitted, frozenset(claim.uid for claim in together.sharing))
            if suspending := next((claim for claim in together.sharing if claim.suspended), None):
                suspended = self._suspend(asked, together.sharing, by=suspending)
                return suspended + together.refused
            fetched = await self._contents.content(asked, found)
            outcome = await self._apply(
                asked, fetched, co_owners=admitted.co_owners(together.sharing)
            )
        except (BackendError, InvalidTargetError, ItemLookupError, RefusedError):
            try:
                await self._keep_alive(admitted)
            except ClusterError as error:
                fields = admitted.winner.log_fields | error.log_fields
                _log.warning("owners could not be added", extra=fields)
            raise
        shared = dataclasses.replace(outcome, change=Change.NONE)  # one change is reported once
        return [
            (admitted.winner, outcome),
            *((claim, shared) for claim in together.sharing),
            *together.refused,
        ]

    async def _together(self, admitted: Admitted, found: Sequence[Found]) -> Together:
        sharing: list[Claim] = []
        refused: Results = []
        for claim in admitted.others:
            try:
                shared = claim.uid in admitted.seen.sharing_before and conditions.is_in_sync(claim)
                same = claim.recipe == admitted.winner.recipe or (
                    claim.shaped is admitted.winner.shaped is None
                    and await self._pins.means(claim, found, pinned=shared)
                )
            except OperatorError as error:
                # A short outage changes nothing for a claim that owns the Secret.
                if not (conditions.is_blip(error) and claim.uid in admitted.owning):
                    refused.append((claim, Failed(error)))
                    continue
                same = True
            if same and claim.secret_type == admitted.winner.secret_type:
                sharing.append(claim)
            else:
                refused.append((claim, Failed(admission.claimed(admitted.winner))))
        return Together(tuple(sharing), refused)

    # --- plan and apply ---

    async def _apply(
        self, asked: Request, fetched: Fetched, *, co_owners: CoOwners
    ) -> Synced | Paused:
        key, observed, revisions = asked.key, asked.observed, fetched.content.revisions
        if fetched.frozen and observed:
            await self._add_owners(asked.admitted, observed, co_owners=co_owners)
            # Followed at the listed version, although the Secret may hold another: only the next
            # version wakes it. What it holds is not taken for known, because nothing proves it.
            self._index.item_users.follow(key, revisions, requested=str(asked.recipe))
            reshaped = not secret_plan.has_shape(observed, asked.recipe)
            return admission.frozen(
                key, fetched.frozen, asked=revisions, held=observed.recorded, reshaped=reshaped
            )
        plan = self._plan(asked, fetched, co_owners=co_owners)
        if plan.desired is not None:
            with self._limits.call(namespace_of(key)):
                written = await (
                    self._secrets.replace(plan.desired, basis=observed)
                    if observed
                    else self._secrets.create(plan.desired)
                )
            observed = written
            self._note_written(plan.desired, written)
        self._index.states.set_synced(
            key,
            revisions,
            recipe=asked.recipe.shape_record,
            skipped=fetched.skipped,
            mark=plan.mark,
        )
        self._index.item_users.follow(key, revisions, requested=str(asked.recipe))
        if fetched.frozen:
            return admission.frozen(key, fetched.frozen, change=plan.change)
        skipped, unread = await self._skipped(asked, fetched, co_owners=co_owners)
        return Synced(
            revisions=revisions,
            change=plan.change,
            reason=plan.reason,
            skipped=skipped,
            warning=self._warning(fetched, observed),
            asked=asked.refresh,
            unread=unread,
        )

    def _note_written(self, sent: DesiredSecret, written: ObservedSecret) -> None:
        changed = mutation.find(sent, written)
        if changed and self._index.states.of(sent.key).mutation is None:
            extra = {"secret": str(sent.key), "detail": str(changed)}
            _log.warning("Secret changed by admission", extra=extra)
        self._index.states.set_written(sent.key, written.resource_version, mutation=changed)

    def _warning(self, fetched: Fetched, observed: ObservedSecret | None) -> str:
        changed = self._index.states.mutation(observed) if observed else None
        return "; ".join(filter(None, (fetched.warning, str(changed or ""))))

    def _plan(self, asked: Request, fetched: Fetched, *, co_owners: CoOwners) -> secret_plan.Plan:
        state = self._index.states.of(asked.key)
        context = secret_plan.Context(
            sealer=self._sealer,
            verdict=asked.verdict,
            now=self._secrets.server_time(),
            remembered=None if fetched.frozen else state.held,
            remembered_recipe=state.recipe,
            carried=state.mark,
            co_owners=co_owners,
            restart_on_content=self._restart_on_content,
            mutation=self._index.states.mutation(asked.observed) if asked.observed else None,
        )
        return secret_plan.plan(
            asked.admitted.winner, asked.observed, content=fetched.content, context=context
        )

    async def _skipped(
        self, asked: Request, fetched: Fetched, *, co_owners: CoOwners
    ) -> tuple[str | None, OperatorError | None]:
        """Return what became no key, in words, or the error that keeps it unknown."""
        revisions = fetched.content.revisions
        resource = next(
            (claim for claim in (asked.admitted.winner, *co_owners.claims) if claim.is_resource),
            None,
        )
        if fetched.skipped is not None or resource is None:
            return fetched.skipped, None
        if conditions.reports(
            resource, revisions, last_good=self._index.claims.last_good(asked.key)
        ):
            return None, None
        # Neither this process nor the resource knows what of the item became no key; without a read
        # it would say that nothing did.
        try:
            skipped = await self._contents.skipped(asked, revisions)
        except (BackendError, ItemLookupError, RefusedError) as error:
            return None, error
        self._index.states.set_skipped(asked.key, skipped)
        return skipped, None

    # --- when it fails ---

    def _failed(self, key: SecretKey, error: OperatorError, *, winner: Claim) -> Results:
        # Polls list the vaults of Secrets that wait, and only further lists tell what is true where
        # a list and an item disagree.
        lost = isinstance(error, ItemLookupError) or (
            isinstance(error, BackendAnswerError) and not self._index.item_users.of(key).revisions
        )
        if lost and key in self._index.claims:
            if not winner.recipe.leads_where(self._index.item_users.of(key).requested):
                # Else each list would show the former item's change again.
                self._index.item_users.unfollow(key)
            vaults = [path.vault for path in winner.recipe.items()]
            self._index.item_users.wait(key, vaults=vaults)
        # Claims that share the Secret share its error. The others are told which claim is in the
        # way, unless the error passes by itself.
        results: Results = [(winner, Failed(error))]
        sharing = self._index.winners.of(key).sharing
        for claim in admission.others(self._index.claims.alive(key), winner):
            shares = admission.shares(claim, winner, sharing=sharing)
            if not (shares or conditions.is_blip(error)):
                results.append((claim, Failed(admission.in_the_way(winner, error))))
            elif shares or (claim.is_resource and claim.ready is None):
                # A new resource is owed an answer at once.
                results.append((claim, Failed(error)))
        return results

    async def _keep_alive(self, admitted: Admitted) -> None:
        # The content is unknown, but the Secret must not be deleted with one of several claims that
        # need it.
        observed, winner = admitted.seen.observed, admitted.winner
        if observed is None or winner.uid not in admitted.owning:
            return
        sharing = self._index.winners.of(admitted.seen.key).sharing
        kept = tuple(
            claim
            for claim in admission.others(self._index.claims.alive(admitted.seen.key), winner)
            if admission.shares(claim, winner, sharing=sharing)
        )
        await self._add_owners(admitted, observed, co_owners=admitted.co_owners(kept))

    async def _add_owners(
        self, admitted: Admitted, observed: ObservedSecret, *, co_owners: CoOwners
    ) -> None:
        wanted = owners.wanted_owners(admitted.winner, observed.owners, co_owners=co_owners)
        if {owner.uid for owner in wanted} - admitted.owning:
            with self._limits.call(namespace_of(observed.key)):
                written = await self._secrets.own(observed, wanted)
            self._index.states.set_version(observed.key, written.resource_version)
