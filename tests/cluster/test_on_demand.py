"""What people can ask of the operator: look now, leave alone, freeze; and what it does when another tool takes its restarts back."""

import pytest

from harness.fixtures import MakeWorld
from harness.proxy.ledger import Request
from harness.proxy.rules import CallAfter, Rule
from harness.waiting import eventually
from harness.world import PREFIX, World, seed

pytestmark = pytest.mark.cluster

TAG = "operator.1password.io:ignore-secret"
SEED = seed(db="canary-db-0001")
EDITED = {"password": b"edited"}


def start(make_world: MakeWorld, *, interval: int = 1) -> World:
    world = make_world(SEED).begin("db", POLLING_INTERVAL=str(interval))
    world.deployment("web", "db")
    return world


def annotate(world: World, **annotations: str | None) -> None:
    world.patch_item("db", {"metadata": {"annotations": {PREFIX + key: value for key, value in annotations.items()}}})


def test_a_new_value_of_the_refresh_annotation_syncs_at_once(make_world: MakeWorld) -> None:
    world = start(make_world, interval=3600)
    world.connect.edit("v", "db", fields={"password": "canary-db-0002"})
    annotate(world, refresh="1")
    world.wait_data("db", {"password": b"canary-db-0002"}, timeout=5)
    world.rollouts("web", 2)
    annotate(world, refresh="2")
    eventually(lambda: world.events("db")[-1:], lambda last: last == [("Normal", "Refreshed")])


def test_a_suspended_resource_leaves_its_secret_alone_until_it_is_resumed(make_world: MakeWorld) -> None:
    world = start(make_world)
    annotate(world, suspend="true")
    assert world.wait_reason("db", "Suspended")["status"] == "True"
    world.patch_secret("db", {"data": {"password": "ZWRpdGVk"}})
    world.connect.edit("v", "db", fields={"password": "canary-db-0002"})
    world.connect.wait_polls(4)
    assert (world.data("db"), world.replica_sets("web")) == (EDITED, 1)
    annotate(world, suspend=None)
    world.wait_data("db", {"password": b"canary-db-0002"})
    world.wait_ready("db")
    world.rollouts("web", 2)


@pytest.mark.official(90)
def test_an_item_with_the_ignore_tag_freezes_its_secret_hand_edits_included(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.connect.edit("v", "db", tags=[TAG], fields={"password": "canary-db-0002"})
    condition = world.wait_reason("db", "Frozen")
    assert (condition["status"], TAG in condition["message"]) == ("True", True)
    world.patch_secret("db", {"data": {"password": "ZWRpdGVk"}})
    world.connect.wait_polls(3)
    world.operators[-1].stop()
    written = len(world.writes())
    world.operator()
    world.connect.wait_polls(3)
    assert (world.data("db"), world.replica_sets("web")) == (EDITED, 1)
    assert world.writes()[written:] == []
    world.connect.edit("v", "db", tags=[])
    world.wait_data("db", {"password": b"canary-db-0002"})
    world.rollouts("web", 2)
    world.no_marks()


def test_a_missing_secret_of_a_frozen_item_is_created(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.connect.edit("v", "db", tags=[TAG])
    world.wait_reason("db", "Frozen")
    world.delete_secret("db")
    world.wait_data("db", {"password": b"canary-db-0001"})
    world.item("late", "vaults/v/items/db")
    world.wait_reason("late", "Frozen")
    assert world.data("late") == {"password": b"canary-db-0001"}
    assert world.replica_sets("web") == 1


def test_a_tool_that_reverts_restarts_gets_three_and_a_warning(make_world: MakeWorld) -> None:
    """A GitOps tool that owns the pod template takes the annotations away as often as they come."""
    world = start(make_world)
    marks = dict.fromkeys((PREFIX + "last-restarted", "restarts." + PREFIX + "restarted-for"))
    body = {"spec": {"template": {"metadata": {"annotations": marks}}}}

    def revert(request: Request) -> None:
        world.observer.apps.patch_namespaced_deployment(request.name, world.namespace, body)

    world.proxy.add(Rule(CallAfter(revert), verb="patch", resource="deployments"))
    world.connect.edit("v", "db", fields={"password": "canary-db-0002"})
    eventually(lambda: world.events("web"), lambda events: ("Warning", "RestartReverted") in events)
    world.no_marks()
    world.connect.wait_polls(3)
    patches = [r for r in world.proxy.requests if r.committed and (r.verb, r.resource, r.name) == ("patch", "deployments", "web")]
    assert len(patches) == 3
    assert world.events("web").count(("Warning", "RestartReverted")) == 1
