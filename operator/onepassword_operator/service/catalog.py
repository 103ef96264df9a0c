"""The catalog: which vaults there are and what they list, shared by the poll and by every look-up, with as few requests as possible.

A vault's listing is kept together with the vault's fingerprint as it was read *before* the listing: while later vault lists show the
same fingerprint, the listing is current and costs nothing. A vault that changed is listed again at the next poll too, because its
fingerprint may have moved ahead of its items.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from onepassword_operator.model.item import ItemSummary, Vault
from onepassword_operator.ports import Clock, ItemSource

FRESH_SECONDS: Final = 2.0
"""A look-up that finds nothing believes a list younger than this, and asks again for an older one."""

EXTRA_LISTINGS: Final = 1
"""Polls after a change at which the vault is listed although its fingerprint stands still."""

UNEXPLAINED_LISTINGS: Final = 5
"""The same, if the vault moved and its list shows nothing new: most likely the list lags behind."""

SIGHTINGS: Final = 2
"""Complete lists that must agree before an item counts as gone."""


@dataclasses.dataclass(slots=True)
class Listing:
    """A vault's items, and what is known about their currency."""

    items: dict[str, ItemSummary]
    fingerprint: tuple[object, ...] | None
    at: float
    listings_due: int = 0
    missing: dict[str, int] = dataclasses.field(default_factory=dict)


class Catalog:
    """Vaults and their listings as last read."""

    def __init__(self, source: ItemSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._vaults: dict[str, Vault] = {}
        self._absent: dict[str, int] = {}
        self._vaults_at: float | None = None
        self._listings: dict[str, Listing] = {}
        self._flights: dict[str, asyncio.Lock] = {}

    @property
    def was_read(self) -> bool:
        """Whether a vault list has ever been read; an empty one is an answer, too."""
        return self._vaults_at is not None

    @property
    def vaults(self) -> Mapping[str, Vault]:
        """The vaults of the last vault list."""
        return self._vaults

    async def read_vaults(self) -> Mapping[str, Vault]:
        """Ask for the vault list: the one request of an idle poll."""
        vaults = {vault.id: vault for vault in await self._source.list_vaults()}
        absent = (self._vaults.keys() | self._absent.keys()) - vaults.keys()
        self._absent = {vault_id: self._absent.get(vault_id, 0) + 1 for vault_id in absent}
        self._vaults, self._vaults_at = vaults, self._clock.monotonic()
        for gone in [vault_id for vault_id in self._listings if self.vault_gone(vault_id)]:
            self._flights.pop(gone, None)
            del self._listings[gone]
        return self._vaults

    def vault_gone(self, vault_id: str) -> bool:
        """Whether enough vault lists in a row lacked the vault; one alone may be incomplete."""
        return self._absent.get(vault_id, 0) >= SIGHTINGS or (self.was_read and vault_id not in self._vaults.keys() | self._absent.keys())

    async def fresh_vaults(self) -> Mapping[str, Vault]:
        """The vault list, read again unless it is fresh."""
        await self._once("", lambda: self._vaults_at, read=self.read_vaults)
        return self._vaults

    async def read_unlisted(self, vault_id: str) -> Vault:
        """A vault that the vault list does not show: the error that asking for its items gives, or the vault after all.

        Raises:
            BackendForbiddenError, VaultNotFoundError: what Connect says of it.
        """
        await self.list_vault(vault_id)
        return Vault(id=vault_id, name=vault_id, content_version=0, attribute_version=0, items=0, created_at="", updated_at="")

    def is_current(self, vault_id: str) -> bool:
        """Whether the vault's listing needs no request: nothing moved since, and no extra listing is due."""
        listing, vault = self._listings.get(vault_id), self._vaults.get(vault_id)
        return bool(listing and vault and listing.fingerprint == vault.fingerprint and not listing.listings_due)

    def listed(self, vault_id: str) -> Listing | None:
        """The vault's listing as last read."""
        return self._listings.get(vault_id)

    async def list_vault(self, vault_id: str) -> Listing:
        """List a vault now, whatever is known."""
        vault, former = self._vaults.get(vault_id), self._listings.get(vault_id)
        summaries = await self._source.list_items(vault_id)
        return self._keep(vault_id, vault.fingerprint if vault else None, former=former, summaries=summaries)

    async def list_in_turn(self, vault_id: str) -> Listing:
        """List a vault now; look-ups that come meanwhile wait for this list instead of asking for one of their own."""
        async with self._flights.setdefault(vault_id, asyncio.Lock()):
            return await self.list_vault(vault_id)

    def _keep(
        self, vault_id: str, fingerprint: tuple[object, ...] | None, *, former: Listing | None, summaries: Sequence[ItemSummary]
    ) -> Listing:
        moved = former is None or former.fingerprint != fingerprint
        items = {summary.id: summary for summary in summaries}
        same = former is not None and items == former.items
        if former and same:
            items = former.items  # old objects in the place of equal new ones: no holes in memory
        due = 0 if former is None else _listings_due(same=same) if moved else _listings_left(former, same=same)
        missing = {
            item_id: count + 1
            for item_id, count in (former.missing if former else {}).items()
            if item_id not in items or not items[item_id].active
        }
        listing = Listing(items=items, fingerprint=fingerprint, at=self._clock.monotonic(), listings_due=due, missing=missing)
        self._listings[vault_id] = listing
        return listing

    async def listing(self, vault_id: str) -> Listing:
        """The vault's listing as last read, or read now if there is none."""
        held = self._listings.get(vault_id)
        if held is None:
            await self._once(vault_id, lambda: self._listed_at(vault_id), read=lambda: self.list_vault(vault_id))
        return self._listings.get(vault_id) or await self.list_vault(vault_id)

    async def fresh_listing(self, vault_id: str) -> Listing:
        """The vault's listing, read again unless it is fresh."""
        await self._once(vault_id, lambda: self._listed_at(vault_id), read=lambda: self.list_vault(vault_id))
        return self._listings.get(vault_id) or await self.list_vault(vault_id)

    def _listed_at(self, vault_id: str) -> float | None:
        listing = self._listings.get(vault_id)
        return listing.at if listing else None

    async def _once(self, flight: str, read_at: Callable[[], float | None], *, read: Callable[[], Awaitable[object]]) -> None:
        # Whoever waits for the lock finds the answer that the first one fetched, and does not ask again.
        async with self._flights.setdefault(flight, asyncio.Lock()):
            at = read_at()
            if at is None or self._clock.monotonic() - at > FRESH_SECONDS:
                await read()

    def note_missing(self, vault_id: str, item_ids: frozenset[str]) -> frozenset[str]:
        """Count followed items that a complete list did not show; returns those confirmed gone by enough lists in a row."""
        listing = self._listings[vault_id]
        for item_id in item_ids:
            listing.missing.setdefault(item_id, 1)
        unconfirmed = {item_id for item_id in item_ids if listing.missing[item_id] < SIGHTINGS}
        if unconfirmed:
            listing.listings_due = max(listing.listings_due, 1)
        return item_ids - unconfirmed

    def confirmed_gone(self, vault_id: str, item_id: str) -> bool:
        """Whether enough complete lists in a row lacked the item."""
        listing = self._listings.get(vault_id)
        return bool(listing and listing.missing.get(item_id, 0) >= SIGHTINGS)

    def expect_more(self, vault_id: str) -> None:
        """List and item disagree: list the vault at the next poll too."""
        if listing := self._listings.get(vault_id):
            listing.listings_due = max(listing.listings_due, 1)


def _listings_due(*, same: bool) -> int:
    return UNEXPLAINED_LISTINGS if same else EXTRA_LISTINGS


def _listings_left(former: Listing, *, same: bool) -> int:
    left = max(former.listings_due - 1, 0)
    return left if same else min(left, EXTRA_LISTINGS)
