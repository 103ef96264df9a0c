"""From a recipe to the items that it means: those that the Secret follows, unless they moved on."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    ItemAmbiguousError,
    ItemArchivedError,
    ItemLookupError,
    ItemNotFoundError,
    RefusedError,
    SpecError,
)
from onepassword_operator.model.item import ABSENT, Item, Revision, Revisions
from onepassword_operator.model.item_path import ItemPath
from onepassword_operator.model.recipe import Part, Recipe
from onepassword_operator.model.secret import ObservedSecret, SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.rules import conditions
from onepassword_operator.rules.contents.item_room import ItemRoom
from onepassword_operator.rules.secret import seal, secret_plan
from onepassword_operator.rules.secret.admission import Admitted
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime import fair_share
from onepassword_operator.service.runtime.fair_share import FairShare
from onepassword_operator.service.runtime.single_flight import SingleFlight
from onepassword_operator.service.secret_sync.renders import Renders
from onepassword_operator.service.vaults.catalog import Catalog
from onepassword_operator.service.vaults.item_reads import ItemReads
from onepassword_operator.service.vaults.lookup import Found, ItemLookup

REMEMBERED: Final = 10_000
CONFIRMATIONS: Final = 3
"""Reads that must find nothing before an item counts as gone that lists lack."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The content that one reconcile asks for."""

    admitted: Admitted
    refresh: bool
    """1Password is to be asked, whatever is known."""

    @property
    def key(self) -> SecretKey:
        """The key of the Secret."""
        return self.admitted.seen.key

    @property
    def recipe(self) -> Recipe:
        """The recipe that the winner asks for."""
        return self.admitted.winner.recipe

    @property
    def observed(self) -> ObservedSecret | None:
        """The live Secret; None if there is none."""
        return self.admitted.seen.observed

    @property
    def verdict(self) -> seal.Verdict:
        """The verdict on the live Secret's seal."""
        return self.admitted.seen.verdict


class OutdatedError(Exception):
    """The facts that a decision rests on have changed meanwhile: decide anew."""


class Pins:
    """Finds the items of a Secret: those pinned on it, as long as they count."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        item_reads: ItemReads,
        index: Index,
        renders: Renders,
        limits: FairShare,
    ) -> None:
        self._catalog = catalog
        self._finder = ItemLookup(catalog)
        self._read = item_reads
        self._index = index
        self._renders = renders
        self._limits = limits
        self._seen: OrderedDict[tuple[str, str], tuple[object, _Presence]] = OrderedDict()
        """What reads showed of items that are gone, and the vault's fingerprint then."""
        self._confirmations: SingleFlight[Revision, _Presence] = SingleFlight(index.clock)

    async def find(self, asked: Request) -> list[Found]:
        """Find the items that the winner means: the pinned ones as long as they are there.

        Raises:
            ItemPathError: a path of the recipe has not the form of one.
            ItemLookupError: there is no such item, or which one is meant is unclear.
            BackendError: 1Password could not be asked.
        """
        winner, observed = asked.admitted.winner, asked.observed
        pins = secret_plan.pinned(winner, observed, verdict=asked.verdict)
        pins = pins or self._remembered(asked)
        if pins and len(pins) != len(asked.recipe.parts):
            pins = None
        doubted = None if pins else secret_plan.annotated(winner, observed)
        unproven = None if _takes_any(asked) else doubted
        if unproven is None:
            return await self._find_all(asked, pins)
        found: list[Found] = []
        with contextlib.suppress(ItemLookupError):
            found = await self._find_all(asked, None)
        if await self._are_same(asked, unproven, found=found):
            return found
        if await self._is_equal(asked, unproven):
            return await self._find_all(asked, unproven)
        if found and await self._is_equal(asked, Revisions(each.listed for each in found)):
            return found  # somebody edited the annotations, and nothing else
        raise _unproven(asked, unproven, found=found)

    def _remembered(self, asked: Request) -> Revisions | None:
        followed = self._index.item_users.of(asked.key)
        return followed.revisions if asked.recipe.leads_where(followed.requested) else None

    async def _find_all(self, asked: Request, pins: Revisions | None) -> list[Found]:
        parts, paths = asked.recipe.parts, asked.recipe.items()
        return [
            await self._find_part(asked, part, path=path, pin=None if pin == ABSENT else pin)
            for part, path, pin in zip(parts, paths, pins or [None] * len(paths), strict=True)
        ]

    async def _find_part(
        self, asked: Request, part: Part, *, path: ItemPath, pin: Revision | None
    ) -> Found:
        try:
            return await self._find(asked, part, path=path, pin=pin)
        except (ItemNotFoundError, ItemArchivedError):
            if not part.optional:
                raise
            return Found(listed=ABSENT)

    async def _are_same(
        self, asked: Request, annotated: Revisions, *, found: Sequence[Found]
    ) -> bool:
        if not len(found) == len(annotated) == len(asked.recipe.parts):
            return False
        lost: list[tuple[Part, ItemPath, Revision]] = []
        for part, path, pin, each in zip(
            asked.recipe.parts, asked.recipe.items(), annotated, found, strict=True
        ):
            if each.listed.item == pin.item:
                continue
            if each.listed != ABSENT:
                return False
            lost.append((part, path, pin))
        return all([await self._is_gone(part, path=path, pin=pin) for part, path, pin in lost])

    async def _is_gone(self, part: Part, *, path: ItemPath, pin: Revision) -> bool:
        # Nothing follows what is not proven, so no polls confirm that an optional item is gone:
        # its vault's list and several reads have to agree.
        with self._limits.call(fair_share.vault_of(part.path)):
            if not await self._finder.is_in_vault(path, pin):
                return False
        with self._limits.call(fair_share.item_of(part.path)):
            return await self._presence(pin) is not _Presence.THERE

    async def _is_equal(self, asked: Request, revisions: Revisions) -> bool:
        # A new token, or a new version of the mapping, leaves every seal unproven. Data that only
        # these items give are as good a proof, of items in the vaults asked for: somebody who may
        # edit Secrets and knows another vault's value must not get the next one.
        paths = asked.recipe.items()
        if len(revisions) != len(paths):
            return False
        items: list[Item | None] = []
        room = ItemRoom()
        try:
            for part, path, revision in zip(asked.recipe.parts, paths, revisions, strict=True):
                if revision == ABSENT:
                    items.append(None)
                    continue
                with self._limits.call(fair_share.vault_of(part.path)):
                    if not await self._finder.is_in_vault(path, revision):
                        return False
                with self._limits.call(fair_share.item_of(part.path)):
                    items.append(room.take(await self._read.read(revision)))
        except (ItemLookupError, RefusedError, SpecError):
            return False
        return await self._renders.gives(asked.recipe, items, observed=asked.observed)

    async def _find(
        self, asked: Request, part: Part, *, path: ItemPath, pin: Revision | None
    ) -> Found:
        with self._limits.call(fair_share.item_of(part.path)):
            lost = await self._loss(asked, pin) if pin else None
        with self._limits.call(fair_share.vault_of(part.path)):
            if asked.refresh:
                since = self._index.refreshes.asked_at(asked.key)
                await self._finder.refresh(path, pin, since=since)
            any_successor = _takes_any(asked)
            if lost and asked.observed and pin and path.item == pin.item_id:
                raise lost
            try:
                found = await self._finder.find(
                    path, pin, lost=lost is not None, any_successor=any_successor
                )
            except ItemNotFoundError:
                if lost is None or asked.observed is None:
                    raise
                raise lost from None
        if asked.refresh:  # others asked for the same item, too, and one read serves all
            self._read.drop(found.listed, before=self._index.refreshes.asked_at(asked.key))
        return found

    async def _loss(self, asked: Request, pin: Revision) -> ItemLookupError | None:
        """Return what to report of a pinned item that is gone; None while it counts as there."""
        if not (self._catalog.confirmed_gone(*pin.item) or await self._stays_lost(asked, pin)):
            return None
        held = (asked.observed.recorded if asked.observed else None) or Revisions((pin,))
        version = next((each.version for each in held if each.item == pin.item), pin.version)
        gone = f'Secret "{asked.key.name}" holds version {version} of {pin.path}'
        remedy = "the Secret stays as it is; restore the item, or point itemPath elsewhere"
        match await self._presence(pin):
            case _Presence.THERE:
                self._catalog.note_newer(pin.vault_id, pin)
                return None
            case _Presence.ARCHIVED:
                return ItemArchivedError(f"{gone}, which is archived; {remedy}")
            case _Presence.GONE:  # pragma: no branch  mypy proves that none is left
                return ItemNotFoundError(f"{gone}, which was deleted or moved; {remedy}")

    async def _stays_lost(self, asked: Request, pin: Revision) -> bool:
        # After a start the first list is enough for what the resource says already.
        if not conditions.is_lost(asked.admitted.winner):
            return False
        with contextlib.suppress(ItemLookupError):
            summary = (await self._catalog.listing(pin.vault_id)).items.get(pin.item_id)
            return summary is None or not summary.active
        return True

    async def means(self, claim: Claim, found: Sequence[Found], *, pinned: bool) -> bool:
        """Whether another claim's recipe leads to the same items.

        `pinned`: it did before, and has not changed since, so titles may move as for the winner.

        Raises:
            OperatorError: it leads nowhere, or 1Password could not be asked.
        """
        others = []
        paths = claim.recipe.items()
        if len(paths) != len(found):
            return False
        for part, path, winners in zip(claim.recipe.parts, paths, found, strict=True):
            pin = winners.listed if pinned else None
            with self._limits.call(fair_share.vault_of(part.path)):
                others.append(await self._finder.find(path, pin))
        return [other.listed.item for other in others] == [each.listed.item for each in found]

    async def _presence(self, pin: Revision) -> _Presence:
        # Lists lack it, and so may those of a server that lags behind; what can be read is there.
        listing = self._catalog.listed(pin.vault_id)
        vault = listing.fingerprint if listing else None
        seen_in, presence = self._seen.get(pin.item, (None, _Presence.THERE))
        if vault and seen_in == vault:
            return presence
        presence = await self._confirmed(pin)
        if vault and presence is not _Presence.THERE:  # a server that lags behind may have it still
            self._seen[pin.item] = (vault, presence)
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return presence

    async def _confirmed(self, pin: Revision) -> _Presence:
        try:
            return await self._confirmations.run(pin, lambda: self._read_again_and_again(pin))
        except ItemLookupError:
            return _Presence.GONE
        except RefusedError:  # it is there, and too large
            return _Presence.THERE

    async def _read_again_and_again(self, pin: Revision) -> _Presence:
        for _ in range(CONFIRMATIONS - 1):
            self._read.drop(pin)  # each read may meet another server
            with contextlib.suppress(ItemLookupError):
                return _Presence.of(await self._read.read(pin))
        self._read.drop(pin)
        return _Presence.of(await self._read.read(pin))


class _Presence(enum.Enum):
    """What reads show of an item that lists lack."""

    THERE = enum.auto()
    ARCHIVED = enum.auto()
    GONE = enum.auto()

    @classmethod
    def of(cls, item: Item) -> _Presence:
        return cls.THERE if item.active else cls.ARCHIVED


def _takes_any(asked: Request) -> bool:
    # Without a Secret there is nothing to protect from another item's values. And somebody who was
    # told of the choice has chosen; a refresh asked for before it was told has not.
    winner = asked.admitted.winner
    return asked.observed is None or (asked.refresh and conditions.is_ambiguous(winner))


def _unproven(
    asked: Request, annotated: Revisions, *, found: Sequence[Found]
) -> ItemAmbiguousError:
    held, means = annotated.in_words, Revisions(each.listed for each in found).in_words
    return ItemAmbiguousError(
        f'Secret "{asked.key.name}" says that it holds {held}, and neither a seal made with the '
        f"present token nor equal data prove it; its path means {means}; the Secret stays as it "
        f"is; set an item's ID as itemPath, or change the annotation {names.REFRESH} to take what "
        "the path means"
    )
