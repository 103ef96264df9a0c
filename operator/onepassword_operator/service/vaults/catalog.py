"""The catalog: vaults and their item lists, shared by polls and lookups to save requests.

A vault's listing is kept with the vault's fingerprint from *before* the listing: while later vault
lists show the same fingerprint, the listing is current and costs no request. A changed vault is
listed again at the next poll too, because its fingerprint may be ahead of its items. The catalog
never goes back to an older answer without a doubt (`rules/older_answers.py`). Only the lists of
polls, which are apart in time, confirm a doubt; any list can refute it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

from onepassword_operator.model.item import ItemSummary, Revision, Vault
from onepassword_operator.ports import Clock, ItemSource
from onepassword_operator.rules import older_answers, titles
from onepassword_operator.rules.older_answers import Doubt, Known, Reading
from onepassword_operator.rules.titles import Titles
from onepassword_operator.service.runtime.single_flight import SingleFlight

FRESH_SECONDS: Final = 2.0
"""Age in seconds up to which a list is believed by a lookup that finds nothing in it."""

EXTRA_LISTINGS: Final = 1
"""Polls after a change at which the vault is listed although its fingerprint is unchanged."""

FIRST_LISTINGS: Final = 3
"""The same after the first list of a vault: nothing tells yet whether its server lags behind."""

UNEXPLAINED_LISTINGS: Final = 5
"""The same if the vault changed and its list shows nothing new: most likely the list lags."""

IDLE_POLLS: Final = 3
"""Polls until a listing that nobody follows or uses is dropped."""

_EVER: Final = float("-inf")


@dataclasses.dataclass(slots=True)
class Listing:
    """A vault's items, and how current they are."""

    known: Known
    fingerprint: tuple[object, ...] | None
    at: float
    """Start of the list, on the monotonic clock."""
    listings_due: int = 0
    unexplained: bool = False
    """The vault has changed, and no list has shown a change since."""
    polls: int = 0
    """The number of polls that have listed the vault."""
    titles: Titles = dataclasses.field(default_factory=dict)
    idle_polls: int = 0
    """Polls in a row at which no Secret followed the vault, since a lookup used the listing."""

    @property
    def items(self) -> Mapping[str, ItemSummary]:
        """The items by ID, each at its newest known version."""
        return self.known.items

    def recent_names(self) -> set[str]:
        """Return IDs and titles, without case, that the last polls were the first to show."""
        return titles.recent(self.titles, self.items, poll=self.polls)

    def is_confirmed(self, item_id: str) -> bool:
        """Whether several polls in a row have shown the item with its title."""
        return titles.confirmed(self.titles, item_id, poll=self.polls)


class Catalog:
    """Vaults and their listings as last read."""

    def __init__(self, source: ItemSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._vaults: dict[str, Vault] = {}
        self._vault_doubts: dict[str, Doubt] = {}
        self._new_vaults: dict[str, float] = {}
        """By vault, when it first appeared; none of the first vault list."""
        self._vaults_at: float | None = None
        self._listings: dict[str, Listing] = {}
        self._contradicted: dict[str, float] = {}
        """By vault, the last time its lists contradicted each other, on the monotonic clock."""
        self._flights: SingleFlight[str, object] = SingleFlight(clock)

    @property
    def was_read(self) -> bool:
        """Whether a vault list has ever been read, even an empty one."""
        return self._vaults_at is not None

    @property
    def vaults(self) -> Mapping[str, Vault]:
        """The vaults of the last vault list, and those not believed gone yet, by ID."""
        return self._vaults

    async def read_vaults(self, *, polled: bool = False) -> Mapping[str, Vault]:
        """Read the vault list, the one request of an idle poll; return the vaults by ID."""
        began = self._clock.monotonic()
        seen = {vault.id: vault for vault in await self._source.list_vaults()}
        for vault in seen.values():
            self._note_vault(vault)
        for vault_id in (self._vaults.keys() | self._vault_doubts.keys()) - seen.keys():
            self._doubt_vault(vault_id, polled=polled)
        absent = {
            vault_id: vault
            for vault_id, vault in self._vaults.items()
            if vault_id not in seen and not self.vault_gone(vault_id)
        }
        self._vaults, self._vaults_at = absent | seen, began
        for gone in [vault_id for vault_id in self._listings if self.vault_gone(vault_id)]:
            del self._listings[gone]
        return seen

    def _note_vault(self, vault: Vault) -> None:
        former, now = self._vaults.get(vault.id), self._clock.monotonic()
        if self.was_read and former is None:
            self._new_vaults.setdefault(vault.id, now)
        doubt = self._vault_doubts.get(vault.id)
        if doubt and doubt.is_open:
            self._vault_doubts[vault.id] = doubt.ended(now=now)
        elif doubt and now - doubt.since > older_answers.REMEMBERED_SECONDS:
            del self._vault_doubts[vault.id]
        if (doubt and doubt.is_open) or (former and vault.is_older_than(former)):
            self._contradicted[vault.id] = now

    def _doubt_vault(self, vault_id: str, *, polled: bool) -> None:
        now = self._clock.monotonic()
        doubt = self._vault_doubts.get(vault_id, Doubt.closed(now=now)).again(
            None, now=now, polled=polled
        )
        in_step = self._in_step(vault_id)
        self._vault_doubts[vault_id] = (
            older_answers.believe(doubt, now=now, in_step=in_step)
            if polled and not doubt.believed
            else doubt
        )

    def vault_gone(self, vault_id: str) -> bool:
        """Whether so many vault lists in a row lacked the vault that it counts as gone."""
        doubt = self._vault_doubts.get(vault_id)
        if doubt and doubt.is_open:
            return doubt.believed
        return self.was_read and vault_id not in self._vaults

    async def fresh_vaults(self, *, since: float | None = None) -> Mapping[str, Vault]:
        """Return the vaults by ID, read again unless fresh, or started after `since`."""
        await self._once("", lambda: self._vaults_at, since=since, read=self.read_vaults)
        return self._vaults

    async def read_unlisted(self, vault_id: str) -> Vault:
        """Find a vault that is missing from the vault list, by listing its items.

        Raises:
            BackendForbiddenError: the token may not see the vault.
            VaultNotFoundError: Connect has no such vault.
        """
        await self.fresh_listing(vault_id)
        return Vault(
            id=vault_id,
            name=vault_id,
            content_version=0,
            attribute_version=0,
            items=0,
            created_at="",
            updated_at="",
        )

    def is_current(self, vault_id: str) -> bool:
        """Whether the vault is unchanged since its list, and no extra list is due."""
        listing, vault = self._listings.get(vault_id), self._vaults.get(vault_id)
        return bool(
            listing
            and vault
            and listing.fingerprint == vault.fingerprint
            and not listing.listings_due
        )

    def drop_idle(self, followed: Collection[str]) -> None:
        """Drop, at a poll, the listings of vaults that have not been followed or used lately."""
        for vault_id, listing in list(self._listings.items()):
            listing.idle_polls = 0 if vault_id in followed else listing.idle_polls + 1
            if listing.idle_polls > IDLE_POLLS:
                del self._listings[vault_id]

    def listed(self, vault_id: str) -> Listing | None:
        """Return the vault's last listing; None if there is none."""
        return self._listings.get(vault_id)

    async def list_for_poll(self, vault_id: str) -> None:
        """List a vault now.

        Lookups that come meanwhile wait for this list instead of requesting another.
        """
        await self._flights.run(
            vault_id, lambda: self._list_vault(vault_id, polled=True), anew=True
        )

    async def _list_vault(self, vault_id: str, *, polled: bool = False) -> None:
        vault, began = self._vaults.get(vault_id), self._clock.monotonic()
        summaries = await self._source.list_items(vault_id)
        self._keep(
            vault_id,
            summaries,
            listing=Listing(Known(), vault.fingerprint if vault else None, began),
            polled=polled,
        )

    def _keep(
        self, vault_id: str, summaries: Sequence[ItemSummary], *, listing: Listing, polled: bool
    ) -> None:
        former = self._listings.get(vault_id)
        listed = {summary.id: summary for summary in summaries}
        self._listings[vault_id] = listing
        listing.polls = int(polled)
        if former is None:
            listing.known, listing.listings_due = Known(items=listed), FIRST_LISTINGS
            return
        listing.polls += former.polls
        moved = former.fingerprint != listing.fingerprint
        # A list between two polls is kept under the last poll's fingerprint, and lists may lag one
        # poll behind the fingerprint.
        explained = moved or former.unexplained or not polled
        reading = Reading(
            now=self._clock.monotonic(),
            polled=polled,
            moved=explained,
            in_step=self._in_step(vault_id),
        )
        listing.known, contradicted = older_answers.merge(former.known, listed, reading=reading)
        if contradicted:
            self._contradicted[vault_id] = reading.now
        same = listing.items is former.items
        listing.titles = (
            former.titles
            if same
            else titles.note(
                former.titles,
                former.items,
                items=listing.items,
                poll=former.polls + 1,
                now=reading.now,
            )
        )
        listing.unexplained = same and (moved or former.unexplained)
        due = (
            _listings_due(same=same) if moved else _listings_left(former, same=same, polled=polled)
        )
        listing.listings_due = max(due, int(listing.known.count_doubts() > 0))

    def _in_step(self, vault_id: str) -> bool:
        return (
            self._clock.monotonic() - self._contradicted.get(vault_id, _EVER)
            > older_answers.SECONDS
        )

    async def listing(self, vault_id: str) -> Listing:
        """Return the vault's listing, read again if the vault has changed since.

        Polls list only followed vaults, so a list may be hours old where nobody follows an item.
        """
        listing, vault = self._listings.get(vault_id), self._vaults.get(vault_id)
        if listing and listing.fingerprint == (vault.fingerprint if vault else None):
            listing.idle_polls = 0
            return listing
        return await self.fresh_listing(vault_id)

    async def fresh_listing(self, vault_id: str, *, since: float | None = None) -> Listing:
        """Return the vault's listing, read again unless fresh, or started after `since`."""
        while True:
            await self._once(
                vault_id,
                lambda: self._listed_at(vault_id),
                since=since,
                read=lambda: self._list_vault(vault_id),
            )
            if listing := self._listings.get(
                vault_id
            ):  # absent if a vault list without the vault came in between
                return listing

    def _listed_at(self, vault_id: str) -> float | None:
        listing = self._listings.get(vault_id)
        return listing.at if listing else None

    async def _once(
        self,
        flight: str,
        read_at: Callable[[], float | None],
        *,
        since: float | None,
        read: Callable[[], Awaitable[object]],
    ) -> None:
        # A caller that waits for a list in flight requests another only if that list was started
        # too long ago.
        since = self._clock.monotonic() - FRESH_SECONDS if since is None else since
        while (at := read_at()) is None or at < since:
            await self._flights.run(flight, read)

    def note_missing(self, vault_id: str, item_ids: frozenset[str]) -> frozenset[str]:
        """Start doubts about used items that no list has shown.

        Return the items that count as gone.
        """
        listing = self._listings[vault_id]
        known = listing.known.doubts
        unknown = {i for i in item_ids if i not in known or not known[i].is_open}
        if unknown:
            doubts = {
                i: known.get(i, Doubt.closed(now=listing.at)).again(
                    None, now=listing.at, polled=True
                )
                for i in unknown
            }
            listing.known = dataclasses.replace(
                listing.known, doubts={**listing.known.doubts, **doubts}
            )
            listing.listings_due = max(listing.listings_due, 1)
        return frozenset(item_id for item_id in item_ids if self.confirmed_gone(vault_id, item_id))

    def confirmed_gone(self, vault_id: str, item_id: str) -> bool:
        """Whether enough lists in a row lacked the item, or showed it archived."""
        listing = self._listings.get(vault_id)
        doubt = listing.known.doubts.get(item_id) if listing else None
        return bool(doubt and doubt.believed)

    def came_after_loss(self, vault_id: str, item_id: str, *, lost: Revision) -> bool:
        """Whether an item, or its vault, came after lists had begun to lack another item."""
        if vault_id != lost.vault_id:
            vault_doubt = self._vault_doubts.get(lost.vault_id)
            lost_at = vault_doubt.first if vault_doubt else None
            came = self._new_vaults.get(vault_id)
            return came is not None and (lost_at is None or came >= lost_at)
        listing = self._listings.get(vault_id)
        doubt = listing.known.doubts.get(lost.item_id) if listing else None
        if listing is None or doubt is None or doubt.first is None:
            return False
        return titles.came_after(listing.titles, item_id, moment=doubt.first)

    def is_restored(self, revision: Revision, *, held: Revision) -> bool:
        """Whether it is believed that the item was restored, and has this older revision since."""
        listing = self._listings.get(revision.vault_id)
        return listing is not None and listing.known.is_restored(
            revision.item_id, revision.version, held=held.version
        )

    def note_newer(self, vault_id: str, *revisions: Revision) -> None:
        """Take over revisions, read or sealed, that the vault's list lacks or shows older."""
        listing = self._listings.get(vault_id)
        if listing is None or not revisions:
            return
        listing.known = older_answers.raise_to(
            listing.known, revisions, now=self._clock.monotonic()
        )
        listing.listings_due = max(listing.listings_due, 1)

    def take_redone(self, vault_id: str) -> frozenset[str]:
        """Return, once, the items to read again although their versions are unchanged."""
        listing = self._listings[vault_id]
        redone = listing.known.redone
        if redone:
            listing.known = dataclasses.replace(listing.known, redone=frozenset())
        return redone

    def expect_more(self, vault_id: str) -> None:
        """Have the vault listed at the next poll too, because its list and an item disagree."""
        if listing := self._listings.get(vault_id):
            listing.listings_due = max(listing.listings_due, 1)

    def count_doubts(self) -> int:
        """Count the items that are listed at an older version than known."""
        return sum(listing.known.count_doubts() for listing in self._listings.values())


def _listings_due(*, same: bool) -> int:
    return UNEXPLAINED_LISTINGS if same else EXTRA_LISTINGS


def _listings_left(former: Listing, *, same: bool, polled: bool) -> int:
    # What lags takes time to catch up, so lists in quick succession, of lookups, use none up.
    left = max(former.listings_due - int(polled), 0)
    return left if same else min(left, EXTRA_LISTINGS)
