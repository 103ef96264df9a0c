"""A changed item restarts each workload that opted in exactly once; nothing else restarts anything."""

import json

import pytest

from harness.fixtures import MakeWorld
from harness.world import seed

pytestmark = pytest.mark.cluster


@pytest.mark.official(18, 19)
def test_a_change_is_one_rollout_for_those_who_opted_in_and_none_for_others(make_world: MakeWorld) -> None:
    world = make_world(seed(a="canary-a-0000", b="canary-b-0000")).begin("a", "b")
    world.deployment("opted-in", "a")
    world.deployment("opted-out", "a", opt_in="false")
    world.deployment("silent", "a", opt_in=None)
    world.deployment("uses-another", "b")
    world.connect.edit("v", "a", fields={"password": "canary-a-1111"})
    world.wait_data("a", {"password": b"canary-a-1111"})
    world.rollouts("opted-in", 2)
    world.no_marks()
    world.connect.wait_polls(2)
    assert [world.replica_sets(name) for name in ("opted-in", "opted-out", "silent", "uses-another")] == [2, 1, 1, 1]
    vault, item = world.connect.ids("v", "a")
    marks = world.restarted_for("opted-in")
    assert json.loads(marks["restarted-for"]) == {"a": f"{vault}/{item}@2"}
    assert marks["last-restarted"].endswith("Z")
    assert ("Normal", "Restarted") in world.events("opted-in")
    world.wait_events("a", ("Normal", "Created"), ("Normal", "Updated"))
