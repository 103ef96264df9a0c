"""A changed item restarts each workload that opted in exactly once; nothing else restarts anything."""

import json
from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import PREFIX, World

pytestmark = pytest.mark.cluster

SEED: dict[str, Any] = {
    "vaults": [
        {"name": "v1", "items": [{"title": title, "fields": {"password": f"canary-{title}-0000"}} for title in "ab"]},
        {"name": "v2", "items": [{"title": "c", "fields": {"password": "canary-c-0000"}}]},
    ]
}


def start(make_world: MakeWorld, *, interval: int = 1) -> World:
    world = make_world(SEED).begin(POLLING_INTERVAL=str(interval))
    for name, vault in (("a", "v1"), ("b", "v1"), ("c", "v2")):
        world.item(name, f"vaults/{vault}/items/{name}")
    world.wait_ready("a", "b", "c")
    return world


def rotate(world: World, *items: str, to: str) -> None:
    for item in items:
        world.connect.edit({"a": "v1", "b": "v1", "c": "v2"}[item], item, fields={"password": f"canary-{item}-{to}"})
    for item in items:
        world.wait_data(item, {"password": f"canary-{item}-{to}".encode()})


def settle(world: World) -> None:
    world.no_marks()
    world.connect.wait_polls(2)


@pytest.mark.official(18, 19)
def test_a_change_is_one_rollout_for_those_who_opted_in_and_none_for_others(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.deployment("opted-in", "a")
    world.deployment("opted-out", "a", opt_in="false")
    world.deployment("silent", "a", opt_in=None)
    world.deployment("uses-another", "b")
    rotate(world, "a", to="1111")
    world.rollouts("opted-in", 2)
    settle(world)
    assert {name: world.replica_sets(name) for name in ("opted-in", "opted-out", "silent", "uses-another")} == {
        "opted-in": 2,
        "opted-out": 1,
        "silent": 1,
        "uses-another": 1,
    }
    vault, item = world.connect.ids("v1", "a")
    marks = world.restarted_for("opted-in")
    assert json.loads(marks["restarted-for"]) == {"a": f"{vault}/{item}@2"}
    assert marks["last-restarted"].endswith("Z")
    assert ("Normal", "Restarted") in world.events("opted-in")
    world.wait_events("a", ("Normal", "Created"), ("Normal", "Updated"))


def test_two_secrets_that_change_in_one_poll_are_one_rollout(make_world: MakeWorld) -> None:
    world = start(make_world, interval=3)
    world.deployment("web", "a", "b", "c")
    world.connect.wait_polls(1)  # the next poll is almost an interval away, so both changes fall into it
    rotate(world, "a", "c", to="1111")
    world.rollouts("web", 2)
    settle(world)
    assert world.replica_sets("web") == 2
    assert set(json.loads(world.restarted_for("web")["restarted-for"])) == {"a", "c"}


def test_two_versions_in_a_row_are_at_most_one_rollout_each_and_end_with_the_last(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.deployment("web", "a")
    for number in range(4):
        world.connect.edit("v1", "a", fields={"password": f"canary-a-{number}-fast"})
    world.wait_data("a", {"password": b"canary-a-3-fast"})
    settle(world)
    vault, item = world.connect.ids("v1", "a")
    assert json.loads(world.restarted_for("web")["restarted-for"])["a"] == f"{vault}/{item}@5"
    assert 2 <= world.replica_sets("web") <= 5


@pytest.mark.official("restart after an operator restart")
def test_a_change_while_no_operator_ran_is_one_rollout_at_the_next_start(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.deployment("web", "a", "b")
    world.deployment("silent", "a", opt_in=None)
    world.operators[0].stop()
    world.connect.edit("v1", "a", fields={"password": "canary-a-meanwhile"})
    world.connect.edit("v1", "b", fields={"password": "canary-b-meanwhile"})
    world.operator()
    world.wait_data("a", {"password": b"canary-a-meanwhile"})
    world.rollouts("web", 2)
    settle(world)
    assert (world.replica_sets("web"), world.replica_sets("silent")) == (2, 1)


LEVELS: dict[str, dict[str | None, list[tuple[str | None, str | None, int]]]] = {
    # the operator's setting → the namespace's → of a resource, of a Deployment, and the rollouts that follow
    "true": {
        "true": [("false", "true", 0), ("perhaps", "true", 0), (None, "false", 0), (None, "perhaps", 0)],
        "false": [("true", "false", 1), (None, None, 0)],
        None: [(None, None, 1)],
    },
    "false": {
        "true": [(None, "false", 0), (None, None, 1)],
        "false": [("true", "false", 1), ("false", "true", 0), (None, "true", 1), (None, None, 0)],
        None: [(None, "TRUE", 1), (None, None, 0)],
    },
}


@pytest.mark.official(*range(33, 39), 41, 42, 91)
@pytest.mark.parametrize("operator", LEVELS)
def test_the_first_of_four_levels_that_says_anything_decides(make_world: MakeWorld, operator: str) -> None:
    world = make_world(SEED).begin(AUTO_RESTART=operator)
    for of_namespace, rows in LEVELS[operator].items():
        world.observer.core.patch_namespace(world.namespace, {"metadata": {"annotations": {PREFIX + "auto-restart": of_namespace}}})
        names = [f"{number}-{of_namespace}".lower() for number in range(len(rows))]
        for name, (resource, workload, _) in zip(names, rows, strict=True):
            world.item(name, "vaults/v1/items/a", metadata={"annotations": {PREFIX + "auto-restart": resource} if resource else {}})
            world.wait_ready(name)
            world.deployment(name, name, opt_in=workload)
        world.connect.edit("v1", "a", fields={"password": f"canary-a-{of_namespace}"})
        for name, (*_, rollouts) in zip(names, rows, strict=True):
            world.wait_data(name, {"password": f"canary-a-{of_namespace}".encode()})
            world.rollouts(name, 1 + rollouts)
        settle(world)
        assert [world.replica_sets(name) - 1 for name in names] == [rollouts for *_, rollouts in rows]
        for name in names:
            world.delete_item(name)


def test_a_workload_made_after_the_change_is_not_restarted(make_world: MakeWorld) -> None:
    world = start(make_world)
    rotate(world, "a", to="1111")
    settle(world)
    world.deployment("late", "a")
    world.restart()
    world.connect.wait_polls(2)
    assert world.replica_sets("late") == 1


def test_a_rollback_to_an_older_version_in_1password_is_followed_too(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.deployment("web", "a")
    rotate(world, "a", to="1111")
    world.rollouts("web", 2)
    settle(world)
    rotate(world, "a", to="0000")
    world.rollouts("web", 3)
    settle(world)
    eventually(lambda: world.condition("a")["message"], lambda message: "version 3" in message)
