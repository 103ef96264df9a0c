"""Renders crds/ and deploy/ from the chart, for those who install with kubectl alone.

What only Helm has a use for is taken out. `--check` writes nothing and fails if a file is stale.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
CHART = ROOT / "charts" / "onepassword-operator"
NAME = NAMESPACE = "onepassword-operator"
HEADER = "# Written by `make manifests` from charts/onepassword-operator.\n"
HELMS = (
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
    "helm.sh/resource-policy",
    "app.kubernetes.io/instance",
)
PLACEHOLDER = "put-the-connect-token-here"
FILES = {
    "crds/onepassworditems.yaml": ("CustomResourceDefinition",),
    "deploy/rbac.yaml": (
        "Namespace",
        "ServiceAccount",
        "ClusterRole",
        "ClusterRoleBinding",
        "Role",
        "RoleBinding",
    ),
    "deploy/token.yaml": ("Secret",),
    "deploy/workload.yaml": ("Deployment", "Service"),
}
COMMENTS = {
    "crds/onepassworditems.yaml": (
        "# The official operator's resource, with its names, schema and columns; "
        "what is ours is optional.\n"
    ),
    "deploy/rbac.yaml": (
        "# What the operator asks of the API server, cluster-wide. "
        "A test compares it with the audit log, both ways.\n"
    ),
    "deploy/token.yaml": (
        "# Put in your Connect token before you apply it; or leave this file out and make the "
        "Secret by kubectl.\n"
    ),
    "deploy/workload.yaml": (
        "# Put in OP_CONNECT_HOST, the URL of your Connect server, "
        "and your image before you apply it.\n"
    ),
}


def helm() -> str:
    """The helm of `make tools`."""
    return str(Path(os.environ.get("KUBEBUILDER_ASSETS") or ROOT / ".tools" / "bin") / "helm")


def render(*values: str) -> list[dict[str, Any]]:
    """The chart's objects with these values, in Helm's order, without its tests."""
    command = [helm(), "template", NAME, str(CHART), "--namespace", NAMESPACE, "--skip-tests"]
    done = subprocess.run(
        [*command, *(part for value in values for part in ("--set", value))],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"manifests: {done.stderr}")
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def plain(node: object) -> Any:  # noqa: ANN401  YAML in, YAML out
    """Return the object without the labels that speak of Helm.

    Selectors lose the release's name, as the labels that they select do.
    """
    if isinstance(node, dict):
        kept = {key: plain(value) for key, value in node.items() if key not in HELMS}
        return {
            key: value
            for key, value in kept.items()
            if not (key in {"annotations", "labels"} and value == {})
        }
    return [plain(value) for value in node] if isinstance(node, list) else node


def manifests() -> dict[str, str]:
    """The files' content by path."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}
    ]
    objects += [plain(found) for found in render(f"operator.token.value={PLACEHOLDER}")]
    left = {found["kind"] for found in objects} - {
        kind for kinds in FILES.values() for kind in kinds
    }
    if left:
        sys.exit(
            f"manifests: no file for {', '.join(sorted(left))}; add it to FILES in "
            "release/manifests.py"
        )
    return {
        path: HEADER
        + COMMENTS[path]
        + "---\n".join(
            yaml.safe_dump(found, sort_keys=False, width=140)
            for kind in kinds
            for found in objects
            if found["kind"] == kind
        )
        for path, kinds in FILES.items()
    }


def main() -> int:
    """Write the files, or say which are stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    wanted = manifests()
    there = {
        str(path.relative_to(ROOT))
        for folder in ("crds", "deploy")
        for path in (ROOT / folder).glob("*.yaml")
    }
    stale = [
        path
        for path, text in wanted.items()
        if not (ROOT / path).exists() or (ROOT / path).read_text() != text
    ]
    stale += sorted(there - wanted.keys())
    if check:
        return (
            0
            if not stale
            else sys.exit(
                f"manifests: stale: {', '.join(stale)}; run `make manifests` and commit what it "
                "writes"
            )
        )
    for path, text in wanted.items():
        (ROOT / path).write_text(text)
    for path in there - wanted.keys():
        (ROOT / path).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
