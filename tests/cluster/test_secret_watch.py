"""The watch on Secrets ends in every way there is, and nothing that happened meanwhile is lost; no resync helps, they are minutes away."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.proxy.rules import Action, CutWatches, Respond, Rule
from harness.waiting import eventually
from harness.world import GROUP, PLURAL, World, seed

pytestmark = pytest.mark.cluster

GOOD = {"password": b"canary-password-1"}
EDITED = {"data": {"password": "ZWRpdGVk"}}
SEED = seed(db="canary-password-1")
SETTLED_SECONDS = 12
"""The resync that follows the start of the other watches comes ten seconds after it."""


def start(make_world: MakeWorld, *others: str) -> World:
    world = make_world(SEED)
    world.operator(POLLING_INTERVAL="60", WATCH_NAMESPACE=",".join((world.namespace, *others)))
    for name in ("db", "deleted"):
        world.item(name, "vaults/v/items/db")
    world.wait_ready("db", "deleted")
    # Once the last resync for minutes has read them, only a watch can tell.
    eventually(lambda: sum(listed(world, "onepassworditems")), lambda count: count >= 2 + len(others), timeout=SETTLED_SECONDS + 10)
    return world


def listed(world: World, resource: str) -> list[bool]:
    asked = [r for r in world.proxy.requests if r.user_agent.startswith("onepassword-operator")]
    return [True for r in asked if (r.verb, r.resource) == ("list", resource) and r.status == 200]


def watches(world: World, namespace: str) -> int:
    return sum((r.verb, r.resource, r.namespace, r.status) == ("watch", "secrets", namespace, 200) for r in world.proxy.requests)


ENDS: dict[str, Action] = {
    "it ends in good order, again and again": CutWatches(lifetime=0.2),
    "the API server is away": Respond(503, "ServiceUnavailable"),
    "nobody knows any more what happened since": Respond(410, "Expired"),
    "the right is gone": Respond(403, "Forbidden", "secrets is forbidden: User x"),
}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return start(make_world)


@pytest.mark.parametrize("end", ENDS)
def test_what_happened_while_nobody_watched_is_repaired_when_the_watch_is_back(world: World, end: str) -> None:
    ended = world.proxy.add(Rule(ENDS[end], verb="watch", resource="secrets"))
    world.proxy.remove(world.proxy.add(Rule(CutWatches(), resource="secrets")))
    eventually(lambda: ended.matched, lambda matched: matched >= 2)
    world.patch_secret("db", EDITED)
    world.delete_secret("deleted")
    world.proxy.remove(ended)
    for name in ("db", "deleted"):
        world.wait_data(name, GOOD, timeout=40)
    assert "watches ended, starting them again" not in world.log.read_text()  # those of resources and Deployments never did
    assert world.operators[0].probe("/healthz") == (200, "ok")


def test_our_own_writes_and_secrets_of_nobody_are_not_read(world: World) -> None:
    stray = {"name": "stray", "labels": {"operator.1password.io/managed": "true"}}
    world.observer.core.create_namespaced_secret(world.namespace, {"metadata": stray})
    world.patch_secret("db", EDITED)
    world.wait_data("db", GOOD)
    read = [r.name for r in world.proxy.requests if (r.verb, r.resource) == ("get", "secrets")]
    assert "stray" not in read
    assert read.count("db") <= 2  # by the watch, and by the pass


def test_a_namespace_without_rights_waits_by_itself_and_comes_back(make_world: MakeWorld, make_namespace: Callable[[], str]) -> None:
    other = make_namespace()
    world = start(make_world, other)
    spec = {"itemPath": "vaults/v/items/db"}
    resource = {"apiVersion": "/".join(GROUP), "kind": "OnePasswordItem", "metadata": {"name": "db"}, "spec": spec}
    world.observer.custom.create_namespaced_custom_object(*GROUP, other, PLURAL, resource)
    secrets = world.observer.core

    def elsewhere() -> list[Any]:
        return [secret.data for secret in secrets.list_namespaced_secret(other).items if secret.metadata.name == "db"]

    eventually(elsewhere, lambda found: found)
    good = elsewhere()
    refused = Respond(403, "Forbidden", 'secrets is forbidden: User "x" cannot watch resource')
    rules = [world.proxy.add(Rule(refused, verb=verb, resource="secrets", namespace=other)) for verb in ("watch", "list")]
    before = watches(world, world.namespace)
    world.proxy.remove(world.proxy.add(Rule(CutWatches(), resource="secrets")))
    eventually(lambda: watches(world, world.namespace), lambda count: count > before)
    eventually(lambda: sum(rule.matched for rule in rules), lambda matched: matched >= 3, timeout=30)
    secrets.patch_namespaced_secret("db", other, EDITED)
    world.patch_secret("db", EDITED)
    world.wait_data("db", GOOD)
    assert world.log.read_text().count("the watch on Secrets failed and is started again") <= 2  # what a watch and a list are refused
    for rule in rules:
        world.proxy.remove(rule)
    eventually(elsewhere, lambda found: found == good, timeout=60)
