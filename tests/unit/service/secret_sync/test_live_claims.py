"""What the object behind a claim asks for now."""

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterUnavailableError
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.service.secret_sync.live_claims import LiveClaims

DEMAND = {names.ITEM_PATH: "vaults/Prod/items/db", names.ITEM_NAME: "db"}


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def live(world: World) -> LiveClaims:
    return LiveClaims(world.claims, world.workloads)


async def test_a_resource_is_read(world: World, live: LiveClaims) -> None:
    world.claim("db", "vaults/Prod/items/db")
    assert await live.get(ObjectRef("OnePasswordItem", "app", "db")) == world.claims.objects[world.key()]
    assert await live.get(ObjectRef("OnePasswordItem", "app", "other")) is None
    assert world.workloads.requests == []


async def test_a_deployment_is_read_for_the_secret_it_asks_for(world: World, live: LiveClaims) -> None:
    world.workloads.deploy("web", annotations=DEMAND)
    world.workloads.deploy("user", "db")
    assert await live.get(ObjectRef("Deployment", "app", "web")) == world.workloads.objects["app", "web"].claim
    assert await live.get(ObjectRef("Deployment", "app", "user")) is None
    assert await live.get(ObjectRef("Deployment", "app", "gone")) is None
    assert world.claims.requests == []


async def test_unknown_is_not_absent(world: World, live: LiveClaims) -> None:
    world.claims.faults.refuse("get", ClusterUnavailableError("no answer"))
    with pytest.raises(ClusterUnavailableError):
        await live.get(ObjectRef("OnePasswordItem", "app", "db"))
