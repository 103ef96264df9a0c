"""Events against a real API server: the same one is a count, nobody waits for them, and the end sends what waits."""

from typing import Any

import pytest

from harness.fixtures import MakeWorld
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
