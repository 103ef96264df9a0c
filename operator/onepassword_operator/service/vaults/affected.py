"""Which Secrets the newest lists concern: users of changed items, and Secrets without an item."""

from __future__ import annotations

from collections.abc import Mapping

from onepassword_operator.model.item import ABSENT, ItemSummary, Vault
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.rules import item_changes
from onepassword_operator.rules.pick_item import folded
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.vaults.catalog import Catalog, Listing


class AffectedSecrets:
    """Compares the catalog's lists with the revisions that the Secrets hold, each list once."""

    def __init__(self, *, catalog: Catalog, index: Index) -> None:
        self._catalog = catalog
        self._index = index
        self._vaults: Mapping[str, Vault] = {}
        self._compared: Mapping[str, Listing] = {}
        self._gone: set[str] = set()
        self._gone_items: dict[str, frozenset[str]] = {}

    def followed(self, vaults: Mapping[str, Vault]) -> set[str]:
        """Return the vaults with an item that a Secret uses or waits for."""
        wanted = {folded(text) for _, text in self._waiting()}
        named = {v.id for v in vaults.values() if v.id in wanted or folded(v.name) in wanted}
        return (set(self._index.item_users.vaults()) | named) & vaults.keys()

    def on(self, vault_id: str) -> list[SecretKey]:
        """Return the Secrets that use an item of the vault."""
        users = self._index.item_users
        return users.users(vault_id, {revision.item_id for revision in users.revisions(vault_id)})

    def by_vaults(self, vaults: Mapping[str, Vault]) -> list[SecretKey]:
        """Return the Secrets concerned by what a poll's vault list shows for the first time."""
        # Compared with the last poll, not with the catalog: a lookup may have read the vaults
        # meanwhile, and queues no Secret.
        former, self._vaults = self._vaults, vaults
        return self._named(former) + self._orphaned()

    def by_lists(self) -> tuple[list[SecretKey], list[SecretKey]]:
        """Return the Secrets concerned by what item lists show for the first time.

        Those whose item counts as gone come second: a vault may lose thousands at once.
        """
        # Includes the lists of lookups between two polls: they make the vault current, so no poll
        # would compare them.
        former, self._compared = self._compared, self._listings()
        fresh = {
            v: listing for v, listing in self._compared.items() if former.get(v) is not listing
        }
        changed, gone = self._changed(fresh)
        return changed + self._shown(fresh) + self._retitled(fresh), gone

    def _listings(self) -> dict[str, Listing]:
        followed = self.followed(self._vaults)
        return {v: listing for v in followed if (listing := self._catalog.listed(v))}

    def _named(self, former: Mapping[str, Vault]) -> list[SecretKey]:
        texts: set[str] = set()
        for vault in self._vaults.values():
            before = former.get(vault.id)
            if before is None or before.name != vault.name:
                texts |= {vault.id, folded(vault.name)}
        return [key for key, text in self._waiting() if folded(text) in texts]

    def _orphaned(self) -> list[SecretKey]:
        vaults = self._index.item_users.vaults()
        former, self._gone = self._gone, {v for v in vaults if self._catalog.vault_gone(v)}
        return [key for vault_id in self._gone - former for key in self.on(vault_id)]

    def _changed(self, fresh: Mapping[str, Listing]) -> tuple[list[SecretKey], list[SecretKey]]:
        keys: list[SecretKey] = []
        lost: list[SecretKey] = []
        users = self._index.item_users
        for vault_id, listing in fresh.items():
            found = item_changes.compare(users.revisions(vault_id), listing.known)
            self._catalog.note_newer(vault_id, *found.older)
            redone = users.users(vault_id, self._catalog.take_redone(vault_id))
            for key in redone:
                self._index.refreshes.ask(key)
            gone = self._catalog.note_missing(vault_id, found.missing)
            # Those that are back under another title wake nobody else.
            lost += users.users(vault_id, gone ^ self._gone_items.get(vault_id, frozenset()))
            self._gone_items[vault_id] = gone
            keys += [*redone, *users.users(vault_id, found.changed)]
        return keys, lost

    def _shown(self, fresh: Mapping[str, Listing]) -> list[SecretKey]:
        # A list may show an item polls after the fingerprint has moved, so what it shows wakes
        # those who wait for it, too.
        waiting = [(key, folded(vault)) for key, vault in self._waiting()]
        asked = {vault for _, vault in waiting}
        shown: set[tuple[str, str]] = set()
        for vault_id, listing in fresh.items():
            texts = asked & {vault_id, folded(self._vaults[vault_id].name)}
            if texts:  # going through thousands of titles takes milliseconds
                names = {
                    folded(name)
                    for item in listing.items.values()
                    if item.active
                    for name in (item.id, item.title)
                }
                shown |= {(vault, name) for vault in texts for name in names}
        return [
            key
            for key, vault in waiting
            if any((vault, item) in shown for item in self._items_missed(key))
        ]

    def _retitled(self, fresh: Mapping[str, Listing]) -> list[SecretKey]:
        # Another item may have the title that led to the one that a Secret follows.
        keys: list[SecretKey] = []
        for vault_id, listing in fresh.items():
            recent = listing.recent_names()
            if not recent:  # as after most edits; going through thousands takes a while
                continue
            keys += [
                key
                for item_id, using in self._index.item_users.by_item(vault_id)
                for key in using
                if (texts := self._other_texts(key, item_id, item=listing.items.get(item_id)))
                # another item may have had the title before this one lost it
                and (item_id in recent or any(text in recent for text in texts))
            ]
        return keys

    def _other_texts(self, key: SecretKey, item_id: str, *, item: ItemSummary | None) -> list[str]:
        # Comparing without case comes last: nearly all of thousands are equal.
        title = item.title if item else item_id
        others = [text for text in self._texts(key) if text not in (item_id, title)]
        names = {item_id, folded(title)} if others else set()
        return [text for text in map(folded, others) if text not in names]

    def _waiting(self) -> list[tuple[SecretKey, str]]:
        # The Secrets that wait for an item to appear, each with a vault's name or ID.
        users = self._index.item_users
        optional = [
            (key, part.path.split("/")[1])
            for key in users.incomplete()
            for claim in self._index.claims.of(key)
            for part in claim.recipe.parts
            if part.optional and "/" in part.path
        ]
        return users.waiting() + optional

    def _items_missed(self, key: SecretKey) -> list[str]:
        revisions = self._index.item_users.of(key).revisions or ()
        if ABSENT not in revisions:
            return self._items_asked(key)
        return [
            folded(part.path.rpartition("/")[2])
            for claim in self._index.claims.of(key)
            for part, revision in zip(claim.recipe.parts, revisions, strict=False)
            if revision == ABSENT
        ]

    def _items_asked(self, key: SecretKey) -> list[str]:
        return [folded(text) for text in self._texts(key)]

    def _texts(self, key: SecretKey) -> list[str]:
        return [
            part.path.rpartition("/")[2]
            for claim in self._index.claims.of(key)
            for part in claim.recipe.parts
        ]
