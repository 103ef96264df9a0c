"""What somebody does to our Secrets by hand is put right within seconds, restarts nothing, and leaves what is theirs alone."""

from __future__ import annotations

from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.kube_proxy import HoldEvents, Rule
from harness.waiting import eventually
from harness.world import PREFIX, World

pytestmark = pytest.mark.cluster

GOOD = {"username": b"canary-user-1", "password": b"canary-password-1"}
SEED: dict[str, Any] = {
    "vaults": [
        {
            "name": "v",
            "items": [
                {"title": "db", "fields": {k: v.decode() for k, v in GOOD.items()}},
                {"title": "other", "fields": {"password": "canary-of-another-item"}},
            ],
        }
    ]
}


def start(make_world: MakeWorld) -> World:
    world = make_world(SEED)
    world.operator(POLLING_INTERVAL="60")  # whatever is repaired within seconds was noticed by a watch
    world.item("db", "vaults/v/items/db", metadata={"labels": {"team": "x"}})
    world.wait_ready("db")
    world.deployment("web", "db")
    world.patch_secret("db", {"metadata": {"labels": {"foreign": "label"}, "annotations": {"foreign": "annotation"}}})
    return world


UNMANAGED = {"labels": {PREFIX + "managed": None}}
UNOWNED = {"ownerReferences": None}


@pytest.mark.official("Secret drift", "events")
@pytest.mark.parametrize(
    ("edit", "reported"),
    [
        pytest.param({"data": {"password": "ZWRpdGVk"}}, 1, id="a key edited"),
        pytest.param({"data": {"extra": "ZWRpdGVk"}}, 1, id="a key added"),
        pytest.param({"data": {"username": None}}, 1, id="a key removed"),
        pytest.param({"metadata": UNMANAGED}, 1, id="our label taken away"),
        pytest.param({"metadata": UNOWNED}, 1, id="the ownerReference taken away"),
        pytest.param({"metadata": UNMANAGED | UNOWNED}, 1, id="label and ownerReference taken away"),
        pytest.param({"metadata": UNMANAGED, "data": {"password": "ZWRpdGVk"}}, 1, id="label taken away and a key edited"),
        pytest.param({"metadata": {"labels": {"team": None}}}, 0, id="a copied label taken away"),
        pytest.param({"metadata": {"annotations": {PREFIX + "seal": None}}}, 0, id="the seal taken away"),
    ],
)
def test_an_edit_by_hand_is_repaired_without_a_restart(make_world: MakeWorld, edit: dict[str, Any], reported: int) -> None:
    world = start(make_world)
    before = world.secret("db")
    world.patch_secret("db", edit)

    def right(secret: Any) -> bool:
        return bool(
            secret
            and secret.data == before.data
            and secret.metadata.labels == {"team": "x", "foreign": "label", PREFIX + "managed": "true"}
            and secret.metadata.annotations == before.metadata.annotations
            and [o.uid for o in secret.metadata.owner_references or ()] == [o.uid for o in before.metadata.owner_references]
        )

    eventually(lambda: world.secret("db"), right, timeout=5)
    eventually(lambda: world.events("db").count(("Normal", "DriftCorrected")), lambda number: number == reported)
    assert world.replica_sets("web") == 1
    assert "restarted-for" not in world.restarted_for("web")


@pytest.mark.official("Secret deletion")
def test_a_deleted_secret_comes_back_without_a_restart(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.connect.reset()
    world.observer.core.delete_namespaced_secret("db", world.namespace)
    world.wait_data("db", GOOD, timeout=5)
    assert sum(world.connect.item_reads().values()) <= 1
    assert world.replica_sets("web") == 1


@pytest.mark.parametrize("annotation", ["item-path", "requested-path", "item-version"])
def test_annotations_edited_by_hand_steer_nothing(make_world: MakeWorld, annotation: str) -> None:
    world = start(make_world)
    before = world.annotations("db")
    vault, other = world.connect.ids("v", "other")
    forged = {"item-path": f"vaults/{vault}/items/{other}", "requested-path": "vaults/v/items/other", "item-version": "99"}[annotation]
    world.connect.reset()
    world.patch_secret("db", {"metadata": {"annotations": {PREFIX + annotation: forged}}})
    eventually(lambda: world.annotations("db"), lambda seen: seen == before, timeout=5)
    assert f"{vault}/{other}" not in world.connect.item_reads()
    assert world.data("db") == GOOD
    assert world.replica_sets("web") == 1


def test_forged_annotations_made_while_the_operator_was_down_steer_nothing(make_world: MakeWorld) -> None:
    world = start(make_world)
    before = world.annotations("db")
    vault, other = world.connect.ids("v", "other")
    world.operators[0].stop()
    forged = {PREFIX + "item-path": f"vaults/{vault}/items/{other}", PREFIX + "requested-path": "vaults/v/items/other"}
    world.patch_secret("db", {"metadata": {"annotations": forged}})
    world.connect.reset()
    world.operator()
    eventually(lambda: world.annotations("db")["item-path"], lambda seen: seen == before["item-path"], timeout=5)
    assert f"{vault}/{other}" not in world.connect.item_reads()
    assert world.data("db") == GOOD


def test_fifty_resources_deleted_behind_a_held_watch_leave_no_secret_behind(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.operator()
    names = [f"cr-{number}" for number in range(50)]
    for name in names:
        world.item(name, "vaults/v/items/db")
    world.wait_ready(*names, timeout=30)
    held = world.proxy.add(Rule(HoldEvents(), resource="onepassworditems"))
    created = sum(write.startswith("create secrets") for write in world.writes())
    for name in names:
        world.delete_item(name)
    secrets = world.observer.core.list_namespaced_secret
    eventually(lambda: secrets(world.namespace).items, lambda items: not items, timeout=30)
    # Every DELETED event of a Secret has led to a live look at its resource, which is gone.
    looked = {r.name for r in world.proxy.requests if r.verb == "get" and r.resource == "onepassworditems"}
    eventually(
        lambda: {r.name for r in world.proxy.requests if r.verb == "get" and r.resource == "onepassworditems"} | looked,
        lambda seen: set(names) <= seen,
        timeout=30,
    )
    world.connect.wait_polls(30, timeout=60)  # of one second each
    assert sum(write.startswith("create secrets") for write in world.writes()) == created
    held.release()
    world.connect.wait_polls(2)
    assert secrets(world.namespace).items == []


def owners_of(world: World, name: str) -> list[str]:
    found = world.secret(name)
    return [owner.uid for owner in found.metadata.owner_references or ()] if found else []


def test_a_resource_made_anew_under_its_name_has_its_secret_and_is_ready_in_seconds(make_world: MakeWorld) -> None:
    world = start(make_world)
    for _ in range(3):
        world.delete_item("db")
        world.item("db", "vaults/v/items/db", metadata={"labels": {"team": "x"}})
        uid = world.custom("db")["metadata"]["uid"]
        world.wait_reason("db", "Synced", timeout=5)
        eventually(lambda: owners_of(world, "db"), lambda owners, uid=uid: owners == [uid], timeout=5)  # type: ignore[misc]
    world.connect.reset()
    assert world.data("db") == GOOD


def test_a_resource_replaced_without_deleting_its_secret_takes_that_secret_over(make_world: MakeWorld) -> None:
    world = start(make_world)
    before = world.secret("db").metadata.uid
    world.observer.custom.delete_namespaced_custom_object(
        "onepassword.com", "v1", world.namespace, "onepassworditems", "db", body={"propagationPolicy": "Orphan"}
    )
    eventually(lambda: world.secret("db").metadata.owner_references, lambda owners: not owners)
    listed = world.observer.custom.list_namespaced_custom_object
    eventually(lambda: listed("onepassword.com", "v1", world.namespace, "onepassworditems")["items"], lambda items: not items)
    world.item("db", "vaults/v/items/db", metadata={"labels": {"team": "x"}})
    world.wait_reason("db", "Synced", timeout=5)
    owner = world.secret("db").metadata.owner_references[0].uid
    assert owner == world.custom("db")["metadata"]["uid"]
    assert world.secret("db").metadata.uid == before
    assert world.replica_sets("web") == 1
