"""Many renders at once leave the event loop a turn before each."""

import asyncio
import itertools
from typing import Any

import pytest

from onepassword_operator.model.recipe import Part, Recipe
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.contents import shape
from onepassword_operator.service.secret_sync.renders import Renders


async def test_others_have_a_turn_before_each_of_the_renders_that_one_read_woke(monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    done = False

    async def others() -> None:
        while not done:
            happened.append("turn")
            await asyncio.sleep(0)

    def render(*_: Any, **__: Any) -> None:
        happened.append("render")

    monkeypatch.setattr(shape, "render", render)
    monkeypatch.setattr(shape, "gives", render)
    renders, recipe = Renders(Rendering()), Recipe((Part("a"),))
    running = asyncio.create_task(others())
    await asyncio.gather(
        *(renders.render(recipe, []) for _ in range(5)),
        *(renders.gives(recipe, [], observed=None) for _ in range(5)),
    )
    done = True
    await running
    assert happened.count("render") == 10
    assert ("render", "render") not in set(itertools.pairwise(happened))
