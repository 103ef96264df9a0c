"""What is not ours is never touched; what is ours goes with its resource, operator or not."""

from __future__ import annotations

from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import GROUP, PLURAL, PREFIX

pytestmark = pytest.mark.cluster

SEED: dict[str, Any] = {"vaults": [{"name": "v", "items": [{"title": "db", "fields": {"password": "canary-password-1"}}]}]}


@pytest.mark.official("unmanaged Secret adoption", "unmanaged Secret deletion")
@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({}, id="bare"),
        pytest.param({"labels": {PREFIX + "managed": "true"}}, id="with a copied label of ours"),
        pytest.param({"annotations": {PREFIX + "seal": "0" * 32, PREFIX + "requested-path": "vaults/v/items/db"}}, id="with a forged seal"),
        pytest.param(
            {
                "annotations": {PREFIX + "item-path": "vaults/v/items/db", PREFIX + "item-version": "1"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt", "uid": "?"}],
            },
            id="official marks, but owned by a living object",
        ),
    ],
)
def test_a_secret_that_is_not_ours_is_left_alone(make_world: MakeWorld, metadata: dict[str, Any]) -> None:
    world = make_world(SEED)
    for owner in metadata.get("ownerReferences", ()):
        owner["uid"] = world.observer.core.read_namespaced_config_map(owner["name"], world.namespace).metadata.uid
    world.observer.core.create_namespaced_secret(world.namespace, {"metadata": {"name": "db"} | metadata, "data": {"mine": "bWluZQ=="}})
    before = world.secret("db").metadata.resource_version
    world.operator()
    world.item("db", "vaults/v/items/db")
    condition = world.wait_reason("db", "TargetNotOwned")
    assert condition["status"] == "False"
    assert 'Secret "db"' in condition["message"]
    world.connect.wait_polls(2)
    world.delete_item("db")
    world.connect.wait_polls(2)
    assert world.secret("db").metadata.resource_version == before
    assert ("Warning", "TargetNotOwned") in world.events("db")


def test_the_name_is_taken_over_once_the_foreign_secret_is_gone(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.observer.core.create_namespaced_secret(world.namespace, {"metadata": {"name": "db"}})
    world.operator()
    world.item("db", "vaults/v/items/db")
    world.wait_reason("db", "TargetNotOwned")
    world.observer.core.delete_namespaced_secret("db", world.namespace)
    world.wait_reason("db", "Synced", timeout=6)


def test_a_secret_with_annotations_but_no_resource_is_no_request_to_us(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    vault, item = world.connect.ids("v", "db")
    annotations = {PREFIX + "item-path": f"vaults/{vault}/items/{item}", PREFIX + "item-version": "0"}
    labels = {PREFIX + "managed": "true"}
    body = {"metadata": {"name": "bait", "annotations": annotations, "labels": labels}}
    world.observer.core.create_namespaced_secret(world.namespace, body)
    world.operator()
    world.connect.wait_polls(3)
    assert world.connect.item_reads() == {}
    assert world.writes() == []


def test_the_official_operators_secret_is_adopted_in_place_without_a_restart(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    vault, item = world.connect.ids("v", "db")
    annotations = {PREFIX + "item-path": f"vaults/{vault}/items/{item}", PREFIX + "item-version": "1"}
    world.item("db", "vaults/v/items/db")
    owner = {"apiVersion": "onepassword.com/v1", "kind": "OnePasswordItem", "name": "db", "uid": world.custom("db")["metadata"]["uid"]}
    conditions = [{"type": "Ready", "status": "True", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]
    world.observer.custom.patch_namespaced_custom_object_status(
        *GROUP, world.namespace, PLURAL, "db", {"status": {"conditions": conditions}}
    )
    metadata = {"name": "db", "annotations": annotations, "ownerReferences": [owner]}
    body = {"metadata": metadata, "data": {"password": "Y2FuYXJ5LXBhc3N3b3JkLTE="}}
    uid = world.observer.core.create_namespaced_secret(world.namespace, body).metadata.uid
    world.deployment("web", "db")
    world.operator()
    world.wait_ready("db")
    world.connect.wait_polls(2)
    assert world.secret("db").metadata.uid == uid
    assert world.data("db") == {"password": b"canary-password-1"}
    assert world.replica_sets("web") == 1
    world.wait_events("db", ("Normal", "Adopted"))
    assert [w for w in world.writes() if "secrets" in w] == ["update secrets db"]


def test_a_deleted_resource_takes_its_secret_with_it_also_when_no_operator_runs(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.operator()
    for name in ("alive", "dead"):
        world.item(name, "vaults/v/items/db")
    world.wait_ready("alive", "dead")
    world.delete_item("alive")
    eventually(lambda: world.secret("alive"), lambda secret: secret is None)
    world.operators[0].kill()
    world.delete_item("dead")
    eventually(lambda: world.secret("dead"), lambda secret: secret is None)


@pytest.mark.parametrize("state", ["alive", "dead"])
def test_a_namespace_never_hangs(make_world: MakeWorld, state: str) -> None:
    world = make_world(SEED)
    world.operator()
    other = world.namespace + "-x"
    world.operators[0].stop()
    world.observer.core.create_namespace({"metadata": {"name": other}})
    operator = world.operator(WATCH_NAMESPACE=f"{world.namespace}, {other}")
    spec = {"itemPath": "vaults/v/items/db"}
    body = {"apiVersion": "/".join(GROUP), "kind": "OnePasswordItem", "metadata": {"name": "db"}, "spec": spec}
    world.observer.custom.create_namespaced_custom_object(*GROUP, other, PLURAL, body)
    eventually(lambda: len(world.observer.core.list_namespaced_secret(other).items), lambda number: number == 1)
    if state == "dead":
        operator.kill()
    world.observer.core.delete_namespace(other)
    eventually(lambda: [n.metadata.name for n in world.observer.core.list_namespace().items], lambda names: other not in names, timeout=60)
