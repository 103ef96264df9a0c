"""Scenarios 16 to 31, 85 and 86: Deployments that use a Secret which another one asks for by annotation."""

from collections.abc import Mapping
from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World, seed


def _volume(name: str) -> dict[str, Any]:
    return {"name": name, "secret": {"secretName": name}}


SEED = seed(db="canary-db-0")


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


USERS: dict[str, dict[str, Any]] = {
    "env": {"container": {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "env", "key": "password"}}}]}},
    "volume": {"volumes": [_volume("volume")]},
    "projected": {"volumes": [{"name": "all", "projected": {"sources": [{"secret": {"name": "projected"}}]}}]},
    "mixed": {
        "volumes": [{"name": "scratch", "emptyDir": {}}, _volume("mixed"), {"name": "map", "configMap": {"name": "kube-root-ca.crt"}}]
    },
}


@pytest.mark.cluster
@pytest.mark.official(16, 17, *range(20, 26), 29, 31, 85, 86, 91, "shared Secret and garbage collection")
def test_a_secret_stays_while_another_deployment_uses_it(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin(AUTO_RESTART="true")
    world.deployment("neither-asks-nor-uses")
    for name, pod in USERS.items():
        world.deployment(f"asks-{name}", annotations={"item-path": "vaults/v/items/db", "item-name": name})
        _user(world, f"uses-{name}", pod)

    def wait_owners(value: bytes, *kinds: str) -> None:
        for name in USERS:
            wanted = {f"Deployment/{kind}-{name}" for kind in kinds}
            eventually(lambda name=name: set(world.owners(name)), lambda owners, wanted=wanted: owners == wanted)  # type: ignore[misc]
            assert world.data(name) == {"password": value}

    for name in USERS:
        world.wait_data(name, {"password": b"canary-db-0"})
    wait_owners(b"canary-db-0", "asks", "uses")
    world.connect.edit("v", "db", fields={"password": "canary-db-1"})
    for name in USERS:
        world.rollouts(f"uses-{name}", 2)
    world.no_marks()
    assert world.replica_sets("neither-asks-nor-uses") == 1
    _gone(world, *(f"asks-{name}" for name in USERS))
    wait_owners(b"canary-db-1", "uses")
    _gone(world, *(f"uses-{name}" for name in USERS))
    world.wait_no_secret(*USERS)
