"""Deployments that ask for a Secret by annotation: what they get, who owns it, and how they let go."""

import json

import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import seed

pytestmark = pytest.mark.cluster

SEED = seed(db="canary-db-0001", other="canary-other-0001")
DB = {"item-path": "vaults/v/items/db", "item-name": "shared"}
DB_DATA = {"password": b"canary-db-0001"}


@pytest.mark.official(13, 14, 15, 82, 83, 84)
def test_annotations_on_the_deployment_or_on_its_pods_make_a_secret_of_the_normalised_name(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin()
    world.deployment("a", annotations=DB | {"item-name": "My Secret"})
    world.deployment("b", on_template=DB | {"item-name": "from-template"})
    world.deployment("c", annotations={"item-path": "vaults/v/items/db"}, on_template=DB | {"item-name": "not-looked-at"})
    world.wait_data("my-secret", DB_DATA)
    world.wait_data("from-template", DB_DATA)
    assert (world.owners("my-secret"), world.owners("from-template")) == (["Deployment/a"], ["Deployment/b"])
    assert world.secret("not-looked-at") is None
    assert world.annotations("my-secret")["item-name"] == "My Secret"
    vault, item = world.connect.ids("v", "db")
    assert world.annotations("my-secret")["item-path"] == f"vaults/{vault}/items/{item}"
    version = world.secret("my-secret").metadata.resource_version
    world.observer.apps.patch_namespaced_deployment(
        "a", world.namespace, {"metadata": {"labels": {"touched": "yes"}}, "spec": {"replicas": 2}}
    )
    world.connect.wait_polls(2)
    assert world.secret("my-secret").metadata.resource_version == version
    world.annotate_deployment("a", item_path="vaults/v/items/other")
    world.wait_data("my-secret", {"password": b"canary-other-0001"})
    world.delete_deployment("a")
    world.wait_no_secret("my-secret")


@pytest.mark.official("shared Secret and garbage collection")
def test_a_secret_that_several_ask_for_or_use_outlives_all_but_the_last(make_world: MakeWorld) -> None:
    """The official operator's Secret goes with the Deployment that asked first, whoever else needs it."""
    world = make_world(SEED).begin()
    world.deployment("first", "shared", annotations=DB)
    world.wait_data("shared", DB_DATA)
    world.deployment("second", annotations=DB)
    world.deployment("user", "shared")
    eventually(lambda: set(world.owners("shared")), lambda owners: owners == {"Deployment/first", "Deployment/second", "Deployment/user"})
    assert world.owners("shared")[0] == "Deployment/first"
    world.delete_deployment("first")
    eventually(lambda: world.owners("shared"), lambda owners: set(owners) == {"Deployment/second", "Deployment/user"})
    world.connect.edit("v", "db", fields={"password": "canary-db-0002"})
    world.wait_data("shared", {"password": b"canary-db-0002"})
    world.delete_deployment("second")
    eventually(lambda: world.owners("shared"), lambda owners: owners == ["Deployment/user"])
    world.delete_deployment("user")
    world.wait_no_secret("shared")


@pytest.mark.official(28, 30, 47)
def test_a_rotation_restarts_the_deployment_that_asked_once(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin()
    world.deployment("asks-for-another", annotations=DB | {"item-path": "vaults/v/items/other", "item-name": "another"})
    world.deployment("a", annotations=DB)
    world.deployment("template", on_template=DB)
    world.wait_data("shared", DB_DATA)
    world.connect.edit("v", "db", fields={"password": "canary-db-0002"})
    world.rollouts("a", 2)
    world.rollouts("template", 2)
    world.no_marks()
    assert json.loads(world.restarted_for("a")["restarted-for"]).keys() == {"shared"}
    world.connect.wait_polls(3)
    assert [world.replica_sets(name) for name in ("a", "template", "asks-for-another")] == [2, 2, 1]
