"""The vaults, items and files of the server: decides ids, versions and times of every stored change.

Every write is one synchronous method, so on one event loop writes are serialised and a reader never sees half of one.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.errors import not_found
from onepassword_operator.devconnect.records import FileDraft, Item, ItemContent, ItemDraft, StoredFile, Vault
from onepassword_operator.devconnect.replicas import Change, Contents, Lag, Replica


class VaultStore:
    """In-memory data of the server; reads go through replicas that may lag, writes always meet the newest state."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock: Final = clock
        self._newest: Final = Contents()
        self._vault_view: Final = Replica()
        self._list_view: Final = Replica()
        self._get_view: Final = Replica()
        self._occurrences: Final[dict[tuple[str, ...], int]] = {}
        self._lag = Lag()

    @property
    def lag(self) -> Lag:
        """How far each kind of reader is behind."""
        return self._lag

    def set_lag(self, lag: Lag) -> None:
        """Delay the visibility of later changes; a shorter lag also hastens what is pending."""
        self._lag = lag
        now = self._clock()
        self._vault_view.set_lag(lag.vault_seconds, now=now)
        self._list_view.set_lag(lag.list_seconds, now=now)
        self._get_view.set_lag(lag.get_seconds, now=now)

    # What the API's readers see.

    def visible_vaults(self) -> Sequence[Vault]:
        """Return the vaults as vault objects show them now."""
        return tuple(self._vault_view.at(self._clock()).vaults.values())

    def visible_vault(self, vault_id: str) -> Vault:
        """Return one vault as the vault object shows it now, or raise 404."""
        vault = self._vault_view.at(self._clock()).vaults.get(vault_id)
        if vault is None:
            raise not_found("vault", vault_id)
        return vault

    def visible_listing(self, vault_id: str) -> bytes:
        """Return the serialised item list of a vault as visible now, or raise 404."""
        listing = self._list_view.listing(vault_id, now=self._clock())
        if listing is None:
            raise not_found("vault", vault_id)
        return listing

    def visible_items(self, vault_id: str) -> Sequence[Item]:
        """Return the active items of a vault as lists show them now, or raise 404."""
        items = self._list_view.at(self._clock()).items.get(vault_id)
        if items is None:
            raise not_found("vault", vault_id)
        return tuple(item for item in items.values() if item.is_active)

    def visible_item(self, vault_id: str, item_id: str) -> Item:
        """Return an item as a GET shows it now, or raise 404."""
        return _item_of(self._get_view.at(self._clock()), vault_id, item_id=item_id)

    # The newest state, which writers and the admin side meet.

    def vaults(self) -> Sequence[Vault]:
        """Return all vaults in their newest state."""
        return tuple(self._newest.vaults.values())

    def vault(self, vault_id: str) -> Vault:
        """Return the newest state of a vault, or raise 404."""
        vault = self._newest.vaults.get(vault_id)
        if vault is None:
            raise not_found("vault", vault_id)
        return vault

    def items(self, vault_id: str) -> Sequence[Item]:
        """Return all items of a vault in their newest state, archived ones too, or raise 404."""
        self.vault(vault_id)
        return tuple(self._newest.items[vault_id].values())

    def item(self, vault_id: str, item_id: str) -> Item:
        """Return the newest state of an item, or raise 404."""
        return _item_of(self._newest, vault_id, item_id=item_id)

    # Writes.

    def create_vault(self, name: str, *, vault_id: str | None = None, description: str = "", at: float | None = None) -> Vault:
        """Add an empty vault."""
        now = self._clock() if at is None else at
        vault = Vault(
            id=vault_id or self._new_id("vault", name),
            name=name,
            description=description,
            attribute_version=1,
            content_version=1,
            items=0,
            created_at=now,
            updated_at=now,
        )
        self._push(Change(vault_id=vault.id, vault=vault))
        return vault

    def rename_vault(self, vault_id: str, name: str) -> Vault:
        """Change a vault's name, which moves its attribute version and leaves its content version."""
        old = self.vault(vault_id)
        vault = dataclasses.replace(old, name=name, attribute_version=old.attribute_version + 1, updated_at=self._clock())
        self._push(Change(vault_id=vault_id, vault=vault))
        return vault

    def delete_vault(self, vault_id: str) -> None:
        """Remove a vault with all its items."""
        self.vault(vault_id)
        self._push(Change(vault_id=vault_id, vault=None))

    def create_item(self, vault_id: str, draft: ItemDraft, *, editor: str) -> Item:
        """Add an item and assign what the draft leaves open."""
        self.vault(vault_id)
        item_id = draft.id or self._new_id("item", vault_id, draft.content.title)
        now = self._clock() if draft.created_at is None else draft.created_at
        item = Item(
            id=item_id,
            vault_id=vault_id,
            version=draft.version,
            created_at=now,
            updated_at=now,
            last_edited_by=editor,
            content=draft.content,
            files=_stored_files(item_id, draft.files),
        )
        self._store(item, before=None)
        return item

    def update_item(self, item: Item, content: ItemContent, *, editor: str, files: Sequence[FileDraft] | None = None) -> Item:
        """Store the next revision of an item; its files stay unless new ones are given."""
        before = self.item(item.vault_id, item.id)
        after = dataclasses.replace(
            before,
            version=before.version + 1,
            updated_at=self._clock(),
            last_edited_by=editor,
            content=content,
            files=before.files if files is None else _stored_files(before.id, files),
        )
        self._store(after, before=before)
        return after

    def delete_item(self, vault_id: str, item_id: str) -> None:
        """Remove an item for good."""
        item = self.item(vault_id, item_id)
        vault = self._next_vault(vault_id, items=-item.is_active, at=self._clock())
        self._push(Change(vault_id=vault_id, vault=vault, item_id=item_id))

    def _store(self, item: Item, *, before: Item | None) -> None:
        was_active = before is not None and before.is_active
        vault = self._next_vault(item.vault_id, items=item.is_active - was_active, at=item.updated_at)
        self._push(Change(vault_id=item.vault_id, vault=vault, item_id=item.id, item=item))

    def _next_vault(self, vault_id: str, *, items: int, at: float) -> Vault:
        old = self.vault(vault_id)
        return dataclasses.replace(
            old, content_version=old.content_version + 1, items=old.items + items, updated_at=max(old.updated_at, at)
        )

    def _push(self, change: Change) -> None:
        self._newest.apply(change)
        now = self._clock()
        for view in (self._vault_view, self._list_view, self._get_view):
            view.push(change, now=now)

    def _new_id(self, *names: str) -> str:
        # The count never goes down: a deleted and re-created title is another item, as in 1Password.
        while True:
            self._occurrences[names] = self._occurrences.get(names, 0) + 1
            candidate = ids.derive(*names, self._occurrences[names])
            if not self._is_taken(candidate):
                return candidate

    def _is_taken(self, identifier: str) -> bool:
        return identifier in self._newest.vaults or any(identifier in items for items in self._newest.items.values())


def _item_of(contents: Contents, vault_id: str, *, item_id: str) -> Item:
    items = contents.items.get(vault_id)
    if items is None:
        raise not_found("vault", vault_id)
    if item_id not in items:
        raise not_found("item", item_id)
    return items[item_id]


def _stored_files(item_id: str, drafts: Sequence[FileDraft]) -> tuple[StoredFile, ...]:
    # The bytes take part in the id: in 1Password a replaced file is another file.
    return tuple(
        StoredFile(id=ids.derive("file", item_id, draft.name, ids.digest(draft.content)), name=draft.name, content=draft.content)
        for draft in drafts
    )
