"""Item path × pin → vault and item, over the shared catalog."""

from __future__ import annotations

import dataclasses
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    ItemAmbiguousError,
    ItemArchivedError,
    ItemNotFoundError,
    VaultNotFoundError,
)
from onepassword_operator.model.item import ItemSummary, Revision, Vault
from onepassword_operator.model.item_path import ItemPath, looks_like_id
from onepassword_operator.rules import pick_item, titles
from onepassword_operator.rules.older_answers import Known
from onepassword_operator.service.vaults.catalog import Catalog, Listing

UNLISTED: Final = 0
"""Stands for the version of an item that no list shows. No item has this version, so the item is
always read.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The item that a path means.

    `listed` is its revision in the list, `warning` describes an ambiguity.
    """

    listed: Revision
    title: str = ""
    """The listed title, if the item was found by it and not by a pin or an ID."""
    warning: str = ""
    tags: tuple[str, ...] = ()


class ItemLookup:
    """Resolves paths. A path whose name is not found is never tried as another kind of name."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def find(
        self,
        path: ItemPath,
        pin: Revision | None,
        *,
        lost: bool = False,
        any_successor: bool = False,
    ) -> Found:
        """Return the item of the path: the pinned one, unless another has its title; or by name.

        Args:
            path: the vault and item asked for.
            pin: the item that is followed so far.
            lost: the pinned item is gone, as far as the caller knows.
            any_successor: in the place of a pinned item that is gone, take any, however old.

        Raises:
            VaultNotFoundError, ItemNotFoundError, ItemArchivedError: fresh and complete lists lack
            it.
            ItemAmbiguousError: the pinned item is gone, and its title means another that was there
            before, or several.
            BackendError: 1Password gave no usable answer.
        """
        if pin and not lost and (kept := self._pinned(path.item, pin)):
            return kept
        vault, vault_warning = await self._vault(path.vault)
        try:
            item, warning = await self._item(path.item, vault)
            if pin and not any_successor:
                self._check_successor(item, warning, path=path, vault=vault, lost=pin)
        except ItemNotFoundError:
            if not looks_like_id(path.item):
                raise
            # Lists hide archived items; reading the item by its ID tells archived from absent.
            return Found(listed=Revision(vault.id, path.item, UNLISTED), warning=vault_warning)
        return Found(
            listed=Revision(vault.id, item.id, item.version),
            title="" if path.item == item.id else item.title,
            warning=vault_warning or warning,
            tags=item.tags,
        )

    async def is_in_vault(self, path: ItemPath, revision: Revision) -> bool:
        """Whether the path's vault is the one of the revision.

        Raises:
            VaultNotFoundError: the path's vault is none.
        """
        vault, _ = await self._vault(path.vault)
        return vault.id == revision.vault_id

    async def refresh(self, path: ItemPath, pin: Revision | None, *, since: float) -> None:
        """Read the vault list and the vault's items again unless they were read after `since`."""
        await self._catalog.fresh_vaults(since=since)
        pinned = pin.vault_id if pin and not self._catalog.vault_gone(pin.vault_id) else None
        vault_id = pinned or (await self._vault(path.vault))[0].id
        await self._catalog.fresh_listing(vault_id, since=since)

    async def _item(self, text: str, vault: Vault) -> tuple[ItemSummary, str]:
        listing = await self._catalog.listing(vault.id)
        try:
            return _pick(text, listing.known, vault=vault)
        except (ItemNotFoundError, ItemArchivedError):
            listing = await self._catalog.fresh_listing(vault.id)
            return _pick(text, listing.known, vault=vault)

    def _check_successor(
        self, item: ItemSummary, warning: str, *, path: ItemPath, vault: Vault, lost: Revision
    ) -> None:
        if item.id in {path.item, lost.item_id}:
            return
        gone = f"the item that was used, {lost.item_id}, is gone"
        if warning:
            raise ItemAmbiguousError(
                f"{gone}, and {warning.partition(';')[0]}; set its ID as itemPath"
            )
        if not self._catalog.came_after_loss(vault.id, item.id, lost=lost):
            raise ItemAmbiguousError(
                f"{gone}; item {item.id} has its title, but was there before, so it may be another "
                f"one; set its ID as itemPath, or change the annotation {names.REFRESH} to take it"
            )

    def _successor(
        self, text: str, pinned: ItemSummary, *, vault_id: str, listing: Listing
    ) -> ItemSummary | None:
        successor = titles.successor(text, pinned, known=listing.known)
        if successor and not (
            listing.is_confirmed(successor.id) and listing.is_confirmed(pinned.id)
        ):
            self._catalog.expect_more(vault_id)
            return None
        return successor

    def _pinned(self, text: str, pin: Revision) -> Found | None:
        listing = self._catalog.listed(pin.vault_id)
        summary = listing.items.get(pin.item_id) if listing else None
        if listing and summary and summary.active:
            if successor := self._successor(text, summary, vault_id=pin.vault_id, listing=listing):
                listed = Revision(pin.vault_id, successor.id, successor.version)
                return Found(listed=listed, title=successor.title, tags=successor.tags)
            listed = Revision(pin.vault_id, pin.item_id, summary.version)
            # One list does not prove that the item was restored: its server may lag behind.
            behind = listed.is_older_than(pin) and not self._catalog.is_restored(listed, held=pin)
            return Found(listed=pin if behind else listed, tags=summary.tags)
        if self._catalog.confirmed_gone(pin.vault_id, pin.item_id) or self._catalog.vault_gone(
            pin.vault_id
        ):
            return None
        return Found(listed=pin)

    async def _vault(self, text: str) -> tuple[Vault, str]:
        if not self._catalog.was_read:
            await self._catalog.fresh_vaults()
        try:
            return pick_item.pick_vault(text, self._catalog.vaults.values())
        except VaultNotFoundError:
            vaults = await self._catalog.fresh_vaults()
        if looks_like_id(text) and text not in vaults:
            # The vault list has only the vaults that the token may see; listing the vault's items
            # tells forbidden from absent.
            return await self._catalog.read_unlisted(text), ""
        return pick_item.pick_vault(text, vaults.values())


def _pick(text: str, known: Known, *, vault: Vault) -> tuple[ItemSummary, str]:
    # An item that may be gone already is used only if no other has the title.
    near = known.names.near(text)
    listed = [item for item in near if not known.is_missed(item.id)]
    try:
        return pick_item.pick_item(text, listed, vault=vault)
    except (ItemNotFoundError, ItemArchivedError):
        if len(listed) == len(near):
            raise
    return pick_item.pick_item(text, near, vault=vault)
