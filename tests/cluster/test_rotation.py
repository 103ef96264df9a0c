"""A changed item restarts each workload that opted in exactly once; nothing else restarts anything."""

from __future__ import annotations

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
    world = make_world(SEED)
    world.operator(POLLING_INTERVAL=str(interval))
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


def test_starting_again_restarts_nothing(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.deployment("web", "a", "b")
    rotate(world, "a", to="1111")
    world.rollouts("web", 2)
    settle(world)
    world.operators[0].stop()
    written = world.writes()
    world.operator()
    world.connect.wait_polls(3)
    assert world.replica_sets("web") == 2
    assert world.writes() == written


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


@pytest.mark.parametrize(
    ("resource", "workload", "of_namespace", "operator", "rollouts"),
    [
        ("true", "false", "false", "false", 1),
        ("false", "true", "true", "true", 0),
        (None, "true", "false", "false", 1),
        (None, "false", "true", "true", 0),
        (None, None, "true", "false", 1),
        (None, None, "false", "true", 0),
        (None, None, None, "true", 1),
        (None, None, None, "false", 0),
        (None, "TRUE", None, "false", 1),
        (None, "perhaps", "true", "true", 0),
    ],
)
def test_the_first_of_four_levels_that_says_anything_decides(
    make_world: MakeWorld, resource: str | None, workload: str | None, of_namespace: str | None, operator: str, rollouts: int
) -> None:
    world = make_world(SEED)
    if of_namespace is not None:
        world.observer.core.patch_namespace(world.namespace, {"metadata": {"annotations": {PREFIX + "auto-restart": of_namespace}}})
    world.operator(AUTO_RESTART=operator)
    world.item("a", "vaults/v1/items/a", metadata={"annotations": {PREFIX + "auto-restart": resource} if resource else {}})
    world.wait_ready("a")
    world.deployment("web", "a", opt_in=workload)
    rotate(world, "a", to="1111")
    world.rollouts("web", 1 + rollouts)
    settle(world)
    assert world.replica_sets("web") == 1 + rollouts


def test_a_workload_made_after_the_change_is_not_restarted(make_world: MakeWorld) -> None:
    world = start(make_world)
    rotate(world, "a", to="1111")
    settle(world)
    world.deployment("late", "a")
    world.operators[0].stop()
    world.operator()
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
