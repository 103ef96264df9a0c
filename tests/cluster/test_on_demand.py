"""What people can ask of the operator by a tag: to leave a Secret as it is."""

import pytest

from harness.fixtures import MakeWorld
from harness.world import seed

pytestmark = pytest.mark.cluster

TAG = "operator.1password.io:ignore-secret"


@pytest.mark.official(90)
def test_an_item_with_the_ignore_tag_freezes_its_secret_hand_edits_included(make_world: MakeWorld) -> None:
    world = make_world(seed(db="canary-db-0001")).begin("db")
    world.deployment("web", "db")
    world.connect.edit("v", "db", tags=[TAG], fields={"password": "canary-db-0002"})
    condition = world.wait_reason("db", "Frozen")
    assert (condition["status"], TAG in condition["message"]) == ("True", True)
    world.patch_secret("db", {"data": {"password": "ZWRpdGVk"}})
    world.connect.wait_polls(3)
    world.operators[-1].stop()
    written = len(world.writes())
    world.operator()
    world.connect.wait_polls(3)
    assert (world.data("db"), world.replica_sets("web")) == ({"password": b"edited"}, 1)
    assert world.writes()[written:] == []
    world.connect.edit("v", "db", tags=[])
    world.wait_data("db", {"password": b"canary-db-0002"})
    world.rollouts("web", 2)
    world.no_marks()
