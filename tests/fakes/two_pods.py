"""Two Connect pods behind one Service; the second one's sync is stuck until it is told to catch up."""

import dataclasses
import random
from collections.abc import Sequence

from fakes.item_source import FakeItemSource
from onepassword_operator.model.item import Item, ItemSummary, Vault


class TwoPods:
    """`ItemSource` over both. Which one answers is drawn for each request, or for each poll as kept connections make it."""

    def __init__(self, first: FakeItemSource, *, seed: int, by_request: bool) -> None:
        self._first, self._second = first, FakeItemSource()
        self._second._vaults = {
            key: dataclasses.replace(vault, items=dict(vault.items), hidden=set(vault.hidden)) for key, vault in first._vaults.items()
        }
        self._dice = random.Random(seed)  # noqa: S311  draws pods
        self._by_request = by_request
        self._current = first

    def reconnect(self) -> None:
        """The kept connection has ended."""
        self._current = self._dice.choice((self._first, self._second))

    def catch_up(self) -> None:
        """The second pod's sync works again."""
        self._second._vaults = self._first._vaults

    async def list_vaults(self) -> Sequence[Vault]:
        return await self._pod().list_vaults()

    async def list_items(self, vault_id: str) -> Sequence[ItemSummary]:
        return await self._pod().list_items(vault_id)

    async def get_item(self, vault_id: str, item_id: str) -> Item:
        return await self._pod().get_item(vault_id, item_id)

    def _pod(self) -> FakeItemSource:
        if self._by_request:
            self.reconnect()
        return self._current
