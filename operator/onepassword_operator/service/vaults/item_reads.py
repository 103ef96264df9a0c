"""Reads each item once per version for all Secrets on it, and keeps values for seconds only."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

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


class _Held(NamedTuple):
    item: Item
    asked: Revision
    began: float
    """Start of the read, on the monotonic clock."""
    at: float
    """Its end."""


class ItemReads:
    """A single-flight reader with a short-lived cache.

    Callers that wait for one read share its item or its error.
    """

    def __init__(self, source: ItemSource, clock: Clock, *, later: Later = _call_later) -> None:
        self._source = source
        self._clock = clock
        self._later = later
        self._held: OrderedDict[tuple[str, str], _Held] = OrderedDict()
        self._bytes = 0
        self._began: dict[Revision, float] = {}
        """The start of each read in flight."""
        self._flights: SingleFlight[Revision, Item] = SingleFlight(clock)

    async def read(self, listed: Revision) -> Item:
        """Return the item.

        A cached one serves only if it has the listed version, or was read for that version.
        """
        return self._fresh(listed) or await self._flights.run(listed, lambda: self._begin(listed))

    def _begin(self, listed: Revision) -> Awaitable[Item]:
        began = self._began[listed] = self._clock.monotonic()
        return self._fetch(listed, began)

    async def _fetch(self, listed: Revision, began: float) -> Item:
        try:
            item = await self._source.get_item(listed.vault_id, listed.item_id)
        finally:
            self._began.pop(listed, None)
        self._hold(_Held(item, listed, began, self._clock.monotonic()))
        return item

    def _fresh(self, listed: Revision) -> Item | None:
        self.expire()
        held = self._held.get(listed.item)
        return (
            held.item
            if held and listed.version in {held.item.version, held.asked.version}
            else None
        )

    def _hold(self, held: _Held) -> None:
        key = held.asked.item
        self._let_go(key)
        self._held[key] = held
        self._bytes += held.item.size
        while len(self._held) > HOLD_ITEMS or self._bytes > HOLD_BYTES:
            self._let_go(next(iter(self._held)))
        self._later(HOLD_SECONDS, self.expire)

    def _let_go(self, key: tuple[str, str]) -> None:
        if held := self._held.pop(key, None):
            self._bytes -= held.item.size

    def drop(self, listed: Revision, *, before: float = float("inf")) -> None:
        """Drop an item whose read began before some time, so that the next read asks 1Password."""
        held = self._held.get(listed.item)
        if held and held.began < before:
            self._let_go(listed.item)
        if self._began.get(listed, float("-inf")) < before:
            self._flights.forget(listed)

    def expire(self) -> None:
        """Drop the items that were read too long ago."""
        limit = self._clock.monotonic() - HOLD_SECONDS
        while self._held and next(iter(self._held.values())).at <= limit:
            self._let_go(next(iter(self._held)))
