"""Scenario 91, and what is tested nowhere about restarts: changed specs, conflicts, two processes, odd lists of namespaces."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.kube_proxy import CallBefore, Request, Rule
from harness.world import World

pytestmark = pytest.mark.cluster

SEED: dict[str, Any] = {
    "vaults": [{"name": "v", "items": [{"title": title, "fields": {"password": f"canary-{title}-0"}} for title in ("a", "b")]}]
}


def _start(make_world: MakeWorld, *, auto_restart: str = "false") -> World:
    world = make_world(SEED)
    world.operator(AUTO_RESTART=auto_restart)
    world.item("db", "vaults/v/items/a")
    world.wait_ready("db")
    return world


def _rotate(world: World, number: int, *, rollouts: int) -> None:
    world.connect.edit("v", "a", fields={"password": f"canary-a-{number}"})
    world.wait_data("db", {"password": f"canary-a-{number}".encode()})
    world.rollouts("web", rollouts)
    world.no_marks()


def _settled(world: World) -> None:
    """Whatever was written last led to nothing more."""
    world.no_marks()
    world.connect.wait_polls(1)
    written = world.writes()
    world.connect.wait_polls(3)
    assert world.writes() == written


@pytest.mark.official(91, "events")
def test_restarts_for_all_roll_out_who_uses_the_secret_and_say_so(make_world: MakeWorld) -> None:
    world = _start(make_world, auto_restart="true")
    world.deployment("web", "db", opt_in=None)
    world.deployment("idle", "another", opt_in=None)
    _rotate(world, 1, rollouts=2)
    _settled(world)
    assert (world.replica_sets("web"), world.replica_sets("idle")) == (2, 1)
    assert (world.events("web"), world.events("idle")) == ([("Normal", "Restarted")], [])
    world.wait_events("db", ("Normal", "Created"), ("Normal", "Updated"))


@pytest.mark.official("restart after a spec change", "WATCH_NAMESPACE with spaces")
def test_a_resource_that_names_another_item_restarts_who_uses_its_secret_once(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.operator(WATCH_NAMESPACE=f" , {world.namespace} ,,", POLLING_INTERVAL="60")
    world.item("db", "vaults/v/items/a")
    world.wait_ready("db")
    world.deployment("web", "db")
    world.patch_item("db", {"spec": {"itemPath": "vaults/v/items/b"}})
    world.wait_data("db", {"password": b"canary-b-0"}, timeout=5)
    world.rollouts("web", 2)
    world.no_marks()
    assert world.replica_sets("web") == 2


@pytest.mark.official("conflicts")
def test_others_who_write_in_between_lose_nothing_and_cause_nothing_twice(make_world: MakeWorld) -> None:
    world = _start(make_world)
    world.deployment("web", "db")

    def label(_: Request) -> None:
        world.patch_secret("db", {"metadata": {"labels": {"somebody": "else"}}})

    def scale(_: Request) -> None:
        body = {"metadata": {"annotations": {"somebody": "else"}}, "spec": {"replicas": 3}}
        world.observer.apps.patch_namespaced_deployment("web", world.namespace, body)

    secret = world.proxy.add(Rule(CallBefore(label), verb="update", resource="secrets", name="db", times=1))
    deployment = world.proxy.add(Rule(CallBefore(scale), verb="patch", resource="deployments", name="web", times=1))
    _rotate(world, 1, rollouts=2)
    assert secret.matched == 2  # refused once, decided anew, done
    assert deployment.matched >= 2  # controllers write to it as well
    assert world.secret("db").metadata.labels["somebody"] == "else"
    found = world.observer.apps.read_namespaced_deployment("web", world.namespace)
    assert (found.spec.replicas, found.metadata.annotations["somebody"]) == (3, "else")
    _settled(world)
    assert world.replica_sets("web") == 2


@pytest.mark.official("leader election")
def test_two_processes_at_once_write_what_one_would_and_restart_once(make_world: MakeWorld) -> None:
    world = _start(make_world)
    world.operator()
    world.deployment("web", "db")
    for number in range(1, 4):
        _rotate(world, number, rollouts=1 + number)
    world.patch_secret("db", {"data": {"password": base64.b64encode(b"edited").decode()}})
    world.wait_data("db", {"password": b"canary-a-3"})
    _settled(world)
    assert world.replica_sets("web") == 4
    assert set(world.annotations("db")) == {"item-path", "item-version", "requested-path", "copied-keys", "seal"}
