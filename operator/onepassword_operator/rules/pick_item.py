"""Name or ID × complete lists → the vault or item that it means.

An exact ID wins over an equal title. Vault names compare without case; item titles exactly, then
with Unicode's two forms of a letter as one, and then without case. Of several matches the oldest
wins, ties by ID, so that the answer never changes; the others are reported.
"""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol, TypeVar

from onepassword_operator.model.errors import (
    ItemArchivedError,
    ItemNotFoundError,
    VaultNotFoundError,
)
from onepassword_operator.model.item import ItemSummary, Vault
from onepassword_operator.model.text import visible


class _Dated(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def created_at(self) -> str: ...


_D = TypeVar("_D", bound=_Dated)


def pick_vault(text: str, vaults: Collection[Vault]) -> tuple[Vault, str]:
    """Return the vault that a path means, and a warning, empty unless the name is ambiguous.

    Raises:
        VaultNotFoundError: no vault that the token sees has this ID or name.
    """
    by_id = [vault for vault in vaults if vault.id == text]
    matches = by_id or [vault for vault in vaults if _same_but_for_case(vault.name, text)]
    if not matches:
        near = _nearly("vault", text, names=[vault.name for vault in vaults])
        raise VaultNotFoundError(
            f'no vault with the name or ID "{visible(text)}" is visible to the Connect token; '
            f"{near or 'check the spelling, or give the token access'}"
        )
    return _oldest(matches), _ambiguity("vault", text, matches=matches)


def pick_item(text: str, items: Iterable[ItemSummary], *, vault: Vault) -> tuple[ItemSummary, str]:
    """Return the item that a path means, and a warning, empty unless the title is ambiguous.

    Archived items count only if nothing else matches.

    Raises:
        ItemNotFoundError: no item of the vault has this ID or title.
        ItemArchivedError: the only matches are archived or deleted.
    """
    listed = list(items)
    matches = matching(text, listed)
    if not matches:
        near = _nearly("item", text, names=[item.title for item in listed])
        raise ItemNotFoundError(
            f'vault "{vault.name}" has no item with the title or ID "{visible(text)}"; '
            f"{near or 'check the spelling, or create the item'}"
        )
    active = [item for item in matches if item.active]
    if not active:
        raise ItemArchivedError(
            f'item "{text}" in vault "{vault.name}" is archived; '
            "restore it in 1Password, or point itemPath elsewhere"
        )
    return _oldest(active), _ambiguity("item", text, matches=active)


class ItemNames:
    """The items of complete lists by what a path may call them.

    Going through thousands of items for each of thousands of paths takes seconds.
    """

    def __init__(self, items: Mapping[str, ItemSummary]) -> None:
        self._items = items
        self._by_title: dict[str, list[ItemSummary]] = {}
        for item in items.values():
            self._by_title.setdefault(_spaced(item.title), []).append(item)

    def near(self, text: str) -> list[ItemSummary]:
        """Return all items that a text may mean, or that differ from it only in white space."""
        titled = self._by_title.get(_spaced(text), [])
        by_id = self._items.get(text)
        return titled if by_id is None or by_id in titled else [by_id, *titled]


def matching(text: str, items: Collection[ItemSummary]) -> list[ItemSummary]:
    """Return the items that a text means: by ID, else by title, else by title without case."""
    composed = _composed(text)
    return (
        [item for item in items if item.id == text]
        or [item for item in items if item.title == text]
        or [item for item in items if _composed(item.title) == composed]
        or [item for item in items if _same_but_for_case(item.title, text)]
    )


def _oldest(matches: Collection[_D]) -> _D:
    return min(matches, key=lambda match: (_instant(match.created_at), match.id))


def folded(text: str) -> str:
    """Return the same text for all names that may mean the same: without case, in one form."""
    return _composed(text).casefold()


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _nearly(noun: str, text: str, *, names: Iterable[str]) -> str:
    wanted = _spaced(text)
    near = min((name for name in names if _spaced(name) == wanted), default=None)
    if near is None:
        return ""
    only = f'the {noun} "{visible(near)}" differs only in white space'
    return f"{only}; write the path exactly so, or rename the {noun}"


def _spaced(text: str) -> str:
    return folded(" ".join(text.split()))


def _same_but_for_case(left: str, right: str) -> bool:
    left, right = _composed(left), _composed(right)
    # Letter by letter, as Go compares: with full case folding, the vaults "Straße" and "Strasse"
    # would have the same name.
    return len(left) == len(right) and all(
        a.casefold() == b.casefold() for a, b in zip(left, right, strict=True)
    )


def _instant(text: str) -> datetime.datetime:
    # Times may have fractions and any zone; an invalid time counts as the oldest, as in Go.
    try:
        instant = datetime.datetime.fromisoformat(text)
    except ValueError:
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)
    return instant if instant.tzinfo else instant.replace(tzinfo=datetime.UTC)


def _ambiguity(noun: str, text: str, *, matches: Collection[_D]) -> str:
    if len(matches) == 1:
        return ""
    ids = ", ".join(sorted(match.id for match in matches))
    return (
        f'{len(matches)} {noun}s are named "{text}" ({ids}); '
        f"the oldest, {_oldest(matches).id}, is used; name the one you mean by its ID"
    )
