"""The world that most use-cases are tried in."""

import pytest

from fakes.world import World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def item(world: World) -> str:
    """An item whose Secret `db` is in sync."""
    return await world.synced()
