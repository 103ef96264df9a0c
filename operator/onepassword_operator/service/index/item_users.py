"""Which Secrets use which item, and which wait for an item to appear.

A restart learns it from the Secrets' annotations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from onepassword_operator.model.item import ABSENT, Revision, Revisions
from onepassword_operator.model.secret import SecretKey


class Followed(NamedTuple):
    """The revisions that a Secret follows, as last read, and the paths that led to them."""

    revisions: Revisions | None
    requested: str


_NOTHING = Followed(None, "")


class ItemUsers:
    """The Secrets that follow each item, and the items of each vault."""

    def __init__(self) -> None:
        self._followed: dict[SecretKey, Followed] = {}
        self._users: dict[str, dict[str, dict[SecretKey, Revision]]] = {}
        self._waiting: dict[SecretKey, tuple[str, ...]] = {}
        self._incomplete: set[SecretKey] = set()

    def of(self, key: SecretKey) -> Followed:
        """Return the revisions that the Secret follows."""
        return self._followed.get(key, _NOTHING)

    def follow(self, key: SecretKey, revisions: Revisions, *, requested: str) -> None:
        """Have the Secret follow these revisions, found by way of the requested paths."""
        former = self.of(key).revisions or ()
        self._followed[key] = Followed(revisions, requested)
        self._waiting.pop(key, None)
        (self._incomplete.add if ABSENT in revisions else self._incomplete.discard)(key)
        kept = {revision.item for revision in revisions}
        for revision in former:
            if revision.item not in kept:
                self._unlink(key, revision)
        for revision in revisions:
            if revision == ABSENT:
                continue
            items = self._users.setdefault(revision.vault_id, {})
            items.setdefault(revision.item_id, {})[key] = revision

    def wait(self, key: SecretKey, *, vaults: Iterable[str]) -> None:
        """Have a change in a vault of these names or IDs wake a Secret whose paths lead nowhere."""
        self._waiting[key] = tuple(vaults)

    def unfollow(self, key: SecretKey) -> None:
        """Have the Secret follow nothing; the requested paths are remembered."""
        revisions, requested = self.of(key)
        self._incomplete.discard(key)
        if revisions:
            for revision in revisions:
                self._unlink(key, revision)
            self._followed[key] = Followed(None, requested)

    def forget(self, key: SecretKey) -> None:
        """Drop a Secret that nobody asks for any more."""
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
        """Return the vaults with at least one followed item."""
        return list(self._users)

    def revisions(self, vault_id: str) -> Iterator[Revision]:
        """Yield the revisions that Secrets follow in a vault; several per item while some lag."""
        for users in self._users.get(vault_id, {}).values():
            # Nearly always one; a set of each takes as long again.
            yield from users.values() if len(users) == 1 else set(users.values())

    def users(self, vault_id: str, item_ids: Iterable[str]) -> list[SecretKey]:
        """Return the Secrets that follow these items."""
        items = self._users.get(vault_id, {})
        return [key for item_id in item_ids for key in items.get(item_id, ())]

    def by_item(self, vault_id: str) -> Iterator[tuple[str, Iterable[SecretKey]]]:
        """Yield the items of a vault that Secrets follow, each with those Secrets."""
        yield from self._users.get(vault_id, {}).items()

    def incomplete(self) -> frozenset[SecretKey]:
        """Return the Secrets without one of their optional items."""
        return frozenset(self._incomplete)

    def waiting(self) -> list[tuple[SecretKey, str]]:
        """Return the Secrets whose paths lead nowhere, with the vault part of each."""
        return [(key, vault) for key, vaults in self._waiting.items() for vault in vaults]
