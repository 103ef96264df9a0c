"""Scenarios 13 to 25 and 82 to 86: Deployments that ask for a Secret by annotation, and those that use one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import PREFIX, World
from onepassword_operator.model.workload import Workload
from onepassword_operator.wire import workload

PATH, NAME = PREFIX + "item-path", PREFIX + "item-name"
DEMAND = {PATH: "vaults/v/items/db", NAME: "db"}
BYSTANDERS = {"deployment.kubernetes.io/revision": "1", "team": "billing"}


def _read(
    *, annotations: Mapping[str, str] | None = None, on_template: Mapping[str, str] | None = None, pod: Mapping[str, Any] | None = None
) -> Workload:
    metadata = {"namespace": "app", "name": "web", "uid": "w", "resourceVersion": "1", "annotations": dict(annotations or {})}
    template = {"metadata": {"annotations": dict(on_template or {})}, "spec": dict(pod or {})}
    return workload.from_dict({"metadata": metadata, "spec": {"template": template}})


@pytest.mark.parametrize(
    ("annotations", "on_template"),
    [
        pytest.param(DEMAND | BYSTANDERS, {}, marks=pytest.mark.official(13, 14), id="among others"),
        pytest.param({}, DEMAND, marks=pytest.mark.official(15), id="on the pod template"),
        pytest.param(BYSTANDERS, DEMAND, marks=pytest.mark.official(15), id="on the pod template, others on the Deployment"),
    ],
)
def test_a_deployment_asks_by_two_annotations_on_either_place(annotations: Mapping[str, str], on_template: Mapping[str, str]) -> None:
    claim = _read(annotations=annotations, on_template=on_template).claim
    assert claim is not None
    assert (claim.key.name, claim.item_path) == ("db", "vaults/v/items/db")
    assert not BYSTANDERS.keys() & claim.annotations.keys()


@pytest.mark.official(16)
def test_a_deployment_without_them_asks_for_nothing() -> None:
    assert _read(annotations=BYSTANDERS, on_template=BYSTANDERS).claim is None


def _variable(name: str) -> dict[str, Any]:
    return {"env": [{"name": "A", "value": "plain"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}]}


def _volume(name: str) -> dict[str, Any]:
    return {"name": name, "secret": {"secretName": name}}


def _projected(*names: str) -> dict[str, Any]:
    return {"name": "all", "projected": {"sources": [{"secret": {"name": name}} for name in names]}}


@pytest.mark.parametrize(
    ("pod", "used"),
    [
        pytest.param({"containers": [_variable("a")]}, {"a"}, marks=pytest.mark.official(17, 24), id="variable"),
        pytest.param({"containers": [{"envFrom": [{"secretRef": {"name": "a"}}]}]}, {"a"}, marks=pytest.mark.official(18), id="all keys"),
        pytest.param({"containers": [_variable("b")]}, {"b"}, marks=pytest.mark.official(19), id="variable of another"),
        pytest.param({"volumes": [_volume("a"), _projected("b", "c")]}, {"a", "b", "c"}, marks=pytest.mark.official(21, 23), id="volumes"),
        pytest.param({"volumes": [_volume("b")]}, {"b"}, marks=pytest.mark.official(22), id="volume of another"),
        pytest.param({}, set(), marks=pytest.mark.official(25), id="nothing"),
    ],
)
def test_a_deployment_uses_exactly_what_its_pods_name(pod: dict[str, Any], used: set[str]) -> None:
    assert _read(pod=pod).secrets == used


SEED: dict[str, Any] = {
    "vaults": [{"name": "v", "items": [{"title": title, "fields": {"password": f"canary-{title}-0"}} for title in ("db", "other")]}]
}


def _user(world: World, name: str, pod: Mapping[str, Any]) -> None:
    container = {"name": "c", "image": "app", **pod.get("container", {})}
    spec = {"containers": [container], "volumes": pod.get("volumes", [])}
    template = {"metadata": {"labels": {"app": name}}, "spec": spec}
    body = {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": {"app": name}}, "template": template}}
    world.observer.apps.create_namespaced_deployment(world.namespace, body)


def _gone(world: World, *deployments: str) -> None:
    for name in deployments:
        world.delete_deployment(name)
    listed = world.observer.apps.list_namespaced_deployment
    eventually(
        lambda: {found.metadata.name for found in listed(world.namespace).items},
        lambda left: not left & set(deployments),
        what="deletion of Deployments",
    )


@pytest.mark.cluster
@pytest.mark.official(82, 83, 84)
def test_a_secret_follows_the_deployment_that_asks_for_it(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.operator()
    world.deployment("web", annotations={"item-path": "vaults/v/items/db", "item-name": "db"})
    world.wait_data("db", {"password": b"canary-db-0"})

    version = world.secret("db").metadata.resource_version
    body = {"metadata": {"labels": {"touched": "yes"}}, "spec": {"replicas": 2}}
    world.observer.apps.patch_namespaced_deployment("web", world.namespace, body)
    world.connect.wait_polls(2)
    assert world.secret("db").metadata.resource_version == version

    world.annotate_deployment("web", item_path="vaults/v/items/other")
    world.wait_data("db", {"password": b"canary-other-0"})

    _gone(world, "web")
    eventually(lambda: world.secret("db"), lambda secret: secret is None)


USERS: dict[str, dict[str, Any]] = {
    "env": {"container": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "password"}}}]}},
    "volume": {"volumes": [_volume("volume")]},
    "mixed": {
        "volumes": [{"name": "scratch", "emptyDir": {}}, _volume("mixed"), {"name": "map", "configMap": {"name": "kube-root-ca.crt"}}]
    },
}


@pytest.mark.cluster
@pytest.mark.official(85, 86, "shared Secret and garbage collection")
def test_a_secret_stays_while_another_deployment_uses_it(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.operator()
    for name, pod in USERS.items():
        world.deployment(f"asks-{name}", annotations={"item-path": "vaults/v/items/db", "item-name": name})
        _user(world, f"uses-{name}", pod)
    for name in USERS:
        world.wait_data(name, {"password": b"canary-db-0"})
        both = {f"Deployment/asks-{name}", f"Deployment/uses-{name}"}
        eventually(lambda name=name: set(world.owners(name)), lambda owners, both=both: owners == both)  # type: ignore[misc]
    _gone(world, *(f"asks-{name}" for name in USERS))
    for name in USERS:
        alone = [f"Deployment/uses-{name}"]
        eventually(lambda name=name: world.owners(name), lambda owners, alone=alone: owners == alone)  # type: ignore[misc]
        assert world.data(name) == {"password": b"canary-db-0"}
    _gone(world, *(f"uses-{name}" for name in USERS))
    for name in USERS:
        eventually(lambda name=name: world.secret(name), lambda secret: secret is None)  # type: ignore[misc]
