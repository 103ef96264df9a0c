"""One Secret, one pass: claim → item → plan → write → report. Level-triggered: it looks at what is, not at what happened."""

from __future__ import annotations

import dataclasses
import logging
from typing import Final

from onepassword_operator.model.errors import (
    BackendAnswerError,
    ClusterConflictError,
    ItemArchivedError,
    ItemLookupError,
    ItemNotFoundError,
    OperatorError,
    RefusedError,
)
from onepassword_operator.model.item import Item, Revision
from onepassword_operator.model.item_path import ItemPath
from onepassword_operator.model.outcome import Failed, Outcome, Skipped, Synced
from onepassword_operator.model.secret import ObservedSecret, SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import ClaimStore, SecretStore
from onepassword_operator.rules import claims, conditions, seal, secret_data, secret_plan
from onepassword_operator.service.catalog import Catalog
from onepassword_operator.service.find_item import FindItem
from onepassword_operator.service.follow_index import Followed, FollowIndex
from onepassword_operator.service.read_item import ReadItem

CONFLICTS: Final = 5
"""How often a pass decides anew in a row because somebody else wrote first, before it lets others have their turn."""

_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class _Fetched:
    content: secret_plan.Content
    skipped: tuple[Skipped, ...] | None
    warning: str


class SyncSecret:
    """Makes a Secret what its claim asks for."""

    def __init__(
        self,
        *,
        secrets: SecretStore,
        claim_store: ClaimStore,
        catalog: Catalog,
        read_item: ReadItem,
        index: FollowIndex,
        sealer: seal.Sealer,
    ) -> None:
        self._secrets = secrets
        self._claims = claim_store
        self._catalog = catalog
        self._find = FindItem(catalog)
        self._read = read_item
        self._index = index
        self._sealer = sealer

    async def sync(self, key: SecretKey) -> tuple[Claim, Outcome] | None:
        """Bring one Secret in line; None if nobody asks for it. Never raises a leaf of the error tree: it is the outcome."""
        known = self._index.claims.get(key)
        claim = claims.ruling([known] if known else [], None)
        if claim is None:
            return None
        work = _Pass(claim=claim, record=self._index.record(key))
        try:
            outcome: Outcome = await self._until_settled(work)
        except OperatorError as error:
            if isinstance(error, ItemLookupError):
                work.record.wanted_vault = claim.item_path.split("/")[1]
            outcome = Failed(error)
        except _ClaimGone:
            return None
        return claim, outcome

    async def _until_settled(self, work: _Pass) -> Outcome:
        path = ItemPath.parse(work.claim.item_path)
        secret_plan.check_type(work.claim, None)
        # Nothing has ever been there: one POST tells as much as a GET, and is the write as well.
        observed = await self._secrets.get(work.claim.key) if work.record.seen or work.claim.ready else None
        first_sight = not (work.record.seen or work.claim.ready)
        for _ in range(CONFLICTS):
            if observed is None and not first_sight:
                await self._require_living_claim(work)
            if observed and observed.terminating:
                raise ClusterConflictError(f'Secret "{observed.key.name}" is being deleted; waiting until it is gone')
            try:
                return await self._once(work, path, observed=observed)
            except ClusterConflictError:
                first_sight = False
                observed = await self._secrets.get(work.claim.key)
        raise ClusterConflictError(f'Secret "{work.claim.key.name}" keeps changing while it is being written; trying again shortly')

    async def _require_living_claim(self, work: _Pass) -> None:
        live = await self._claims.get(work.claim.key)
        if live is None or live.uid != work.claim.uid or live.terminating:
            _log.info("the resource is gone, its Secret stays gone", extra={"secret": str(work.claim.key)})
            if live is None:
                self._index.forget(work.claim.key)
            raise _ClaimGone

    async def _once(self, work: _Pass, path: ItemPath, *, observed: ObservedSecret | None) -> Synced:
        verdict = seal.Verdict.BROKEN
        if observed is not None:
            work.record.seen = True
            secret_plan.check_type(work.claim, observed)
            verdict = self._sealer.verify(observed)
            secret_plan.check_owner(work.claim, observed, verdict=verdict)
            if not any(owner.uid == work.claim.uid for owner in observed.owners):
                # Kubernetes itself takes our reference away when the resource is deleted and its Secret is to be orphaned.
                await self._require_living_claim(work)
        fetched = await self._fetch(work, path, observed=observed, verdict=verdict)
        context = secret_plan.Context(
            sealer=self._sealer,
            now=self._secrets.server_time(),
            remembered=work.record.held,
            carried=work.record.mark,
        )
        plan = secret_plan.plan(work.claim, observed, content=fetched.content, context=context)
        if plan.desired is not None:
            written = await (self._secrets.replace(plan.desired, basis=observed) if observed else self._secrets.create(plan.desired))
            work.record.resource_version = int(written.resource_version)
        self._remember(work, fetched.content.revision, plan=plan, skipped=fetched.skipped)
        skipped = fetched.skipped if fetched.skipped is not None else await self._skipped(work, fetched.content.revision)
        return Synced(revision=fetched.content.revision, change=plan.change, skipped=skipped, warning=fetched.warning)

    async def _skipped(self, work: _Pass, revision: Revision) -> tuple[Skipped, ...] | None:
        # Neither this process nor the resource knows what of the item became no key; without a look the resource would say nothing did.
        if conditions.tells(work.claim, revision, last_good=work.record.last_good):
            return None
        item = await self._item(revision)
        if item.revision == revision:
            work.record.told = secret_data.render(item, allow_empty=self._sealer.rendering.allow_empty_values).skipped
        return work.record.told

    def _remember(self, work: _Pass, revision: Revision, *, plan: secret_plan.Plan, skipped: tuple[Skipped, ...] | None) -> None:
        work.record.seen = True
        work.record.held = revision
        work.record.told = skipped
        work.record.mark = plan.mark
        self._index.follow(work.claim.key, revision, requested=work.claim.item_path)

    async def _fetch(self, work: _Pass, path: ItemPath, *, observed: ObservedSecret | None, verdict: seal.Verdict) -> _Fetched:
        pin = secret_plan.pinned(work.claim, observed, verdict=verdict) or self._pin_from_memory(work)
        found = await self._find.find(path, pin)
        if observed and verdict is seal.Verdict.INTACT and secret_plan.recorded_revision(observed) == found.listed:
            told = work.record.told if work.record.held == found.listed else None
            return _Fetched(secret_plan.Content(revision=found.listed, data=observed.data), told, found.warning)
        try:
            item = await self._item(found.listed)
        except RefusedError:
            # Too large to be read at all: follow what the list says, so that the next version gets its chance.
            self._index.follow(work.claim.key, found.listed, requested=work.claim.item_path)
            raise
        if item.revision != found.listed:
            self._catalog.expect_more(item.vault_id)
        self._index.follow(work.claim.key, item.revision, requested=work.claim.item_path)
        if not item.active:
            raise ItemArchivedError(f'item "{item.title[:100]}" is archived; restore it in 1Password, or point itemPath elsewhere')
        rendered = secret_data.render(item, allow_empty=self._sealer.rendering.allow_empty_values)
        return _Fetched(secret_plan.Content(revision=item.revision, data=rendered.data), rendered.skipped, found.warning)

    async def _item(self, listed: Revision) -> Item:
        try:
            return await self._read.read(listed)
        except ItemNotFoundError:
            listing = self._catalog.listed(listed.vault_id)
            if listing is None or listed.item_id not in listing.items:
                raise
        # The list has it: one of the two lags behind, and only further lists can tell that the item is gone.
        self._catalog.expect_more(listed.vault_id)
        raise BackendAnswerError(f"Connect lists item {listed.item_id} but does not deliver it; trying again")

    def _pin_from_memory(self, work: _Pass) -> Revision | None:
        return work.record.revision if work.record.requested == work.claim.item_path else None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    claim: Claim
    record: Followed


class _ClaimGone(Exception):  # noqa: N818  a turn of the road, not an error
    pass
