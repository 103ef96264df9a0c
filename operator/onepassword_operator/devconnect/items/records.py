"""The values the store keeps: vaults, items, files.

Immutable, so that a lagging reader can hold an old one safely.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

VAULT_TYPES: Final = ("USER_CREATED", "PERSONAL", "EVERYONE", "TRANSFER")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """A vault as the API shows it; `items` counts the active ones."""

    id: str
    name: str
    description: str
    attribute_version: int
    content_version: int
    items: int
    created_at: float
    updated_at: float
    type: str = VAULT_TYPES[0]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FileDraft:
    """A file before the store gives it an id.

    A seed may fix the id, to share one file between items.
    """

    name: str
    content: bytes
    section: Json | None = None
    id: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of an item with its bytes."""

    id: str
    name: str
    content: bytes
    section: Json | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ItemContent:
    """An item's content in the API's form: ids assigned, tags sorted, empty values absent."""

    title: str
    category: str
    tags: tuple[str, ...]
    favorite: bool
    urls: tuple[Json, ...]
    sections: tuple[Json, ...]
    fields: tuple[Json, ...]
    state: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ItemDraft:
    """An item before the store gives it an id.

    The optional parts exist for seeds, which may fix them.
    """

    content: ItemContent
    files: tuple[FileDraft, ...] = ()
    id: str | None = None
    version: int = 1
    created_at: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One stored revision of an item."""

    id: str
    vault_id: str
    version: int
    created_at: float
    updated_at: float
    last_edited_by: str
    content: ItemContent
    files: tuple[StoredFile, ...]

    @property
    def is_active(self) -> bool:
        """Whether the item has no state; lists and counts leave archived and deleted items out."""
        return self.content.state is None

    def is_listed(self, *, with_archived: bool) -> bool:
        """Tell whether lists show the item: deleted ones never."""
        return self.content.state is None or (with_archived and self.content.state == "ARCHIVED")
