"""Read copies of the data: decides when a stored change becomes visible in vault objects, in item lists and in item GETs.

A real Connect server writes upstream and reads from a local database that a sync catches up, so these three can disagree for a while.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import orjson

from onepassword_operator.devconnect import rendering
from onepassword_operator.devconnect.records import Item, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Seconds until a change is visible, independently for each way of reading."""

    vault_seconds: float = 0.0
    list_seconds: float = 0.0
    get_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One stored change: the vault as it is afterwards (None: deleted) and, if it was about an item, that item (None: deleted)."""

    vault_id: str
    vault: Vault | None
    item_id: str | None = None
    item: Item | None = None


@dataclass(slots=True, kw_only=True)
class Contents:
    """The state one kind of reader sees."""

    vaults: dict[str, Vault] = field(default_factory=dict)
    items: dict[str, dict[str, Item]] = field(default_factory=dict)

    def apply(self, change: Change) -> None:
        """Take a change over."""
        if change.vault is None:
            self.vaults.pop(change.vault_id, None)
            self.items.pop(change.vault_id, None)
            return
        self.vaults[change.vault_id] = change.vault
        items = self.items.setdefault(change.vault_id, {})
        if change.item is not None:
            items[change.item.id] = change.item
        elif change.item_id is not None:
            items.pop(change.item_id, None)


class Replica:
    """A copy of the data that is a number of seconds behind; changes arrive in the order they were made."""

    def __init__(self) -> None:
        self._contents: Final = Contents()
        self._pending: deque[tuple[float, Change]] = deque()
        self._listings: Final[dict[str, bytes]] = {}
        self._lag_seconds = 0.0

    def set_lag(self, seconds: float, *, now: float) -> None:
        """Delay later changes by this much; what is already pending arrives at the latest after the new lag."""
        self._lag_seconds = seconds
        self._pending = deque((min(due, now + seconds), change) for due, change in self._pending)

    def push(self, change: Change, *, now: float) -> None:
        """Take note of a change made now."""
        if self._lag_seconds or self._pending:
            self._pending.append((now + self._lag_seconds, change))
        else:
            self._apply(change)

    def at(self, now: float) -> Contents:
        """Return what is visible at this moment."""
        while self._pending and self._pending[0][0] <= now:
            self._apply(self._pending.popleft()[1])
        return self._contents

    def listing(self, vault_id: str, *, now: float) -> bytes | None:
        """Return the serialised list of a vault's active items, None if the vault is not there; serialised once per change."""
        items = self.at(now).items.get(vault_id)
        if items is None:
            return None
        if vault_id not in self._listings:
            self._listings[vault_id] = orjson.dumps([rendering.summary(item) for item in items.values() if item.is_active])
        return self._listings[vault_id]

    def _apply(self, change: Change) -> None:
        self._listings.pop(change.vault_id, None)
        self._contents.apply(change)
