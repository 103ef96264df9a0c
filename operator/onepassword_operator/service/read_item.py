"""Reads each item once per version, however many Secrets use it, and holds values for seconds only."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from onepassword_operator.model.item import Item, Revision
from onepassword_operator.ports import Clock, ItemSource

HOLD_SECONDS: Final = 5.0
"""How long a read item serves other Secrets; long enough for all users of a changed item to have their turn."""
HOLD_ITEMS: Final = 64


class ReadItem:
    """A short-lived, single-flight reader."""

    def __init__(self, source: ItemSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._held: OrderedDict[tuple[str, str], tuple[float, Revision, Item]] = OrderedDict()
        self._flights: dict[tuple[str, str], asyncio.Lock] = {}
        self._users: dict[tuple[str, str], int] = {}

    async def read(self, listed: Revision) -> Item:
        """The item; a held one serves only if it has the listed version, or was all that a read for that version gave."""
        key = (listed.vault_id, listed.item_id)
        lock = self._flights.setdefault(key, asyncio.Lock())
        self._users[key] = self._users.get(key, 0) + 1
        try:
            async with lock:
                held = self._fresh(key, listed)
                if held is None:
                    held = await self._source.get_item(*key)
                    self._hold(key, listed, item=held)
                return held
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key], self._flights[key]

    def _fresh(self, key: tuple[str, str], listed: Revision) -> Item | None:
        self.expire()
        _, asked, item = self._held.get(key) or (0.0, None, None)
        return item if item and listed.version in {item.version, asked.version if asked else None} else None

    def _hold(self, key: tuple[str, str], listed: Revision, *, item: Item) -> None:
        self._held[key] = (self._clock.monotonic(), listed, item)
        self._held.move_to_end(key)
        if len(self._held) > HOLD_ITEMS:
            self._held.popitem(last=False)

    def drop(self, listed: Revision) -> None:
        """Let go of an item: the next read asks 1Password."""
        self._held.pop((listed.vault_id, listed.item_id), None)

    def expire(self) -> None:
        """Let go of what was read too long ago."""
        limit = self._clock.monotonic() - HOLD_SECONDS
        while self._held and next(iter(self._held.values()))[0] < limit:
            self._held.popitem(last=False)
