"""A state of the data, and the changes that lead from one to the next."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from onepassword_operator.devconnect.errors import not_found
from onepassword_operator.devconnect.items.records import Item, Vault


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A stored change: vault and changed item, if any, as they are afterwards; None if deleted."""

    vault_id: str
    vault: Vault | None
    item_id: str | None = None
    item: Item | None = None


@dataclasses.dataclass(slots=True, kw_only=True)
class Contents:
    """A state of the data: vaults, their items, and the ids of removed ones."""

    vaults: dict[str, Vault] = dataclasses.field(default_factory=dict)
    items: dict[str, dict[str, Item]] = dataclasses.field(default_factory=dict)
    retired: set[str] = dataclasses.field(default_factory=set)

    def apply(self, change: Change) -> None:
        """Apply a change."""
        if change.vault is None:
            self.vaults.pop(change.vault_id, None)
            self.retired |= {change.vault_id, *self.items.pop(change.vault_id, {})}
            return
        self.vaults[change.vault_id] = change.vault
        items = self.items.setdefault(change.vault_id, {})
        if change.item is not None:
            items[change.item.id] = change.item
        elif change.item_id is not None:
            items.pop(change.item_id, None)
            self.retired.add(change.item_id)

    def item(self, vault_id: str, item_id: str) -> Item:
        """Return an item, or raise 404 for the vault or the item."""
        items = self.items.get(vault_id)
        if items is None:
            raise not_found("vault", vault_id)
        if item_id not in items:
            raise not_found("item", item_id)
        return items[item_id]

    def has_used(self, identifier: str) -> bool:
        """Tell whether an id is in use, or was."""
        return (
            identifier in self.retired
            or identifier in self.vaults
            or any(identifier in items for items in self.items.values())
        )

    def changes(self) -> Iterator[Change]:
        """Yield the changes that turn empty contents, or a part of these contents, into these."""
        for vault_id, vault in self.vaults.items():
            yield Change(vault_id=vault_id, vault=vault)
            for item in self.items[vault_id].values():
                yield Change(vault_id=vault_id, vault=vault, item_id=item.id, item=item)

    def departures(self, later: Contents) -> Iterator[Change]:
        """Yield the changes that remove everything that the later contents lack."""
        for vault_id, vault in self.vaults.items():
            if vault_id not in later.vaults:
                yield Change(vault_id=vault_id, vault=None)
                continue
            for item_id in self.items[vault_id].keys() - later.items[vault_id].keys():
                yield Change(vault_id=vault_id, vault=vault, item_id=item_id)

    def copy(self) -> Contents:
        """Return the same contents, independent of later changes."""
        return Contents(
            vaults=dict(self.vaults),
            items={vault: dict(items) for vault, items in self.items.items()},
            retired=set(self.retired),
        )
