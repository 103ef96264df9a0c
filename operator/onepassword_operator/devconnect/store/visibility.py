"""The readers' view of the stored data: decides its lag, and the items that it shows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import not_found
from onepassword_operator.devconnect.items.records import Item, Vault
from onepassword_operator.devconnect.store.contents import Change
from onepassword_operator.devconnect.store.read_copies import ReadCopy

FOR_EVER: Final = float("inf")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Seconds until a change is visible, independently for each way of reading.

    FOR_EVER is a sync that is stuck.
    """

    vault_seconds: float = 0.0
    list_seconds: float = 0.0
    get_seconds: float = 0.0


class Visibility:
    """Shows vault objects, item lists and item reads as they are at this moment.

    They are three copies, which may disagree for a while.
    """

    def __init__(self, *, clock: Callable[[], float], behaviour: Behaviour) -> None:
        self._clock = clock
        self._vaults = ReadCopy()
        self._lists = ReadCopy()
        self._gets = ReadCopy()
        self._lag = Lag()
        self._lag_ends_at = FOR_EVER
        self._behaviour = behaviour

    @property
    def lag(self) -> Lag:
        """The present lag of each way of reading."""
        self._now()
        return self._lag

    def set_lag(self, lag: Lag, *, for_seconds: float = FOR_EVER) -> None:
        """Delay the visibility of later changes for a while.

        A shorter lag also speeds up pending changes.
        """
        now = self._clock()
        self._lag_ends_at = now + for_seconds
        self._set_lag(lag, now=now)

    def hold(self, until: float) -> None:
        """Show nothing new before this moment."""
        for view in (self._vaults, self._lists, self._gets):
            view.hold(until)

    def push(self, change: Change) -> None:
        """Note a change made now."""
        now = self._now()
        for view in (self._vaults, self._lists, self._gets):
            view.push(change, now=now)

    def vaults(self) -> Sequence[Vault]:
        """Return the vaults as vault objects show them now."""
        return tuple(self._vaults.at(self._now()).vaults.values())

    def vault(self, vault_id: str) -> Vault:
        """Return one vault as the vault object shows it now, or raise 404."""
        vault = self._vaults.at(self._now()).vaults.get(vault_id)
        if vault is None:
            raise not_found("vault", vault_id)
        return vault

    def listing(self, vault_id: str) -> bytes:
        """Return the serialised item list of a vault as visible now, or raise 404."""
        listing = self._lists.listing(vault_id, now=self._now(), with_archived=self._lists_archived)
        if listing is None:
            raise not_found("vault", vault_id)
        return listing

    def items(self, vault_id: str) -> Sequence[Item]:
        """Return the items of a vault as lists show them now, or raise 404."""
        items = self._lists.at(self._now()).items.get(vault_id)
        if items is None:
            raise not_found("vault", vault_id)
        return tuple(
            item for item in items.values() if item.is_listed(with_archived=self._lists_archived)
        )

    def item(self, vault_id: str, item_id: str) -> Item:
        """Return an item as a GET shows it now, or raise 404."""
        item = self._gets.at(self._now()).item(vault_id, item_id)
        if not item.is_active and self._behaviour.archived_items == "absent":
            raise not_found("item", item_id)
        return item

    @property
    def _lists_archived(self) -> bool:
        return self._behaviour.archived_items == "listed"

    def _now(self) -> float:
        now = self._clock()
        if now >= self._lag_ends_at:
            self._lag_ends_at = FOR_EVER
            self._set_lag(Lag(), now=now)
        return now

    def _set_lag(self, lag: Lag, *, now: float) -> None:
        self._lag = lag
        self._vaults.set_lag(lag.vault_seconds, now=now)
        self._lists.set_lag(lag.list_seconds, now=now)
        self._gets.set_lag(lag.get_seconds, now=now)
