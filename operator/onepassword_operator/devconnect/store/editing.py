"""Edits vaults and items by name, as a person in the app would."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, TypeVar

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.errors import ApiError, bad_request
from onepassword_operator.devconnect.events.feed import EventFeed
from onepassword_operator.devconnect.items import item_shape
from onepassword_operator.devconnect.items.field_input import Reading
from onepassword_operator.devconnect.items.item_input import parse_content
from onepassword_operator.devconnect.items.records import (
    FileDraft,
    Item,
    ItemContent,
    Json,
    StoredFile,
    Vault,
)
from onepassword_operator.devconnect.store.vault_store import VaultStore

_Found = TypeVar("_Found", Vault, Item)
_EDIT_KEYS: Final = frozenset(
    {"title", "tags", "fields", "remove_fields", "files", "remove_files", "urls", "state"}
)


class Editor:
    """Edits a store by vault name or id and item title or id.

    A refusal is an ApiError or a SeedError.
    """

    def __init__(self, store: VaultStore, feed: EventFeed | None = None) -> None:
        self._store = store
        self._feed = feed

    def find_vault(self, vault: str) -> Vault:
        """Return the vault with this id or name.

        Raise 404 if there is none, 400 if several have the name.
        """
        vaults = self._store.vaults()
        return _one(
            [found for found in vaults if found.id == vault]
            or [found for found in vaults if found.name == vault],
            "vault",
        )

    def find_item(self, vault: str, item: str) -> Item:
        """Return the item with this id or title.

        Raise 404 if there is none, 400 if several have the title.
        """
        items = self._store.items(self.find_vault(vault).id)
        return _one(
            [found for found in items if found.id == item]
            or [found for found in items if found.content.title == item],
            "item",
        )

    def create_vault(self, name: str) -> Vault:
        """Add an empty vault."""
        vault = self._store.create_vault(name)
        self._given_vault(vault.id, "create")
        return vault

    def rename_vault(self, vault: str, name: str) -> Vault:
        """Give a vault another name."""
        renamed = self._store.rename_vault(self.find_vault(vault).id, name)
        self._given_vault(renamed.id, "update")
        return renamed

    def delete_vault(self, vault: str) -> None:
        """Remove a vault with its items."""
        found = self.find_vault(vault)
        self._store.delete_vault(found.id)
        self._given_vault(found.id, "delete")

    def create_item(self, vault: str, shape: Mapping[str, object]) -> Item:
        """Add an item in the form of a seed."""
        draft = item_shape.read_item(shape, "item", reading=Reading())
        return self._given_item(
            self._store.create_item(self.find_vault(vault).id, draft, editor=ids.PERSON_ID),
            "create",
        )

    def edit_item(self, vault: str, item: str, *, edit: Mapping[str, object]) -> Item:
        """Store the next revision of an item.

        `fields` sets values by label (null empties one), `files` adds or replaces files by name.
        """
        found = self.find_item(vault, item)
        shape = item_shape.read_mapping(edit, "edit", allowed=_EDIT_KEYS)
        content = _edited(found.content, shape)
        files = _edited_files(found, shape)
        return self._given_item(
            self._store.update_item(found, content, editor=ids.PERSON_ID, files=files), "update"
        )

    def delete_item(self, vault: str, item: str) -> None:
        """Remove an item for good."""
        found = self.find_item(vault, item)
        self._store.delete_item(found.vault_id, found.id)
        self._given_item(found, "delete")

    def _given_vault(self, vault_id: str, action: str) -> None:
        if self._feed is not None:
            self._feed.edited_vault(vault_id, action)

    def _given_item(self, item: Item, action: str) -> Item:
        if self._feed is not None:
            self._feed.edited_item(item, action)
        return item


def _edited(content: ItemContent, shape: Mapping[str, object]) -> ItemContent:
    document: Json = {
        field.name: getattr(content, field.name) for field in dataclasses.fields(content)
    }
    document |= {name: shape[name] for name in ("title", "tags", "urls", "state") if name in shape}
    removed = {
        item_shape.read_text(label, "edit.remove_fields")
        for label in item_shape.read_sequence(shape.get("remove_fields"), "edit.remove_fields")
    }
    fields = [dict(field) for field in content.fields if field["label"] not in removed]
    values = shape.get("fields") or {}
    if not isinstance(values, Mapping):
        raise bad_request("edit.fields: write a mapping of label to value")
    for label, value in values.items():
        _set_field(
            fields,
            item_shape.field_named(
                label, value, place=f"edit.fields.{label}", category=content.category
            ),
        )
    document["fields"] = fields
    return parse_content(document)


def _set_field(fields: list[Json], wanted: Json) -> None:
    for field in fields:
        if field["label"] == wanted["label"]:
            field["value"] = wanted["value"]
            return
    fields.append(wanted)


def _edited_files(item: Item, shape: Mapping[str, object]) -> tuple[FileDraft, ...] | None:
    if "files" not in shape and "remove_files" not in shape:
        return None
    removed = {
        item_shape.read_text(name, "edit.remove_files")
        for name in item_shape.read_sequence(shape.get("remove_files"), "edit.remove_files")
    }
    given = item_shape.read_files(shape.get("files"), "edit.files", folder=None)
    replaced = removed | {file.name for file in given}
    kept = tuple(
        FileDraft(name=file.name, content=file.content, section=file.section, id=file.id)
        for file in item.files
        if file.name not in replaced
    )
    return kept + given


def _draft(file: StoredFile) -> FileDraft:
    return FileDraft(name=file.name, content=file.content, section=file.section, id=file.id)


def _one(found: list[_Found], noun: str) -> _Found:
    if not found:
        raise ApiError(404, f"no such {noun}")
    if len(found) > 1:
        raise bad_request(f"several {noun}s have this name: use the id")
    return found[0]
