"""What the object behind a claim asks for now."""

import pytest

from fakes.world import World
from onepassword_operator.model.errors import ClusterUnavailableError
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.service.secret_sync.live_claims import LiveClaims


@pytest.fixture
def live(world: World) -> LiveClaims:
    return LiveClaims(world.claims, world.workloads)


async def test_only_what_the_object_itself_asks_for_counts(world: World, live: LiveClaims) -> None:
    world.asks("web")
    world.workloads.deploy("user", "db")
    world.claim("db")
    assert await live.get(ObjectRef("Deployment", "app", "web")) == world.workloads.objects["app", "web"].claim
    assert await live.get(ObjectRef("OnePasswordItem", "app", "db")) == world.claims.objects[world.key()]
    for kind, name in (("Deployment", "user"), ("Deployment", "gone"), ("OnePasswordItem", "gone")):
        assert await live.get(ObjectRef(kind, "app", name)) is None


async def test_unknown_is_not_absent(world: World, live: LiveClaims) -> None:
    world.claims.faults.refuse("get", ClusterUnavailableError("no answer"))
    with pytest.raises(ClusterUnavailableError):
        await live.get(ObjectRef("OnePasswordItem", "app", "db"))
