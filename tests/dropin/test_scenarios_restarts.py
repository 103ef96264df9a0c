"""What is tested nowhere about restarts: changed specs, conflicts, odd lists of namespaces."""

import pytest

from harness.fixtures import MakeWorld
from harness.proxy.ledger import Request
from harness.proxy.rules import CallBefore, Rule
from harness.waiting import eventually
from harness.world import PREFIX, seed

pytestmark = pytest.mark.cluster

SEED = seed(a="canary-a-0", b="canary-b-0")


@pytest.mark.official("restart after a spec change", "WATCH_NAMESPACE with spaces")
def test_a_resource_that_names_another_item_restarts_who_uses_its_secret_once(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.operator(WATCH_NAMESPACE=f" , {world.namespace} ,,", POLLING_INTERVAL="60")
    world.item("db", "vaults/v/items/a", metadata={"labels": {"a": "1", "b": "2"}})
    world.wait_ready("db")
    world.deployment("web", "db")
    world.patch_item("db", {"spec": {"itemPath": "vaults/v/items/b"}, "metadata": {"labels": {"a": None, "c": "3"}}})
    world.wait_data("db", {"password": b"canary-b-0"}, timeout=5)
    labels = eventually(lambda: world.secret("db").metadata.labels, lambda labels: "a" not in labels)
    assert labels == {"b": "2", "c": "3", PREFIX + "managed": "true"}
    eventually(lambda: world.condition("db"), lambda c: c["observedGeneration"] == 2 and c["status"] == "True")
    world.rollouts("web", 2)
    world.no_marks()
    assert world.replica_sets("web") == 2


@pytest.mark.official("conflicts")
def test_others_who_write_in_between_lose_nothing_and_cause_nothing_twice(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin("a")
    world.deployment("web", "a")

    def label(_: Request) -> None:
        world.patch_secret("a", {"metadata": {"labels": {"somebody": "else"}}})

    def scale(_: Request) -> None:
        body = {"metadata": {"annotations": {"somebody": "else"}}, "spec": {"replicas": 3}}
        world.observer.apps.patch_namespaced_deployment("web", world.namespace, body)

    secret = world.proxy.add(Rule(CallBefore(label), verb="update", resource="secrets", name="a", times=1))
    deployment = world.proxy.add(Rule(CallBefore(scale), verb="patch", resource="deployments", name="web", times=1))
    world.connect.edit("v", "a", fields={"password": "canary-a-1"})
    world.wait_data("a", {"password": b"canary-a-1"})
    world.rollouts("web", 2)
    world.no_marks()
    assert secret.matched == 2  # refused once, decided anew, done
    assert deployment.matched >= 2  # controllers write to it as well
    assert world.secret("a").metadata.labels["somebody"] == "else"
    found = world.observer.apps.read_namespaced_deployment("web", world.namespace)
    assert (found.spec.replicas, found.metadata.annotations["somebody"]) == (3, "else")
    world.connect.wait_polls(1)
    written = world.writes()
    world.connect.wait_polls(3)
    assert world.writes() == written
    assert world.replica_sets("web") == 2
