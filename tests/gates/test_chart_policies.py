"""helm lint, kube-score and checkov over the chart as a platform team would install it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from chart.rendering import CHART, INSTALLATIONS, helm, render
from gates.tooling import run

DIGEST = "sha256:" + "0" * 64
HARDENED: dict[str, Any] = {
    "operator": {
        "replicas": 2,
        "imageDigest": DIGEST,
        "imagePullPolicy": "Always",
        "networkPolicy": {"enabled": True},
        "pdb": {"enabled": True},
        "metrics": {"serviceMonitor": {"enabled": True}},
    },
    "connect": {"create": True, "version": f"1.8.2@{DIGEST}", "imagePullPolicy": "Always", "networkPolicy": {"enabled": True}},
}
"""What depends on the user's cluster switched on: registries with digests, NetworkPolicy, several nodes."""

OPERATOR, CONNECT = "release-onepassword-operator", "onepassword-connect"
WAIVERS = {
    (OPERATOR, "CKV_K8S_38"): "an operator talks to the API server with its service account's token",
    (CONNECT, "CKV_K8S_35"): "the Connect server takes its credentials from a variable and from nowhere else",
    (CONNECT, "user id"): "999 is the user that the Connect server's images are made for",
}
"""Findings that stay, three at most."""
SAME = {"CKV_K8S_40": "user id", "container-security-context-user-group-id": "user id"}
"""What the two tools call the same thing."""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chart") / "hardened.yaml"
    path.write_text(yaml.safe_dump_all(render(HARDENED, hooks=False)))
    return path


def findings(manifest: Path) -> set[tuple[str, str]]:
    """(object, check) of both tools; kube-score's warnings aside, which are advice."""
    return kube_score(manifest) | checkov(manifest)


def kube_score(manifest: Path) -> set[tuple[str, str]]:
    scored = json.loads(run("kube-score", "score", str(manifest), "--output-format", "json").stdout)
    assert len(scored) > 5
    return {
        (each["object_meta"]["name"], SAME.get(check["check"]["id"], check["check"]["id"]))
        for each in scored
        for check in each["checks"]
        if not check["skipped"] and check["grade"] == 1
    }


def checkov(manifest: Path) -> set[tuple[str, str]]:
    options = ["--framework", "kubernetes", "--compact", "--skip-download", "--output", "json"]
    results = json.loads(run("checkov", "-f", str(manifest), *options).stdout)["results"]
    assert len(results["passed_checks"]) > 100
    return {(each["resource"].split(".")[2], SAME.get(each["check_id"], each["check_id"])) for each in results["failed_checks"]}


def test_what_the_tools_find_is_waived_with_a_reason_and_every_waiver_is_needed(manifest: Path) -> None:
    assert findings(manifest) == WAIVERS.keys()
    assert len(WAIVERS) <= 3


def test_the_tools_would_find_something(tmp_path: Path) -> None:
    objects = render(HARDENED, hooks=False)
    deployment = next(each for each in objects if each["kind"] == "Deployment" and each["metadata"]["name"] == OPERATOR)
    deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    (tmp_path / "x.yaml").write_text(yaml.safe_dump_all(objects))
    assert (OPERATOR, "CKV_K8S_16") in checkov(tmp_path / "x.yaml")
    assert {check for name, check in kube_score(tmp_path / "x.yaml") if name == OPERATOR} >= {"container-security-context-privileged"}


@pytest.mark.parametrize("name", INSTALLATIONS)
def test_helm_lint_has_nothing_to_say(name: str) -> None:
    done = helm("lint", "--strict", "--quiet", str(CHART), values=INSTALLATIONS[name])
    assert done.returncode == 0, done.stdout + done.stderr
