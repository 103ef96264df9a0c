"""What tools of GitOps send when they apply a manifest again, with their field managers: which of it takes a restart back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World, seed
from onepassword_operator.model import names

pytestmark = pytest.mark.cluster

Apply = Callable[[World, dict[str, Any]], object]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def manifest(name: str, annotations: object = ...) -> dict[str, Any]:
    """A Deployment as it is in Git; `annotations` of the pod template as rendered, if at all."""
    container = {"name": "c", "image": "app", "envFrom": [{"secretRef": {"name": "db"}}]}
    metadata: dict[str, Any] = {"labels": {"app": name}} | ({} if annotations is ... else {"annotations": annotations})
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": metadata, "spec": {"containers": [container]}},
    }
    own = {names.AUTO_RESTART: "true"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "annotations": own}, "spec": spec}


def server_side(manager: str) -> Apply:
    """Server-side apply, as Flux always does it, and Argo CD with ServerSideApply=true."""

    def apply(world: World, body: dict[str, Any]) -> object:
        return world.observer.apps.patch_namespaced_deployment(
            body["metadata"]["name"], world.namespace, body, field_manager=manager, force=True, _content_type="application/apply-patch+yaml"
        )

    return apply


def client_side(world: World, body: dict[str, Any]) -> object:
    """kubectl's apply with its own record, as Argo CD does it by default: a merge of three, of which ours is the live one."""
    text = json.dumps(body)
    merged = body | {"metadata": body["metadata"] | {"annotations": body["metadata"]["annotations"] | {LAST_APPLIED: text}}}
    name, apps = body["metadata"]["name"], world.observer.apps
    if name not in [found.metadata.name for found in apps.list_namespaced_deployment(world.namespace).items]:
        return apps.create_namespaced_deployment(world.namespace, merged)
    return apps.patch_namespaced_deployment(name, world.namespace, merged, _content_type="application/strategic-merge-patch+json")


def replace(world: World, body: dict[str, Any]) -> object:
    """Argo CD with Replace=true."""
    name, apps = body["metadata"]["name"], world.observer.apps
    if name not in [found.metadata.name for found in apps.list_namespaced_deployment(world.namespace).items]:
        return apps.create_namespaced_deployment(world.namespace, body)
    return apps.replace_namespaced_deployment(name, world.namespace, body)


WAYS: dict[str, tuple[Apply, object, bool]] = {
    "flux": (server_side("kustomize-controller"), ..., True),
    "flux-empty-map": (server_side("kustomize-controller"), {}, True),
    "argo-server-side": (server_side("argocd-controller"), ..., True),
    "argo-server-side-empty-map": (server_side("argocd-controller"), {}, True),
    "argo-server-side-other-annotation": (server_side("argocd-controller"), {"team": "shop"}, True),
    "argo": (client_side, ..., True),
    "argo-empty-map": (client_side, {}, True),
    "argo-null": (client_side, None, False),
    "argo-replace": (replace, ..., False),
}
"""How a manifest is applied, how the pod template's annotations are rendered, and whether a restart survives it."""


def test_a_restart_survives_what_gitops_tools_send_but_for_a_null_and_a_replacement(make_world: MakeWorld) -> None:
    world = make_world(seed(db="canary-password-1")).begin("db")
    for name, (apply, annotations, _) in WAYS.items():
        apply(world, manifest(name, annotations))
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    for name in WAYS:
        world.rollouts(name, 2)
    world.no_marks()
    for name, (apply, annotations, _) in WAYS.items():
        apply(world, manifest(name, annotations))
    kept = {name: "restarted-for" in world.restarted_for(name) for name in WAYS}
    assert kept == {name: survives for name, (_, _, survives) in WAYS.items()}
    eventually(
        lambda: {name: world.replica_sets(name) for name in WAYS},
        lambda seen: set(seen.values()) == {2},
        what="no further ReplicaSet: the replaced template is the first one again, and nothing is due without a mark",
    )
