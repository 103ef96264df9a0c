"""What somebody does to our Secrets by hand is put right within seconds, restarts nothing, and leaves what is theirs alone."""

import uuid
from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import PREFIX, World, seed

pytestmark = pytest.mark.cluster

SEED = seed(db="canary-password-1", other="canary-of-another-item")
SEED["vaults"][0]["items"][0]["fields"]["username"] = "canary-user-1"
GOOD = {"username": b"canary-user-1", "password": b"canary-password-1"}
FAR_POLLS: dict[str, Any] = {"POLLING_INTERVAL": "60"}
"""Whatever is repaired within seconds was noticed by a watch."""


@pytest.fixture(scope="module")
def world(make_shared_world: MakeWorld) -> World:
    return make_shared_world(SEED).begin(**FAR_POLLS)


def ask(world: World, name: str) -> None:
    world.item(name, "vaults/v/items/db", metadata={"labels": {"team": "x"}})


@pytest.fixture
def name(world: World) -> str:
    """A resource in sync, whose Secret has foreign metadata too and is used by a Deployment of the same name."""
    made = f"db-{uuid.uuid4().hex[:8]}"
    ask(world, made)
    world.wait_ready(made)
    world.deployment(made, made)
    world.patch_secret(made, {"metadata": {"labels": {"foreign": "label"}, "annotations": {"foreign": "annotation"}}})
    return made


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
def test_an_edit_by_hand_is_repaired_without_a_restart(world: World, name: str, edit: dict[str, Any], reported: int) -> None:
    before = world.secret(name)
    world.patch_secret(name, edit)

    def right(secret: Any) -> bool:
        return bool(
            secret
            and secret.data == before.data
            and secret.metadata.labels == {"team": "x", "foreign": "label", PREFIX + "managed": "true"}
            and secret.metadata.annotations == before.metadata.annotations
            and [o.uid for o in secret.metadata.owner_references or ()] == [o.uid for o in before.metadata.owner_references]
        )

    eventually(lambda: world.secret(name), right, timeout=5)
    eventually(lambda: world.events(name).count(("Normal", "DriftCorrected")), lambda number: number == reported)
    assert world.replica_sets(name) == 1
    assert "restarted-for" not in world.restarted_for(name)


@pytest.mark.official("Secret deletion")
def test_a_deleted_secret_comes_back_without_a_restart(world: World, name: str) -> None:
    world.connect.reset()
    world.delete_secret(name)
    world.wait_data(name, GOOD, timeout=5)
    assert sum(world.connect.item_reads().values()) <= 1
    assert world.replica_sets(name) == 1


@pytest.mark.parametrize("annotation", ["item-path", "requested-path", "item-version"])
def test_annotations_edited_by_hand_steer_nothing(world: World, name: str, annotation: str) -> None:
    before = world.annotations(name)
    vault, other = world.connect.ids("v", "other")
    forged = {"item-path": f"vaults/{vault}/items/{other}", "requested-path": "vaults/v/items/other", "item-version": "99"}[annotation]
    world.connect.reset()
    world.patch_secret(name, {"metadata": {"annotations": {PREFIX + annotation: forged}}})
    eventually(lambda: world.annotations(name), lambda seen: seen == before, timeout=5)
    assert f"{vault}/{other}" not in world.connect.item_reads()
    assert world.data(name) == GOOD
    assert world.replica_sets(name) == 1


def owners_of(world: World, name: str) -> list[str]:
    found = world.secret(name)
    return [owner.uid for owner in found.metadata.owner_references or ()] if found else []


def test_a_resource_made_anew_under_its_name_has_its_secret_and_is_ready_in_seconds(world: World, name: str) -> None:
    for _ in range(3):
        world.delete_item(name)
        ask(world, name)
        uid = world.custom(name)["metadata"]["uid"]
        world.wait_reason(name, "Synced", timeout=5)
        eventually(lambda: owners_of(world, name), lambda owners, uid=uid: owners == [uid], timeout=5)  # type: ignore[misc]
    assert world.data(name) == GOOD


def test_a_resource_replaced_without_deleting_its_secret_takes_that_secret_over(world: World, name: str) -> None:
    before = world.secret(name).metadata.uid
    world.orphan(name)
    ask(world, name)
    world.wait_reason(name, "Synced", timeout=5)
    assert owners_of(world, name) == [world.custom(name)["metadata"]["uid"]]
    assert world.secret(name).metadata.uid == before
    assert world.replica_sets(name) == 1
