"""What tools of GitOps send when they apply a manifest again, with their field managers: which of it takes a restart back."""

import json
from pathlib import Path
from typing import Any

import pytest

from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import seed
from onepassword_operator.model import names

pytestmark = pytest.mark.cluster


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


SERVER_SIDE = ("apply", "--server-side", "--force-conflicts")
FLUX, ARGO = (*SERVER_SIDE, "--field-manager=kustomize-controller"), (*SERVER_SIDE, "--field-manager=argocd-controller")
WAYS: dict[str, tuple[tuple[str, ...], object, bool]] = {
    "flux": (FLUX, ..., True),
    "flux-empty-map": (FLUX, {}, True),
    "argo-server-side": (ARGO, ..., True),
    "argo-server-side-empty-map": (ARGO, {}, True),
    "argo-server-side-other-annotation": (ARGO, {"team": "shop"}, True),
    "argo": (("apply",), ..., True),
    "argo-empty-map": (("apply",), {}, True),
    "argo-null": (("apply",), None, False),
    "argo-replace": (("replace",), ..., False),
}
"""How a manifest is applied, how the pod template's annotations are rendered, and whether a restart survives it.

Flux applies server-side with its own field manager. Argo CD runs kubectl's apply, with options server-side or replace.
"""


def test_a_restart_survives_what_gitops_tools_send_but_for_a_null_and_a_replacement(
    make_world: MakeWorld, installed: ControlPlane, tmp_path: Path
) -> None:
    world = make_world(seed(db="canary-password-1")).begin("db")

    def apply(name: str, command: tuple[str, ...], annotations: object) -> None:
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(manifest(name, annotations)))
        installed.kubectl("-n", world.namespace, "--validate=false", *command, "-f", str(file))

    for name, (command, annotations, _) in WAYS.items():
        apply(name, ("create",) if command == ("replace",) else command, annotations)
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    for name in WAYS:
        world.rollouts(name, 2)
    world.no_marks()
    for name, (command, annotations, _) in WAYS.items():
        apply(name, command, annotations)
    kept = {name: "restarted-for" in world.restarted_for(name) for name in WAYS}
    assert kept == {name: survives for name, (_, _, survives) in WAYS.items()}
    # The replaced template is the first one again, and nothing is due without a mark.
    eventually(lambda: {world.replica_sets(name) for name in WAYS}, lambda seen: seen == {2}, what="no further ReplicaSet")
