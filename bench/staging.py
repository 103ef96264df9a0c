"""Furnishes a scene with rights, resources, foreign Secrets and Deployments.

It also measures the floor, which the API server itself sets.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import kubernetes

from bench.bulk import MERGE, Call
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness.paths import REPOSITORY
from harness.world import GROUP, PLURAL, PREFIX

if TYPE_CHECKING:
    from bench.scene import Scene

HOME = "onepassword-operator"
GROUPS = {True: "bench-ours", False: "bench-peer"}
"""Ours has the deployed role and no more; another operator may do anything, because its own role is
not known here.
"""
FOREIGN_BYTES = 10 * 1024
FLOOR_RESOURCES = 500
WRITES_PER_RESOURCE = 3


def install(plane: ControlPlane, observer: Observer) -> None:
    """Our role as a user applies it, and users of the benchmark's own that have it."""
    plane.kubectl("apply", "-f", str(REPOSITORY / "deploy"))
    rbac = observer.rbac
    for group, role in ((GROUPS[True], HOME), (GROUPS[False], "cluster-admin")):
        _unless_there(rbac.create_cluster_role_binding, _binding(group, "ClusterRole", role))
    for role in rbac.list_namespaced_role(HOME).items:
        _unless_there(
            rbac.create_namespaced_role_binding,
            HOME,
            _binding(GROUPS[True], "Role", role.metadata.name),
        )


def _binding(group: str, kind: str, role: str) -> dict[str, Any]:
    return {
        "metadata": {"name": f"{group}-{role}"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
    }


def _unless_there(create: Any, *arguments: Any) -> None:
    try:
        create(*arguments)
    except kubernetes.client.ApiException as error:
        if error.status != 409:
            raise


def resource(scene: Scene, number: int) -> Call:
    """Create a OnePasswordItem that names its item by title, as most people do."""
    vault, title = scene.place(number)
    return item(scene.namespace(number), scene.names[number], f"vaults/{vault}/items/{title}")


def item(namespace: str, name: str, path: str) -> Call:
    """Create any OnePasswordItem."""
    body = {
        "apiVersion": "/".join(GROUP),
        "kind": "OnePasswordItem",
        "metadata": {"name": name},
        "spec": {"itemPath": path},
    }
    return Call(
        method="POST", path=f"/apis/{'/'.join(GROUP)}/namespaces/{namespace}/{PLURAL}", body=body
    )


def foreign(scene: Scene, number: int) -> Call:
    """Create a Secret that concerns nobody.

    Its value is unlike all others, as in a real cluster.
    """
    value = base64.b64encode(uuid.uuid4().bytes * (FOREIGN_BYTES // 16)).decode()
    body = {"metadata": {"name": f"foreign-{number:05}"}, "data": {"value": value}}
    return Call(
        method="POST", path=f"/api/v1/namespaces/{scene.namespace(number)}/secrets", body=body
    )


def deployment(namespace: str, name: str, secret: str) -> Call:
    """Create a Deployment that uses a Secret and wants to be restarted.

    Every rollout stays visible as a ReplicaSet.
    """
    body = {
        "metadata": {"name": name, "annotations": {PREFIX + "auto-restart": "true"}},
        "spec": {
            "replicas": 0,
            "revisionHistoryLimit": 1000,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name, "bench": "yes"}},
                "spec": {
                    "containers": [
                        {"name": "c", "image": "app", "envFrom": [{"secretRef": {"name": secret}}]}
                    ]
                },
            },
        },
    }
    return Call(method="POST", path=f"/apis/apps/v1/namespaces/{namespace}/deployments", body=body)


def floor(scene: Scene) -> float:
    """Measure the writes per second of the bare API server.

    For each of some resources there is a Secret, a status and an Event, without any work between.
    """
    namespace = f"floor-{scene.id}"
    scene.observer.core.create_namespace({"metadata": {"name": namespace}})
    names = [f"floor-{number:05}" for number in range(min(scene.setup.items, FLOOR_RESOURCES))]
    scene.bulk.send([item(namespace, name, "vaults/v/items/i")] for name in names)
    seconds = scene.bulk.send(_writes(namespace, name) for name in names)
    # Before the operator starts: nothing of this is its business.
    scene.observer.custom.delete_collection_namespaced_custom_object(*GROUP, namespace, PLURAL)
    scene.observer.core.delete_namespace(namespace)
    return len(names) * WRITES_PER_RESOURCE / seconds


def _writes(namespace: str, name: str) -> Iterator[Call]:
    fields = {
        "username": "user",
        "password": "fake-password-0-0",
        "host": "host.example",
        "port": "5432",
    }
    annotations = {
        PREFIX + "item-path": "vaults/" + "v" * 26 + "/items/" + "i" * 26,
        PREFIX + "item-version": "1",
    }
    data = {key: base64.b64encode(value.encode()).decode() for key, value in fields.items()}
    secret = {"metadata": {"name": name, "annotations": annotations}, "data": data}
    yield Call(method="POST", path=f"/api/v1/namespaces/{namespace}/secrets", body=secret)
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "Synced",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    path = f"/apis/{'/'.join(GROUP)}/namespaces/{namespace}/{PLURAL}/{name}/status"
    yield Call(
        method="PATCH", path=path, body={"status": {"conditions": [condition]}}, content=MERGE
    )
    event = {
        "metadata": {"name": f"{name}.1"},
        "involvedObject": {
            "apiVersion": "/".join(GROUP),
            "kind": "OnePasswordItem",
            "name": name,
            "namespace": namespace,
        },
        "reason": "Synced",
        "message": "the Secret holds the item",
        "type": "Normal",
    }
    yield Call(method="POST", path=f"/api/v1/namespaces/{namespace}/events", body=event)
