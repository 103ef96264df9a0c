"""How much of its items one recipe may keep in memory until all of them are read."""

from __future__ import annotations

from typing import Final

from onepassword_operator.model.errors import SpecError
from onepassword_operator.model.item import Item, Revision

MAXIMUM_BYTES: Final = 4 * 1024 * 1024
"""Limit of the values of several items; Connect delivers about as much of one."""


class ItemRoom:
    """The items of a recipe that are read so far."""

    def __init__(self) -> None:
        self._items: dict[Revision, Item] = {}
        self._bytes = 0

    def take(self, item: Item | None) -> Item | None:
        """Return the item, as it was read first: it counts once, however many parts name it.

        Raises:
            SpecError: it does not fit beside the others.
        """
        if item is None:
            return None
        if item.revision not in self._items:
            self._items[item.revision] = item
            self._bytes += item.size
            if len(self._items) > 1 and self._bytes > MAXIMUM_BYTES:
                raise SpecError(
                    f"spec: its items hold more than {MAXIMUM_BYTES} bytes together, files "
                    "included; name fewer items, or take large files out of them"
                )
        return self._items[item.revision]
