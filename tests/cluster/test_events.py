"""Events against a real API server: the same one is a count, nobody waits for them, and the end sends what waits."""

from typing import Any

import pytest

from cluster.rights import deployed_role_without
from controlplane.access import SPARES
from controlplane.fixtures import Observer
from harness.fixtures import MakeWorld
from harness.proxy.rules import Delay, Rule
from harness.waiting import eventually
from harness.world import World, seed

pytestmark = pytest.mark.cluster

SEED = seed(db="canary-db-0001", other="canary-other-0001")
EDITED: dict[str, Any] = {"data": {"password": "ZWRpdGVk"}}


def repaired(world: World, times: int) -> None:
    """Edit the Secret by hand, and see it put right and told so often in all."""
    world.patch_secret("db", EDITED)
    world.wait_data("db", {"password": b"canary-db-0001"})
    eventually(lambda: world.counts("db").get("DriftCorrected"), lambda count: count == times)


def test_what_happens_again_is_a_count_on_the_same_event_also_if_that_was_deleted(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin("db")
    world.wait_events("db", ("Normal", "Created"))
    for times in (1, 2, 3):
        repaired(world, times)
    assert world.events("db") == [("Normal", "Created"), ("Normal", "DriftCorrected")]
    (event,) = [each for each in world.event_objects("db") if each.reason == "DriftCorrected"]
    assert (event.count, event.message) == (3, 'Secret "db" holds version 1, because somebody edited the Secret')
    assert event.first_timestamp <= event.last_timestamp
    world.observer.core.delete_collection_namespaced_event(world.namespace)
    repaired(world, 4)


def test_a_role_without_the_right_to_patch_gets_a_new_event_and_a_word_in_the_log(make_world: MakeWorld, observer: Observer) -> None:
    """The role of an older installation."""
    world = make_world(SEED)
    world.user = SPARES[0]
    with deployed_role_without(observer, resource="events", verbs={"patch"}, user=world.user):
        world.begin("db")
        for reported in (1, 1 + 2, 1 + 2 + 3):
            repaired(world, reported)
        assert world.operators[0].stop() == 0
    assert [event.count for event in world.event_objects("db") if event.reason == "DriftCorrected"] == [1, 2, 3]
    assert world.log.read_text().count("does not allow patching") == 1


def test_events_that_hang_hold_up_no_secret_no_restart_and_not_the_end(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.proxy.add(Rule(Delay(60), resource="events"))
    world.begin("db", "other")
    world.deployment("web", "db")
    world.connect.edit("v", "db", fields={"password": "canary-db-0002"})
    world.wait_data("db", {"password": b"canary-db-0002"})
    world.rollouts("web", 2)
    world.no_marks()
    assert world.events("db") == []
    assert world.operators[0].stop() == 0


def test_a_failure_that_lasts_is_one_event_that_nobody_touches_for_half_an_hour(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin()
    world.deployment("web", annotations={"item-path": "vaults/v/items/none", "item-name": "s"})
    eventually(lambda: world.counts("web"), lambda counts: counts == {"ReconcileError": 1})
    world.connect.wait_polls(10)
    written = [request for request in world.proxy.writes() if request.resource == "events"]
    assert [request.verb for request in written] == ["create"]
