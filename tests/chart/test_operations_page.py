"""docs/operations.md, followed on a real API server: the policy for tenants, and the way from kubectl to Helm."""

from __future__ import annotations

import re
import textwrap

import pytest
import yaml

from chart.fixtures import Cluster
from harness.paths import REPOSITORY
from harness.waiting import eventually

pytestmark = pytest.mark.cluster

PAGE = (REPOSITORY / "docs" / "operations.md").read_text()
CONTAINER = {"name": "c", "image": "app"}


def item(path: str) -> dict[str, object]:
    return {"apiVersion": "onepassword.com/v1", "kind": "OnePasswordItem", "metadata": {"name": "a"}, "spec": {"itemPath": path}}


def shaped(*paths: str) -> dict[str, object]:
    return item("") | {"spec": {"items": [{"itemPath": path} for path in paths]}}


def referring(vault: str, *, own: str, by: str) -> dict[str, object]:
    """Asks for an item of a vault by a secret reference, in one of the places that may have one."""
    reference = f"op://{vault}/x/password"
    registry = {"server": "r", "username": "me", "password": f"$({reference})"}
    entry = {"ref": reference, "value": f"a$(b)$({reference})", "dockerConfig": {"registries": [registry]}}[by]
    return item("") | {"spec": {"items": [{"itemPath": f"op://{own}/x"}], "data": [{"key": "k", by: entry}]}}


def deployment(on_itself: str = "", on_template: str = "") -> dict[str, object]:
    own, inner = ({"annotations": {"operator.1password.io/item-path": path} if path else {}} for path in (on_itself, on_template))
    template = {"metadata": {"labels": {"app": "a"}, **inner}, "spec": {"containers": [CONTAINER]}}
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", **own}, "spec": spec}


def asking(kind: str, *paths: str, on_template: str = "") -> dict[str, object]:
    """A workload that asks for several Secrets by one annotation, and for one on its pod template."""
    lines = "\n".join(f"n{number} = {path}" for number, path in enumerate(paths))
    inner = {"annotations": {"operator.1password.io/item-path": on_template}} if on_template else {}
    restart = {"restartPolicy": "Never"} if kind in {"CronJob", "Job"} else {}
    spec: dict[str, object] = {"template": {"metadata": {"labels": {"app": "a"}, **inner}, "spec": {"containers": [CONTAINER], **restart}}}
    if kind == "CronJob":
        spec = {"schedule": "* * * * *", "jobTemplate": {"spec": spec}}
    elif kind != "Job":
        spec |= {"selector": {"matchLabels": {"app": "a"}}}
    metadata = {"name": "a", "annotations": {"onepassword-operator.io/items": lines}}
    group = "batch/v1" if kind in {"CronJob", "Job"} else "apps/v1"
    return {"apiVersion": group, "kind": kind, "metadata": metadata, "spec": spec}


def test_the_policy_lets_a_namespace_name_the_vault_of_its_name_only(cluster: Cluster) -> None:
    cluster.kubectl("apply", "-f", str(REPOSITORY / "crds"))
    namespace = cluster.namespace("tenant")
    policy = textwrap.dedent(PAGE[PAGE.index("       apiVersion: admissionreg") : PAGE.index("3. **A release for each tenant")])

    def takes(made: dict[str, object]) -> bool:
        done = cluster.kubectl("-n", namespace, "apply", "--dry-run=server", "-f", "-", given=yaml.safe_dump(made), check=False)
        assert done.returncode == 0 or "the vault that is called like the namespace" in done.stderr
        return done.returncode == 0

    own, foreign = f"vaults/{namespace}/items/x", "vaults/other/items/x"
    try:
        cluster.kubectl("apply", "-f", "-", given=policy)
        eventually(lambda: takes(item(foreign)), lambda taken: not taken, timeout=30)
        short, wrong = f"op://{namespace}/x", "op://other/x"
        for made in (item(own), deployment(), deployment(own), deployment(own, own), shaped(own), shaped(own, short)):
            assert takes(made)
        for by in ("ref", "value", "dockerConfig"):
            assert (takes(referring(namespace, own=namespace, by=by)), takes(referring("other", own=namespace, by=by))) == (True, False)
        for kind in ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job"):
            assert takes(asking(kind, own, own, on_template=own))
            for made in (asking(kind, own, foreign), asking(kind, own, on_template=foreign), asking(kind, f"{own}\r\nb={foreign}")):
                assert not takes(made)
        for made in (item(""), deployment(foreign), deployment(own, foreign), shaped(foreign), shaped(own, foreign), shaped(own, wrong)):
            assert not takes(made)
    finally:
        cluster.kubectl("delete", "-f", "-", given=policy)


def test_an_installation_by_kubectl_becomes_a_release_and_keeps_its_token(cluster: Cluster) -> None:
    cluster.kubectl("apply", "-f", str(REPOSITORY / "crds"), "-f", str(REPOSITORY / "deploy"))
    commands = re.findall(r"^    kubectl (.+)$", PAGE[PAGE.index("## From kubectl to Helm") :], re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        cluster.kubectl(*command.split())
    notes = cluster.install("onepassword-operator", "onepassword-operator")
    assert "token            Secret onepassword-token" in notes
    assert "CRD was there before" not in notes
    cluster.uninstall("onepassword-operator", "onepassword-operator")
    cluster.kubectl("delete", "namespace", "onepassword-operator")
