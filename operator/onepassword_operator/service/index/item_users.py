"""Which Secrets use which item, and which wait for an item to appear.

A restart learns it from the Secrets' annotations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from onepassword_operator.model.item import Revision
from onepassword_operator.model.secret import SecretKey


class Followed(NamedTuple):
    """The item that a Secret follows, at the version last read, and the path that led to it."""

    revision: Revision | None
    requested: str


_NOTHING = Followed(None, "")


class ItemUsers:
    """Secrets by item, items by vault."""

    def __init__(self) -> None:
        self._followed: dict[SecretKey, Followed] = {}
        self._users: dict[str, dict[str, dict[SecretKey, Revision]]] = {}
        self._waiting: dict[SecretKey, str] = {}

    def of(self, key: SecretKey) -> Followed:
        """What the Secret follows."""
        return self._followed.get(key, _NOTHING)

    def follow(self, key: SecretKey, revision: Revision, *, requested: str) -> None:
        """Have the Secret follow this revision, found by way of the requested path."""
        former = self.of(key).revision
        self._followed[key] = Followed(revision, requested)
        self._waiting.pop(key, None)
        if former and (former.vault_id, former.item_id) != (revision.vault_id, revision.item_id):
            self._unlink(key, former)
        self._users.setdefault(revision.vault_id, {}).setdefault(revision.item_id, {})[key] = (
            revision
        )

    def wait(self, key: SecretKey, *, vault: str) -> None:
        """The Secret's path leads nowhere: a change in the vault of that name or ID wakes it."""
        self._waiting[key] = vault

    def unfollow(self, key: SecretKey) -> None:
        """Have the Secret follow nothing; the path is remembered."""
        revision, requested = self.of(key)
        if revision:
            self._unlink(key, revision)
            self._followed[key] = Followed(None, requested)

    def forget(self, key: SecretKey) -> None:
        """Nobody asks for the Secret any more."""
        self.unfollow(key)
        self._followed.pop(key, None)
        self._waiting.pop(key, None)

    def _unlink(self, key: SecretKey, revision: Revision) -> None:
        items = self._users.get(revision.vault_id, {})
        users = items.get(revision.item_id, {})
        users.pop(key, None)
        if not users:
            items.pop(revision.item_id, None)
        if not items:
            self._users.pop(revision.vault_id, None)

    def vaults(self) -> list[str]:
        """Vaults with at least one followed item."""
        return list(self._users)

    def revisions(self, vault_id: str) -> Iterator[Revision]:
        """The revisions that Secrets follow in a vault; several per item while some lag behind."""
        for users in self._users.get(vault_id, {}).values():
            # Nearly always one; a set of each takes as long again.
            yield from users.values() if len(users) == 1 else set(users.values())

    def users(self, vault_id: str, item_ids: Iterable[str]) -> list[SecretKey]:
        """The Secrets that follow these items."""
        items = self._users.get(vault_id, {})
        return [key for item_id in item_ids for key in items.get(item_id, ())]

    def waiting(self) -> list[tuple[SecretKey, str]]:
        """Secrets whose path leads nowhere, with its vault part."""
        return list(self._waiting.items())
