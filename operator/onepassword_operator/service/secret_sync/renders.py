"""Renders the data of Secrets one at a time, so that no number of them holds the event loop up.

One render is bounded, but a read that many Secrets wait for wakes all of them at once, and the
lease has to be renewed in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from onepassword_operator.model.item import Item
from onepassword_operator.model.recipe import Recipe
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.contents import shape
from onepassword_operator.rules.contents.item_to_data import Rendered


class Renders:
    """`rules.contents.shape` in turns."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering
        self._turn = asyncio.Lock()

    async def render(self, recipe: Recipe, items: Sequence[Item | None]) -> Rendered:
        """Map items to data, as `shape.render`, and raise as it does."""
        async with self._turn:
            await asyncio.sleep(0)
            return shape.render(recipe, items, rendering=self._rendering)

    async def gives(
        self, recipe: Recipe, items: Sequence[Item | None], *, observed: ObservedSecret | None
    ) -> bool:
        """Whether the items give exactly the data of the Secret."""
        async with self._turn:
            await asyncio.sleep(0)
            return shape.gives(recipe, items, observed=observed, rendering=self._rendering)
