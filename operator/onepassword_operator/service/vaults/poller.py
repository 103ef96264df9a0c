"""Polls 1Password: one request if nothing changed, one item list more per changed vault.

Polls never overlap. Each list notes by itself what it shows, whenever it comes, so a vault that
hangs delays no other. The Secrets that a poll's lists concern are queued together, so that all of
them are written before their workloads restart, once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Final

from onepassword_operator.model.errors import BackendError, ItemLookupError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.ports import Meter
from onepassword_operator.rules import item_changes
from onepassword_operator.rules.older_answers import Known
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime import fair_share
from onepassword_operator.service.runtime.fair_share import FairShare
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue
from onepassword_operator.service.vaults.affected import AffectedSecrets
from onepassword_operator.service.vaults.catalog import Catalog
from onepassword_operator.service.vaults.freshness import Freshness
from onepassword_operator.service.vaults.trust import PollTrust

WAIT_SECONDS: Final = 0.5
"""Seconds that a poll waits for the lists that it has started; most take a few milliseconds."""

STATUS_WRITES_PER_SECOND: Final = 100.0
"""Rate of status writes that report an outage and its end, or items that are gone."""

_log = logging.getLogger(__name__)


class Poller:
    """Reads 1Password's lists at every poll, and queues the Secrets that they concern."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        index: Index,
        freshness: Freshness,
        queue: WorkQueue[SecretKey],
        meter: Meter,
        limits: FairShare,
    ) -> None:
        self._catalog = catalog
        self._users = index.item_users
        self._affected = AffectedSecrets(catalog=catalog, index=index)
        self._freshness = freshness
        self._queue = queue
        self._meter = meter
        self._limits = limits
        self._wait_seconds = WAIT_SECONDS
        self._turn = asyncio.Lock()
        self._lists: dict[str, asyncio.Task[bool]] = {}
        self.trust = PollTrust(meter)

    async def poll(self, *, full: bool = False) -> BackendError | None:
        """Poll once; return the error if the poll failed as a whole.

        Args:
            full: list every used vault, even with an unchanged fingerprint, and count the changes
                that fingerprints had hidden.
        """
        async with self._turn:
            trouble = await self._poll(full=full)
            self._conclude()
            return trouble

    def count_doubts(self) -> int:
        """Count the items that are listed at an older version than known."""
        return self._catalog.count_doubts()

    def close(self) -> None:
        """Cancel the lists in flight."""
        for task in self._lists.values():
            task.cancel()

    async def _poll(self, *, full: bool) -> BackendError | None:
        self._forget_ended()
        try:
            with self._limits.call(fair_share.CONNECTION):
                vaults = await self._catalog.read_vaults(polled=True)
        except BackendError as error:
            self._freshness.note_failure(error)
            self._meter.polled(ok=False)
            return error
        followed = self._affected.followed(vaults)
        self.trust.judge(vaults, followed=followed)
        self._catalog.drop_idle(followed)
        everything = full or self.trust.lost()
        due = followed if everything else {v for v in followed if not self._catalog.is_current(v)}
        self._freshness.note_confirmed(*(vaults.keys() - due))
        self._meter.polled(ok=await self._list(due))
        self._add(self._affected.by_vaults(vaults))
        return None

    async def _list(self, due: Iterable[str]) -> bool:
        overdue = self._lists.keys() & set(due)
        begun = {v: asyncio.create_task(self._list_vault(v)) for v in due if v not in overdue}
        self._lists |= begun
        if begun:
            await asyncio.wait(begun.values(), timeout=self._wait_seconds)
        return self._forget_ended() and not overdue

    def _forget_ended(self) -> bool:
        # A bug of ours ends the poll, and with it the process, even if its list came late.
        ended = [vault_id for vault_id, task in self._lists.items() if task.done()]
        answered = [self._lists.pop(vault_id).result() for vault_id in ended]
        return all(answered)

    async def _list_vault(self, vault_id: str) -> bool:
        """List a vault and note the outcome; return whether 1Password answered."""
        former, current = self._catalog.listed(vault_id), self._catalog.is_current(vault_id)
        before = former.known if former else None
        answered = True
        try:
            await self._catalog.list_for_poll(vault_id)
        except BackendError as error:
            extra = {"vault": vault_id, "reason": error.reason}
            _log.warning("vault could not be listed", extra=extra)
            self._freshness.note_failure(error, vault_id=vault_id)
            answered = False
        except ItemLookupError as error:
            # Deleted since the vault list was read; the next vault list will lack it.
            _log.info("vault is gone", extra={"vault": vault_id, "reason": error.reason})
        else:
            self._freshness.note_confirmed(vault_id)
            if former and before and (current or self.trust.lost()):
                self._note_listed(vault_id, before, since=former.fingerprint, current=current)
        if not self._turn.locked():  # otherwise the poll under way concludes for all
            self._conclude()
        return answered

    def _note_listed(self, vault_id: str, before: Known, *, since: object, current: bool) -> None:
        listing = self._catalog.listed(vault_id)
        if listing and (current or listing.fingerprint != since):
            self.trust.note_list(
                vault_id,
                changes=item_changes.count_changes(before, listing.known),
                moved=listing.fingerprint != since,
                fingerprint=listing.fingerprint,
            )

    def _conclude(self) -> None:
        changed, gone = self._affected.by_lists()
        self._add(changed)
        turned = self._freshness.take_changed(self._users.vaults())
        keys = [key for vault_id in turned for key in self._affected.on(vault_id)]
        for position, key in enumerate(gone + keys):
            delay_seconds = position / STATUS_WRITES_PER_SECOND
            self._queue.add_later(key, Priority.LOW, delay_seconds=delay_seconds)

    def _add(self, keys: Iterable[SecretKey]) -> None:
        for key in keys:
            self._queue.add(key, Priority.CHANGED)
