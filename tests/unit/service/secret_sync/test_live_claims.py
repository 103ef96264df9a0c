"""What the object behind a claim asks for now."""

import dataclasses

import pytest

from fakes.world import World
from onepassword_operator.model.errors import ClusterUnavailableError
from onepassword_operator.service.secret_sync.live_claims import LiveClaims
from unit.rules import samples


@pytest.fixture
def live(world: World) -> LiveClaims:
    return LiveClaims(world.claims, world.workloads)


async def test_only_what_the_object_itself_asks_for_counts(world: World, live: LiveClaims) -> None:
    world.asks("web")
    world.workloads.deploy("user", "db")
    world.claim("db")
    (asked,), resource = world.workloads.objects["app", "web"].claims, world.claims.objects[world.key()]
    assert await live.get(asked) == asked
    assert await live.get(resource) == resource
    for claim, name in ((asked, "user"), (asked, "gone"), (resource, "gone")):
        assert await live.get(dataclasses.replace(claim, name=name)) is None
    assert await live.get(dataclasses.replace(asked, key=world.key("another"))) is None


async def test_unknown_is_not_absent(world: World, live: LiveClaims) -> None:
    world.claims.faults.refuse("get", ClusterUnavailableError("no answer"))
    with pytest.raises(ClusterUnavailableError):
        await live.get(samples.claim())
