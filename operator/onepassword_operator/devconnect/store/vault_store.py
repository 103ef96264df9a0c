"""Vaults, items and files of the server: assigns ids, versions and times to every change.

Every write is one synchronous method, so on one event loop writes are serialised and a reader never
sees half of one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import not_found
from onepassword_operator.devconnect.items.records import (
    VAULT_TYPES,
    FileDraft,
    Item,
    ItemContent,
    ItemDraft,
    StoredFile,
    Vault,
)
from onepassword_operator.devconnect.store.contents import Change, Contents
from onepassword_operator.devconnect.store.visibility import Visibility


class Keeper(Protocol):
    """Persists changes before they are acknowledged."""

    def append(self, change: Change) -> None:
        """Keep a change for good, or raise OSError and keep nothing of it."""

    def rewrite(self, contents: Contents) -> None:
        """Replace all contents by these, or raise OSError and change nothing."""


class VaultStore:
    """The newest state of the data, which writers and the admin port use.

    Readers see one of `replicas`, each with its own lag; `visible` is the first one, and by default
    the only one.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        behaviour: Behaviour | None = None,
        id_seed: str = "",
        replicas: int = 1,
    ) -> None:
        self._clock = clock
        self._id_seed = (id_seed,) if id_seed else ()
        self._newest = Contents()
        self._occurrences: dict[tuple[str, ...], int] = {}
        self._keeper: Keeper | None = None
        behaviour = behaviour or Behaviour()
        self.replicas = tuple(Visibility(clock=clock, behaviour=behaviour) for _ in range(replicas))
        self.visible = self.replicas[0]

    def keep(self, keeper: Keeper) -> None:
        """Give every later change to the keeper before it is seen."""
        self._keeper = keeper

    def hold(self, until: float) -> None:
        """Show readers nothing new before this moment."""
        for view in self.replicas:
            view.hold(until)

    def snapshot(self) -> Contents:
        """Return the newest state; later changes do not reach it."""
        return self._newest.copy()

    def restore(self, contents: Contents) -> None:
        """Go back to a snapshot: versions and counters are as they were then.

        Ids given since then are not given again.
        """
        wanted = contents.copy()
        wanted.retired |= self._newest.retired | {
            item for items in self._newest.items.values() for item in items
        }
        if self._keeper is not None:
            self._keeper.rewrite(wanted)
        for change in (*self._newest.departures(wanted), *wanted.changes()):
            self._show(change)
        self._newest = wanted

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
        return self._newest.item(vault_id, item_id)

    # Writes.

    def create_vault(
        self,
        name: str,
        *,
        vault_id: str | None = None,
        description: str = "",
        kind: str = VAULT_TYPES[0],
        at: float | None = None,
    ) -> Vault:
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
            type=kind,
        )
        self._push(Change(vault_id=vault.id, vault=vault))
        return vault

    def rename_vault(self, vault_id: str, name: str) -> Vault:
        """Change a vault's name, which moves its attribute version alone."""
        old = self.vault(vault_id)
        vault = dataclasses.replace(
            old, name=name, attribute_version=old.attribute_version + 1, updated_at=self._clock()
        )
        self._push(Change(vault_id=vault_id, vault=vault))
        return vault

    def delete_vault(self, vault_id: str) -> None:
        """Remove a vault with all its items."""
        self.vault(vault_id)
        self._push(Change(vault_id=vault_id, vault=None))

    def create_item(self, vault_id: str, draft: ItemDraft, *, editor: str) -> Item:
        """Add an item and assign the members that the draft leaves open."""
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

    def update_item(
        self,
        item: Item,
        content: ItemContent,
        *,
        editor: str,
        files: Sequence[FileDraft] | None = None,
    ) -> Item:
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
        vault = self._next_vault(
            item.vault_id, items=item.is_active - was_active, at=item.updated_at
        )
        self._push(Change(vault_id=item.vault_id, vault=vault, item_id=item.id, item=item))

    def _next_vault(self, vault_id: str, *, items: int, at: float) -> Vault:
        old = self.vault(vault_id)
        return dataclasses.replace(
            old,
            content_version=old.content_version + 1,
            items=old.items + items,
            updated_at=max(old.updated_at, at),
        )

    def _push(self, change: Change) -> None:
        if self._keeper is not None:
            self._keeper.append(change)
        self._newest.apply(change)
        self._show(change)

    def _show(self, change: Change) -> None:
        for view in self.replicas:
            view.push(change)

    def _new_id(self, *names: str) -> str:
        # The count never goes down and ids are never reused: a title that is deleted and created
        # again is another item.
        while True:
            self._occurrences[names] = self._occurrences.get(names, 0) + 1
            candidate = ids.derive(*self._id_seed, *names, self._occurrences[names])
            if not self._newest.has_used(candidate):
                return candidate


def _stored_files(item_id: str, drafts: Sequence[FileDraft]) -> tuple[StoredFile, ...]:
    # The bytes take part in the id: in 1Password a replaced file is another file.
    return tuple(
        StoredFile(
            id=draft.id or ids.derive("file", item_id, draft.name, ids.digest(draft.content)),
            name=draft.name,
            content=draft.content,
            section=draft.section,
        )
        for draft in drafts
    )
