"""Reads each item once per version for all Secrets on it, and keeps values for seconds only."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from onepassword_operator.model.item import Item, Revision
from onepassword_operator.ports import Clock, ItemSource
from onepassword_operator.service.runtime.single_flight import SingleFlight

HOLD_SECONDS: Final = 5.0
"""Seconds for which an item that was read serves other Secrets, so that all users of a changed item
can be reconciled.
"""
HOLD_ITEMS: Final = 64
HOLD_BYTES: Final = 8 * 1024 * 1024
"""Limit of the values that are held, all items together."""

Later = Callable[[float, Callable[[], None]], object]


def _call_later(seconds: float, function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, function)


class ItemReads:
    """A single-flight reader with a short-lived cache.

    Callers that wait for one read share its item or its error.
    """

    def __init__(self, source: ItemSource, clock: Clock, *, later: Later = _call_later) -> None:
        self._source = source
        self._clock = clock
        self._later = later
        self._held: OrderedDict[tuple[str, str], tuple[float, Revision, Item]] = OrderedDict()
        self._bytes = 0
        self._flights: SingleFlight[Revision, Item] = SingleFlight(clock)

    async def read(self, listed: Revision) -> Item:
        """Return the item.

        A cached one serves only if it has the listed version, or was read for that version.
        """
        return self._fresh(listed) or await self._flights.run(listed, lambda: self._fetch(listed))

    async def _fetch(self, listed: Revision) -> Item:
        item = await self._source.get_item(listed.vault_id, listed.item_id)
        self._hold(listed, item)
        return item

    def _fresh(self, listed: Revision) -> Item | None:
        self.expire()
        _, asked, item = self._held.get((listed.vault_id, listed.item_id)) or (0.0, None, None)
        return (
            item
            if item and listed.version in {item.version, asked.version if asked else None}
            else None
        )

    def _hold(self, listed: Revision, item: Item) -> None:
        key = (listed.vault_id, listed.item_id)
        self._let_go(key)
        self._held[key] = (self._clock.monotonic(), listed, item)
        self._bytes += item.size
        while len(self._held) > HOLD_ITEMS or self._bytes > HOLD_BYTES:
            self._let_go(next(iter(self._held)))
        self._later(HOLD_SECONDS, self.expire)

    def _let_go(self, key: tuple[str, str]) -> None:
        if held := self._held.pop(key, None):
            self._bytes -= held[2].size

    def drop(self, listed: Revision) -> None:
        """Drop an item from the cache, so that the next read asks 1Password."""
        self._let_go((listed.vault_id, listed.item_id))
        self._flights.forget(listed)

    def expire(self) -> None:
        """Drop the items that were read too long ago."""
        limit = self._clock.monotonic() - HOLD_SECONDS
        while self._held and next(iter(self._held.values()))[0] <= limit:
            self._let_go(next(iter(self._held)))
