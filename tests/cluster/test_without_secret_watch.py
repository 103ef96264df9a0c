"""`--secret-watch=off`, as somebody who may neither list nor watch Secrets: everything that is promised, within a resync interval."""

from collections.abc import Iterator

import pytest

from cluster.rights import deployed_role_without
from controlplane.access import SPARES
from controlplane.fixtures import Observer
from harness.fixtures import MakeWorld
from harness.operator_process import OperatorProcess
from harness.proxy.rules import Respond, Rule
from harness.waiting import eventually
from harness.world import PREFIX, World, seed

pytestmark = pytest.mark.cluster

USER = SPARES[0]
INTERVAL_SECONDS = 10
GOOD = {"password": b"canary-password-1"}
SEED = seed(db="canary-password-1", other="canary-password-9")


@pytest.fixture
def world(make_world: MakeWorld, observer: Observer) -> Iterator[World]:
    """A world whose operator has the deployed role less list and watch on Secrets, and never asks for more."""
    with deployed_role_without(observer, resource="secrets", verbs={"list", "watch"}, user=USER):
        made = make_world(SEED)
        made.user = USER
        yield made
    ours = [r for r in made.proxy.requests if r.resource == "secrets" and r.user_agent.startswith("onepassword-operator")]
    assert ours
    assert {r.verb for r in ours} <= {"get", "create", "update", "patch"}
    assert 403 not in {r.status for r in ours}


def start(world: World) -> OperatorProcess:
    return world.operator("--secret-watch=off", ONEPASSWORD_OPERATOR_RESYNC_SECONDS=str(INTERVAL_SECONDS), POLLING_INTERVAL="60")


def test_an_edit_and_a_deletion_by_hand_are_repaired_within_a_resync_interval(world: World) -> None:
    start(world)
    world.item("db", "vaults/v/items/db")
    world.wait_ready("db")
    world.deployment("web", "db")
    world.patch_secret("db", {"data": {"password": "ZWRpdGVk"}})
    world.wait_data("db", GOOD, timeout=INTERVAL_SECONDS + 5)
    eventually(lambda: world.events("db"), lambda reported: ("Normal", "DriftCorrected") in reported)
    world.patch_secret("db", {"metadata": {"labels": {PREFIX + "managed": None}}})
    eventually(lambda: world.secret("db").metadata.labels, lambda labels: labels == {PREFIX + "managed": "true"}, timeout=15)
    world.delete_secret("db")
    world.wait_data("db", GOOD, timeout=INTERVAL_SECONDS + 5)
    assert world.replica_sets("web") == 1


def test_a_start_with_everything_in_place_costs_one_get_per_secret_and_no_write(world: World) -> None:
    first = start(world)
    for name in ("db", "other"):
        world.item(name, f"vaults/v/items/{name}")
    world.wait_ready("db", "other")
    first.stop()
    before, reads = world.writes(), len(world.proxy.requests)
    world.connect.reset()
    world.operator("--secret-watch=off", POLLING_INTERVAL="60")  # the next look is minutes away
    world.connect.wait_polls(0)
    eventually(lambda: world.connect.counts().get("GET /v1/vaults", 0), lambda polls: polls == 1)
    looked = [r.name for r in world.proxy.requests[reads:] if r.resource == "secrets"]
    assert sorted(set(looked)) == ["db", "other"]
    assert len(looked) <= 3  # the round that follows begins with one of them
    assert world.writes() == before
    assert world.connect.item_reads() == {}


def test_a_new_version_restarts_once_and_a_pending_restart_outlives_the_operator(world: World) -> None:
    operator = world.operator("--secret-watch=off", POLLING_INTERVAL="1")
    world.item("db", "vaults/v/items/db")
    world.wait_ready("db")
    world.deployment("web", "db")
    refusing = world.proxy.add(Rule(Respond(403, "Forbidden", 'admission webhook "x" denied'), verb="patch", resource="deployments"))
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.wait_data("db", {"password": b"canary-password-2"})
    eventually(lambda: refusing.matched)
    operator.kill()
    world.proxy.remove(refusing)
    assert "restart-pending" in world.annotations("db")
    start(world)
    world.rollouts("web", 2)
    world.no_marks()
    world.connect.wait_polls(0)
    assert world.replica_sets("web") == 2
