"""What is not ours is never touched; what is ours goes with its resource, operator or not."""

from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import GROUP, PLURAL, PREFIX, seed

pytestmark = pytest.mark.cluster

SEED = seed(db="canary-password-1")
FOREIGN: dict[str, dict[str, Any]] = {
    "bare": {},
    "with-a-copied-label-of-ours": {"labels": {PREFIX + "managed": "true"}},
    "with-a-forged-seal": {"annotations": {PREFIX + "seal": "0" * 32, PREFIX + "requested-path": "vaults/v/items/db"}},
    "with-official-marks-but-owned-by-a-living-object": {
        "annotations": {PREFIX + "item-path": "vaults/v/items/db", PREFIX + "item-version": "1"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt", "uid": "?"}],
    },
}


@pytest.mark.official("unmanaged Secret adoption", "unmanaged Secret deletion")
def test_a_secret_that_is_not_ours_is_left_alone(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    core = world.observer.core
    (owner,) = FOREIGN["with-official-marks-but-owned-by-a-living-object"]["ownerReferences"]
    owner["uid"] = core.read_namespaced_config_map(owner["name"], world.namespace).metadata.uid
    before = {}
    for name, metadata in FOREIGN.items():
        body = {"metadata": {"name": name} | metadata, "data": {"mine": "bWluZQ=="}}
        before[name] = core.create_namespaced_secret(world.namespace, body).metadata.resource_version
    world.begin()
    for name in FOREIGN:
        world.item(name, "vaults/v/items/db")
    for name in FOREIGN:
        condition = world.wait_reason(name, "TargetNotOwned")
        assert condition["status"] == "False"
        assert f'Secret "{name}"' in condition["message"]
    world.connect.wait_polls(2)
    for name in FOREIGN:
        world.delete_item(name)
    world.connect.wait_polls(2)
    assert {name: world.secret(name).metadata.resource_version for name in FOREIGN} == before
    for name in FOREIGN:
        assert ("Warning", "TargetNotOwned") in world.events(name)
    core.create_namespaced_secret(world.namespace, {"metadata": {"name": "free"}})
    world.item("free", "vaults/v/items/db")
    world.wait_reason("free", "TargetNotOwned")
    world.delete_secret("free")
    world.wait_reason("free", "Synced", timeout=6)


def test_a_secret_with_annotations_but_no_resource_is_no_request_to_us(make_world: MakeWorld) -> None:
    """The official operator fills it, so whoever may create a Secret may read any item."""
    world = make_world(SEED)
    vault, item = world.connect.ids("v", "db")
    marks = {PREFIX + "item-path": f"vaults/{vault}/items/{item}", PREFIX + "item-version": "0"}
    for name, labels in (("deputy", {}), ("labelled", {PREFIX + "managed": "true"})):
        body = {"metadata": {"name": name, "annotations": marks, "labels": labels}}
        world.observer.core.create_namespaced_secret(world.namespace, body)
    world.begin().connect.wait_polls(3)
    assert (world.data("deputy"), world.data("labelled")) == ({}, {})
    assert (world.connect.item_reads(), world.writes()) == ({}, [])


def test_a_deleted_resource_takes_its_secret_with_it_also_when_no_operator_runs(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin()
    for name in ("alive", "dead"):
        world.item(name, "vaults/v/items/db")
    world.wait_ready("alive", "dead")
    world.delete_item("alive")
    world.wait_no_secret("alive")
    world.operators[0].kill()
    world.delete_item("dead")
    world.wait_no_secret("dead")


def test_a_namespace_never_hangs_operator_or_not(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    core = world.observer.core
    others = [f"{world.namespace[:50]}-{state}" for state in ("alive", "dead")]
    body = {"apiVersion": "/".join(GROUP), "kind": "OnePasswordItem", "metadata": {"name": "db"}, "spec": {"itemPath": "vaults/v/items/db"}}
    for other in others:
        core.create_namespace({"metadata": {"name": other}})
        world.observer.custom.create_namespaced_custom_object(*GROUP, other, PLURAL, body)
    operator = world.operator(WATCH_NAMESPACE=", ".join([world.namespace, *others]))
    for other in others:
        eventually(lambda other=other: len(core.list_namespaced_secret(other).items), lambda number: number == 1)  # type: ignore[misc]
    for other in others:
        core.delete_namespace(other)
        eventually(
            lambda: [found.metadata.name for found in core.list_namespace().items],
            lambda names, other=other: other not in names,  # type: ignore[misc]
            timeout=60,
        )
        operator.kill()
