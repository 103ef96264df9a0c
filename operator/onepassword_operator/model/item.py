"""1Password's vaults, item summaries and whole items, as every `ItemSource` delivers them."""

from __future__ import annotations

import dataclasses
import re
from typing import Final, NamedTuple

from onepassword_operator.model.confidential import Confidential

_NONE: Final = "-"
_VERSION = re.compile(r"(0|[1-9][0-9]{0,17})\Z")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Vault:
    """A vault in the vault list."""

    id: str
    name: str
    content_version: int
    attribute_version: int
    items: int
    created_at: str
    updated_at: str

    @property
    def fingerprint(self) -> tuple[object, ...]:
        """Members that change whenever anything in the vault changes; compare for equality only."""
        return (self.content_version, self.attribute_version, self.items, self.updated_at)

    def is_older_than(self, former: Vault) -> bool:
        """Whether this state of the vault is earlier than `former`: its versions never go down."""
        return (
            self.content_version < former.content_version
            or self.attribute_version < former.attribute_version
        )


class ItemSummary(NamedTuple):
    """An item in a vault's item list, without values.

    A tuple, because a poll may make and compare thousands.
    """

    id: str
    title: str
    version: int
    created_at: str
    tags: tuple[str, ...] = ()
    active: bool = True
    updated_at: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an item; the value may be empty."""

    label: str
    value: Confidential
    id: str = ""
    section: str = ""
    """Label of its section; empty if it has none."""
    section_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A website of an item."""

    label: str
    href: Confidential
    primary: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """An attached file with its content."""

    name: str
    content: Confidential
    id: str = ""
    section: str = ""
    """Label of its section; empty if it has none."""
    section_id: str = ""


def parse_version(text: str) -> int | None:
    """Read a version as `str` writes it; None for anything else.

    Annotations can be edited, and `int` fails on thousands of digits.
    """
    return int(text) if _VERSION.match(text) else None


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Revision:
    """An item's content: vault, item and version.

    A version goes down only when the item is restored from a backup.
    """

    vault_id: str
    item_id: str
    version: int

    def __str__(self) -> str:
        return f"{self.vault_id}/{self.item_id}@{self.version}" if self.item_id else _NONE

    @classmethod
    def parse(cls, text: str) -> Revision | None:
        """Read a revision as `str` writes it; None for anything else."""
        if text == _NONE:
            return ABSENT
        path, _, version_text = text.rpartition("@")
        vault_id, _, item_id = path.partition("/")
        version = parse_version(version_text)
        return (
            cls(vault_id, item_id, version)
            if vault_id and item_id and version is not None
            else None
        )

    def is_older_than(self, other: Revision) -> bool:
        """Whether this is a lower version of the same item."""
        return self.item == other.item and self.version < other.version

    @property
    def item(self) -> tuple[str, str]:
        """The IDs of vault and item."""
        return (self.vault_id, self.item_id)

    @property
    def path(self) -> str:
        """The item path with IDs, as Secrets carry it."""
        return f"vaults/{self.vault_id}/items/{self.item_id}"


ABSENT: Final = Revision("", "", 0)
"""Stands in `Revisions` for an optional item that there is none of."""


class Revisions(tuple[Revision, ...]):
    """The content of a Secret: the revision of each of its items, in the order of the recipe.

    A tuple, because one is kept for every Secret.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return ",".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> Revisions | None:
        """Read revisions as `str` writes them; None for anything else."""
        found = [Revision.parse(each) for each in text.split(",")]
        known = cls(revision for revision in found if revision)
        return known if len(known) == len(found) else None

    @property
    def versions(self) -> str:
        """The versions alone, for people."""
        return ", ".join(str(revision.version) for revision in self if revision != ABSENT)

    @property
    def in_words(self) -> str:
        """The paths with IDs, for a message; where there is no item, it says so."""
        return " and ".join("no item" if each == ABSENT else each.path for each in self or [ABSENT])

    def having(self, revision: Revision, *, at: int) -> Revisions:
        """Replace the revision at a position."""
        return Revisions((*self[:at], revision, *self[at + 1 :]))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A complete item, files included."""

    id: str
    vault_id: str
    title: str
    version: int
    tags: tuple[str, ...] = ()
    active: bool = True
    urls: tuple[Url, ...] = ()
    fields: tuple[Field, ...] = ()
    files: tuple[File, ...] = ()

    @property
    def revision(self) -> Revision:
        """The revision of this content."""
        return Revision(self.vault_id, self.id, self.version)

    @property
    def size(self) -> int:
        """The bytes of all values."""
        values = (
            *(url.href for url in self.urls),
            *(field.value for field in self.fields),
            *(file.content for file in self.files),
        )
        return sum(map(len, values))
