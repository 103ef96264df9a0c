"""Where the admission plugin OwnerReferencesPermissionEnforcement is on, as on OpenShift, the chart has a value that satisfies it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from chart.fixtures import Cluster
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness.world import PREFIX, World, seed

pytestmark = pytest.mark.cluster

HOME = "onepassword-operator"
SEED = seed(db="canary-password-1")


@pytest.fixture(scope="module")
def strict_plane(crds: Sequence[Path]) -> Iterator[ControlPlane]:
    with ControlPlane.start(crds=crds, admission_plugins=["OwnerReferencesPermissionEnforcement"]) as started:
        yield started


@pytest.fixture
def strict_cluster(strict_plane: ControlPlane) -> Iterator[Cluster]:
    """The cluster, with the namespace that the operator's account is in."""
    with Observer.connect(strict_plane.admin_kubeconfig) as observer:
        made = Cluster(strict_plane, observer)
        made.kubectl("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}}))
        yield made
        made.close()


@pytest.fixture
def world(strict_cluster: Cluster, tmp_path: Path) -> Iterator[World]:
    """A Secret of an old official operator, without an ownerReference, and a resource that asks for it."""
    namespace = strict_cluster.namespace("work")
    made = World(plane=strict_cluster.plane, observer=strict_cluster.observer, namespace=namespace, directory=tmp_path, seed=SEED)
    vault, item = made.connect.ids("v", "db")
    annotations = {PREFIX + "item-path": f"vaults/{vault}/items/{item}", PREFIX + "item-version": "1"}
    body = {"metadata": {"name": "db", "annotations": annotations}, "data": {"password": "Y2FuYXJ5LXBhc3N3b3JkLTE="}}
    made.observer.core.create_namespaced_secret(namespace, body)
    made.item("db", "vaults/v/items/db")
    yield made
    made.close()


def test_with_the_value_a_secret_is_adopted_and_nothing_is_deleted(strict_cluster: Cluster, world: World) -> None:
    strict_cluster.install(HOME, HOME, {"crds": {"create": False}, "operator": {"ownerReferencesEnforced": True}})
    world.operator()
    world.wait_ready("db")
    assert world.owners("db") == ["OnePasswordItem/db"]
    assert [write for write in world.writes() if write.startswith("delete")] == []


def test_without_it_the_resource_names_the_value_and_a_new_secret_is_made_all_the_same(strict_cluster: Cluster, world: World) -> None:
    """Only a change of ownerReferences is held against the right, not their first writing."""
    strict_cluster.install(HOME, HOME, {"crds": {"create": False}})
    world.item("new", "vaults/v/items/db")
    world.operator()
    world.wait_ready("new")
    assert "operator.ownerReferencesEnforced" in world.wait_reason("db", "ClusterAccessDenied")["message"]
    assert world.owners("db") == []
