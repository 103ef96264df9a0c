"""Polls 1Password: one request if nothing changed, an item list per changed vault.

Then queues all affected Secrets at once.

Polls never overlap. A vault list that hides changes which an item list shows is not trusted any
more (`trust.py`). The Secrets are queued together, so that all Secrets that changed in one poll are
written before their workloads restart, once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Final

from onepassword_operator.model.errors import BackendError, ItemLookupError, OperatorError
from onepassword_operator.model.item import Vault
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.ports import Meter
from onepassword_operator.rules import item_changes
from onepassword_operator.rules.older_answers import Known
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime import fair_share
from onepassword_operator.service.runtime.fair_share import FairShare
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue
from onepassword_operator.service.vaults.catalog import Catalog, Listing
from onepassword_operator.service.vaults.freshness import Freshness
from onepassword_operator.service.vaults.listing import VaultLister
from onepassword_operator.service.vaults.trust import PollTrust

STATUS_WRITES_PER_SECOND: Final = 100.0
"""Rate of status writes that report an outage and its end."""

_log = logging.getLogger(__name__)


class Poller:
    """Compares 1Password's lists with the revisions that the Secrets hold."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        index: Index,
        freshness: Freshness,
        queue: WorkQueue[SecretKey],
        meter: Meter,
        share: FairShare,
    ) -> None:
        self._catalog = catalog
        self._index = index
        self._freshness = freshness
        self._queue = queue
        self._meter = meter
        self._share = share
        self._polled: Mapping[str, Vault] = {}
        self._gone: set[str] = set()
        self._compared: Mapping[str, Listing] = {}
        self._signature: Mapping[str, str] = {}
        self._turn = asyncio.Lock()
        self.trust = PollTrust(meter)
        self._lists = VaultLister(catalog.list_for_poll, late=self._came_late)
        self._late: dict[str, Known] = {}
        self._suspects: dict[str, tuple[int, object]] = {}
        self._resync_due: set[str] | None = None

    async def poll(self, *, full: bool = False) -> BackendError | None:
        """Poll once; return the error if the poll failed as a whole.

        Args:
            full: list every used vault, even with an unchanged fingerprint, and count the changes
                that fingerprints had hidden.
        """
        async with self._turn:
            return await self._poll(full=full)

    def count_doubts(self) -> int:
        """Count the items that are listed at an older version than known."""
        return self._catalog.count_doubts()

    def close(self) -> None:
        """Cancel the lists in flight."""
        self._lists.close()

    async def _poll(self, *, full: bool) -> BackendError | None:
        try:
            with self._share.call(fair_share.CONNECTION):
                vaults = await self._catalog.read_vaults(polled=True)
        except BackendError as error:
            self._freshness.failed(error)
            self._meter.polled(ok=False)
            self._report_trouble()
            return error
        self._count_late(vaults)
        # Compared with the last poll, not with the catalog: a lookup may have read the vaults
        # meanwhile, and queues no Secret.
        former, self._polled = self._polled, vaults
        known = {
            v: listing.known
            for v in self._followed(vaults)
            if (listing := self._catalog.listed(v)) and self._catalog.is_current(v)
        }
        due = [v for v in self._followed(vaults) if full or self.trust.lost() or v not in known]
        if full:
            self._resync_due = set(due)
        overdue = self._lists.under_way() & set(due)
        listed, failed = await self._list(due)
        self._late |= {v: known[v] for v in due if v in known and v not in listed | failed}
        keys = self._changed(vaults)
        await self._count_missed({v: known[v] for v in listed & known.keys()})
        self._note_resync(listed, failed)
        keys += self._woken(vaults, former)
        keys += self._orphaned()
        self._conclude(keys, confirmed=(vaults.keys() - set(due)) | listed)
        self._meter.polled(ok=not failed and not overdue)
        return None

    def _conclude(self, keys: Iterable[SecretKey], *, confirmed: Iterable[str]) -> None:
        confirmed = set(confirmed)
        # Reconciles between two polls report trouble too, and their reports must be corrected once
        # it ends.
        self._signature = {**self._signature, **self._freshness.signature(confirmed)}
        self._freshness.confirmed(confirmed)
        for key in keys:
            self._queue.add(key, Priority.CHANGED)
        self._report_trouble()

    def _came_late(self, vault_id: str, error: OperatorError | None) -> None:
        # Does the rest of the poll for a late list, so that its changes need not wait for the next
        # poll.
        former = self._late.pop(vault_id, None)
        if error is not None:
            self._note_failure(vault_id, error)
            self._note_resync(set(), {vault_id})
            self._report_trouble()
            return
        listing = self._catalog.listed(vault_id)
        if (
            former is not None
            and listing
            and (count := item_changes.count_changes(former, listing.known))
        ):
            self._suspects[vault_id] = (count, listing.fingerprint)
        self._conclude(self._changed(self._polled), confirmed={vault_id})
        self._note_resync({vault_id}, set())

    def _count_late(self, vaults: Mapping[str, Vault]) -> None:
        suspects, self._suspects = self._suspects, {}
        if missed := sum(
            count
            for v, (count, shown) in suspects.items()
            if v in vaults and vaults[v].fingerprint == shown
        ):
            self.trust.missed(missed)

    def _note_resync(self, listed: set[str], failed: set[str]) -> None:
        # A resync is complete when its last list has come, however late, and none has failed.
        if self._resync_due is None or failed & self._resync_due:
            self._resync_due = None
            return
        self._resync_due -= listed
        if not self._resync_due:
            self._resync_due = None
            self.trust.resynced()

    def _orphaned(self) -> list[SecretKey]:
        former, self._gone = (
            self._gone,
            {
                vault_id
                for vault_id in self._index.item_users.vaults()
                if self._catalog.vault_gone(vault_id)
            },
        )
        return [key for vault_id in self._gone - former for key in self._users(vault_id)]

    def _followed(self, vaults: Mapping[str, Vault]) -> list[str]:
        wanted = {text.casefold() for _, text in self._index.item_users.waiting()}
        named = {v.id for v in vaults.values() if v.id in wanted or v.name.casefold() in wanted}
        return sorted((set(self._index.item_users.vaults()) | named) & vaults.keys())

    async def _list(self, due: Iterable[str]) -> tuple[set[str], set[str]]:
        outcomes = await self._lists.run(due)
        for vault_id, error in outcomes.items():
            if error is not None:
                self._note_failure(vault_id, error)
        return {v for v, error in outcomes.items() if error is None}, {
            v for v, error in outcomes.items() if isinstance(error, BackendError)
        }

    def _note_failure(self, vault_id: str, error: OperatorError) -> None:
        if isinstance(error, BackendError):
            _log.warning(
                "vault could not be listed", extra={"vault": vault_id, "reason": error.reason}
            )
            self._freshness.failed(error, vault_id=vault_id)
        elif isinstance(error, ItemLookupError):
            # Deleted since the vault list was read; the next vault list will lack it.
            _log.info("vault is gone", extra={"vault": vault_id, "reason": error.reason})
        else:
            raise error

    def _changed(self, vaults: Mapping[str, Vault]) -> list[SecretKey]:
        fresh = self._fresh(vaults)
        return self._drifted(fresh) + self._shown(vaults, fresh)

    def _fresh(self, vaults: Mapping[str, Vault]) -> dict[str, Listing]:
        # Includes the lists of lookups between two polls: they make the vault current, so no poll
        # would compare them.
        former = self._compared
        self._compared = {
            v: listing for v in self._followed(vaults) if (listing := self._catalog.listed(v))
        }
        return {v: listing for v, listing in self._compared.items() if former.get(v) is not listing}

    def _shown(self, vaults: Mapping[str, Vault], fresh: Mapping[str, Listing]) -> list[SecretKey]:
        # A list may show an item polls after the fingerprint has moved, so what it shows wakes
        # those who wait for it, too.
        waiting = [(key, vault.casefold()) for key, vault in self._index.item_users.waiting()]
        asked = {vault for _, vault in waiting}
        shown: set[tuple[str, str]] = set()
        for vault_id, listing in fresh.items():
            texts = asked & {vault_id, vaults[vault_id].name.casefold()}
            if texts:  # going through thousands of titles takes milliseconds
                names = {
                    name.casefold()
                    for item in listing.items.values()
                    if item.active
                    for name in (item.id, item.title)
                }
                shown |= {(vault, name) for vault in texts for name in names}
        return [
            key
            for key, vault in waiting
            if any((vault, item) in shown for item in self._items_asked(key))
        ]

    def _items_asked(self, key: SecretKey) -> list[str]:
        return [claim.item_path.split("/")[-1].casefold() for claim in self._index.claims.of(key)]

    def _drifted(self, fresh: Mapping[str, Listing]) -> list[SecretKey]:
        keys: list[SecretKey] = []
        for vault_id, listing in fresh.items():
            found = item_changes.compare(self._index.item_users.revisions(vault_id), listing.known)
            self._catalog.note_newer(vault_id, *found.older)
            redone = self._index.item_users.users(vault_id, self._catalog.take_redone(vault_id))
            for key in redone:
                self._index.refreshes.ask(key)
            gone = self._catalog.note_missing(vault_id, found.missing)
            keys += [*redone, *self._index.item_users.users(vault_id, found.changed | gone)]
        return keys

    async def _count_missed(self, known: Mapping[str, Known]) -> None:
        # A change that arrives between the two lists is no miss: the second vault list shows a
        # changed fingerprint.
        listings = {
            vault_id: listing for vault_id in known if (listing := self._catalog.listed(vault_id))
        }
        suspects = {
            v: count
            for v, listing in listings.items()
            if (count := item_changes.count_changes(known[v], listing.known))
        }
        if not suspects:
            return
        try:
            again = await self._catalog.read_vaults()
        except BackendError:
            return  # the count is lost, the changes are not
        if missed := sum(
            n
            for v, n in suspects.items()
            if v in again and again[v].fingerprint == listings[v].fingerprint
        ):
            self.trust.missed(missed)

    def _woken(self, vaults: Mapping[str, Vault], former: Mapping[str, Vault]) -> list[SecretKey]:
        moved = [
            v
            for v in vaults.values()
            if v.id not in former or former[v.id].fingerprint != v.fingerprint
        ]
        moved += [v for v in vaults.values() if v.id in former and former[v.id].name != v.name]
        texts = {v.id for v in moved} | {v.name.casefold() for v in moved}
        return [key for key, text in self._index.item_users.waiting() if text.casefold() in texts]

    def _users(self, vault_id: str) -> list[SecretKey]:
        return self._index.item_users.users(
            vault_id, {revision.item_id for revision in self._index.item_users.revisions(vault_id)}
        )

    def _report_trouble(self) -> None:
        signature = self._freshness.signature(self._index.item_users.vaults())
        changed = [v for v, reason in signature.items() if self._signature.get(v, "") != reason]
        self._signature = signature
        keys = [key for vault_id in changed for key in self._users(vault_id)]
        for position, key in enumerate(keys):
            self._queue.add_later(
                key, Priority.LOW, delay_seconds=position / STATUS_WRITES_PER_SECOND
            )
