"""The image is swapped and nothing else: our operator under 1Password's chart, with its arguments, environment, rights and CRD.

Each test is a release on a control plane that has the chart's CRD and no other. The operator runs as the service account, with a token as
the kubelet mounts one, and as a process that may not write a file (`pod.py`).
"""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from dropin.chart import CRD, Release
from harness.waiting import eventually
from harness.world import GROUP, PLURAL, World, seed

pytestmark = pytest.mark.cluster

SEED = seed(db="canary-password-1")
FIRST, SECOND = {"password": b"canary-password-1"}, {"password": b"canary-password-2"}

Install = Callable[..., Release]


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane.start(crds=[CRD]) as started:
        yield started


@pytest.fixture(scope="module")
def admin(plane: ControlPlane) -> Iterator[Observer]:
    with Observer.connect(plane.admin_kubeconfig) as connected:
        yield connected


@pytest.fixture
def namespaces(admin: Observer) -> Iterator[tuple[str, str]]:
    """The namespace of the release, and one where somebody works.

    No resource is left: an operator that watches all namespaces must not meet those of another test, whose namespace takes no Secret.
    """
    release, work = f"release-{uuid.uuid4().hex[:8]}", f"work-{uuid.uuid4().hex[:8]}"
    for name in (release, work):
        admin.core.create_namespace({"metadata": {"name": name}})
    yield release, work
    admin.custom.delete_collection_namespaced_custom_object(*GROUP, work, PLURAL)
    for name in (release, work):
        admin.core.delete_namespace(name)


@pytest.fixture
def world(plane: ControlPlane, admin: Observer, namespaces: tuple[str, str], tmp_path: Path) -> Iterator[World]:
    made = World(plane=plane, observer=admin, namespace=namespaces[1], directory=tmp_path, seed=SEED)
    yield made
    made.close()


@pytest.fixture
def install(world: World, namespaces: tuple[str, str]) -> Iterator[Install]:
    installed: list[Release] = []

    def make(**values: Any) -> Release:
        installed.append(Release(world, namespaces[0], **values))
        installed[-1].install()
        return installed[-1]

    yield make
    for release in installed:
        release.uninstall()


def settled(world: World, name: str, status: str) -> dict[str, Any]:
    """The Ready condition, when it says so; this CRD keeps no reason."""
    return eventually(lambda: world.condition(name), lambda condition: condition.get("status") == status, what=f"{name}: {status}")


def refused(world: World) -> list[str]:
    return [f"{r.verb} {r.resource} {r.namespace}/{r.name}" for r in world.proxy.requests if r.status == 403]


def statuses(world: World) -> list[str]:
    return sorted(write for write in world.writes() if "/status" in write)


@pytest.mark.parametrize("listed", [False, True], ids=["all namespaces", "listed namespaces"])
def test_the_main_job_with_the_charts_arguments_environment_and_rights(world: World, install: Install, listed: object) -> None:
    pod = install(watch=[world.namespace] if listed else []).run()
    world.item("db", "vaults/v/items/db")
    settled(world, "db", "True")
    assert world.data("db") == FIRST
    world.deployment("web", "db")
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.wait_data("db", SECOND)
    world.rollouts("web", 2)
    world.no_marks()
    world.observer.core.delete_namespaced_secret("db", world.namespace)
    world.wait_data("db", SECOND)
    world.item("typo", "vaults/v/items/bd")
    assert "check the spelling" in settled(world, "typo", "False")["message"]
    assert pod.probe("/healthz") == pod.probe("/readyz") == (200, "ok")
    assert "onepassword_operator_build_info" in pod.metrics()
    assert pod.stop() == 0, world.log.read_text()[-2000:]
    assert refused(world) == []


@pytest.mark.official("restart after an operator restart")
def test_a_new_pod_goes_on_where_the_last_one_ended(world: World, install: Install) -> None:
    release = install(watch=[world.namespace])
    first = release.run()
    world.item("db", "vaults/v/items/db")
    world.item("typo", "vaults/v/items/bd")
    settled(world, "db", "True")
    settled(world, "typo", "False")
    world.deployment("web", "db")
    assert first.stop() == 0
    before = world.writes()
    second = release.run()
    world.connect.wait_polls(3)
    assert world.writes() == before
    assert second.stop() == 0
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    release.run()
    world.wait_data("db", SECOND)
    world.rollouts("web", 2)
    world.no_marks()
    assert world.replica_sets("web") == 2
    assert refused(world) == []


def test_a_status_is_written_once_though_the_charts_crd_keeps_only_part_of_it(world: World, install: Install) -> None:
    install(watch=[world.namespace]).run()
    world.item("db", "vaults/v/items/db")
    world.item("typo", "vaults/v/items/bd")
    world.item("bad", "nonsense")
    settled(world, "db", "True")
    settled(world, "typo", "False")
    settled(world, "bad", "False")
    world.connect.wait_polls(2)
    before = world.writes()
    assert statuses(world) == [f"patch onepassworditems/status {name}" for name in ("bad", "db", "typo")]
    world.connect.wait_polls(5)
    assert world.writes() == before
    assert set(world.condition("db")) <= {"type", "status", "lastTransitionTime", "message"}
