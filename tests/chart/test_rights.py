"""Rights used and rights granted are the same, in each mode of the chart: nothing is missing, and nothing is there without use.

One scenario with everything the operator does runs under the rendered roles; the API server's audit log says what it asked for.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chart.fixtures import Cluster
from chart.rendering import Object, container, environment, pick, render
from controlplane import access
from harness.proxy.rules import Respond, Rule
from harness.waiting import eventually
from harness.workloads import Workloads, served_rollouts
from harness.world import World, seed
from onepassword_operator.model import names
from onepassword_operator.model.workload_kind import KINDS

pytestmark = pytest.mark.cluster

HOME = "onepassword-operator"
SEED = seed(db="canary-password-1")
FIRST, SECOND = {"password": b"canary-password-1"}, {"password": b"canary-password-2"}
ADDRESSES = ("--health-probe-bind-address", "--metrics-bind-address", "--zap-")

ALONE = {"leaderElection": {"enabled": False}}
MODES: dict[str, dict[str, Any]] = {
    "cluster": ALONE,
    "listed namespaces": ALONE | {"watchNamespace": ["WORK"]},
    "with election": {"watchNamespace": ["WORK"], "extraArgs": [f"--leader-election-namespace={HOME}"]},
    "without watching Secrets": ALONE | {"secretWatch": False},
    "every kind of workload": ALONE | {"watchNamespace": ["WORK"], "workloadKinds": list(KINDS)},
    "no Deployments": ALONE | {"workloadKinds": ["StatefulSet", "Job"]},
}

Right = tuple[str, str, str, str]
"""Namespace (empty: all of them), API group, resource, verb."""


@pytest.fixture
def world(cluster: Cluster, tmp_path: Path) -> Iterator[World]:
    cluster.kubectl("apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}}))
    made = World(plane=cluster.plane, observer=cluster.observer, namespace=cluster.namespace("work"), directory=tmp_path, seed=SEED)
    yield made
    made.close()


@pytest.mark.parametrize("mode", MODES)
def test_rights_used_and_rights_granted_are_the_same(cluster: Cluster, world: World, mode: str) -> None:
    values = {"operator": json.loads(json.dumps(MODES[mode]).replace("WORK", world.namespace))}
    kinds = values["operator"].get("workloadKinds", ["Deployment"])
    cluster.install(HOME, HOME, values)
    deployment = pick(render(values), "Deployment")
    flags = [argument for argument in container(deployment)["args"] if not argument.startswith(ADDRESSES)]
    before = len(audit(cluster))
    world.operator(*flags, WATCH_NAMESPACE=environment(deployment)["WATCH_NAMESPACE"])
    with served_rollouts(world.observer):
        everything_it_does(world, kinds)
    assert world.operators[0].stop() == 0
    lines = audit(cluster)[before:]
    assert [line for line in lines if access.OPERATOR in line and '"authorization.k8s.io/decision":"forbid"' in line] == []
    granted = rights(render(values), world.namespace)
    assert used(lines, {namespace for namespace, *_ in granted}) == granted


def everything_it_does(world: World, kinds: list[str]) -> None:
    """The fixed list: new, taken over from the official operator, rotated, restarted with a conflict, annotated, deleted, refused."""
    for name in ("db", "gone"):
        world.item(name, "vaults/v/items/db", metadata={"finalizers": ["onepassword.com/finalizer.secret"]})
    world.item("typo", "vaults/v/items/bd")
    world.wait_ready("db", "gone")
    world.wait_reason("typo", "ItemNotFound")
    workloads_restart(world, kinds)
    for times in (1, 2):  # the same Event again is a patch of its count
        world.patch_item("db", {"metadata": {"annotations": {"operator.1password.io/refresh": f"{times}"}}})
        eventually(lambda: world.counts("db").get("Refreshed"), lambda count, times=times: count == times)  # type: ignore[misc]
    world.observer.core.delete_namespaced_secret("db", world.namespace)
    world.patch_item("db", {"metadata": {"annotations": {"operator.1password.io/refresh": "now"}}})
    world.wait_data("db", SECOND)


def workloads_restart(world: World, kinds: list[str]) -> None:
    """Of each kind: one that uses a Secret, and one that asks for its own; both restart, after a conflict."""
    workloads = Workloads(world.observer, world.namespace)
    for kind in kinds:
        workloads.apply(kind, "web", "db")
        own = f"of-{kind.lower()}"
        workloads.apply(kind, "annotated", own, annotations={names.ITEM_PATH: "vaults/v/items/db", names.ITEM_NAME: own})
    for kind in kinds:
        world.wait_data(f"of-{kind.lower()}", FIRST)
        world.proxy.add(Rule(Respond(409, "Conflict"), verb="patch", resource=KINDS[kind].plural, times=1))  # read live, decide again
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    for kind in kinds:
        if KINDS[kind].restarts:
            eventually(lambda kind=kind: workloads.restarted_for(kind, "web") and workloads.restarted_for(kind, "annotated"))  # type: ignore[misc]
    world.no_marks()
    world.wait_data("db", SECOND)
    for kind in kinds:
        if not KINDS[kind].restarts:  # those that restart were read after the conflict
            world.delete_secret(f"of-{kind.lower()}")
            world.wait_data(f"of-{kind.lower()}", SECOND)


def audit(cluster: Cluster) -> list[str]:
    return cluster.plane.audit_log.read_text().splitlines()


def used(lines: list[str], namespaces: set[str]) -> set[Right]:
    """What the operator asked for, discovery aside; a request in a namespace counts for all if rights for all are granted."""
    found = set()
    for entry in map(json.loads, lines):
        reference = entry.get("objectRef") or {}
        ours = entry["user"]["username"] == access.OPERATOR and entry.get("userAgent", "").startswith("onepassword-operator")
        if ours and reference.get("resource"):
            resource = reference["resource"] + ("/" + reference["subresource"] if reference.get("subresource") else "")
            # a Namespace object is in the namespace of its own name, for authorization
            namespace = reference.get("namespace") or (reference.get("name", "") if resource == "namespaces" else "")
            found.add((namespace if namespace in namespaces else "", reference.get("apiGroup", ""), resource, entry["verb"]))
    return found


def rights(objects: list[Object], work: str) -> set[Right]:
    """What the bindings grant to the operator; rules of users' roles aside."""
    roles = {(each["kind"], each["metadata"]["name"]): each["rules"] for each in objects if each["kind"] in {"Role", "ClusterRole"}}
    granted = set()
    for binding in (each for each in objects if each["kind"] in {"RoleBinding", "ClusterRoleBinding"}):
        namespace = binding["metadata"].get("namespace", "")
        for rule in roles[binding["roleRef"]["kind"], binding["roleRef"]["name"]]:
            granted |= {
                (HOME if namespace not in {"", work} else namespace, group, resource, verb)
                for group in rule["apiGroups"]
                for resource in rule["resources"]
                for verb in rule["verbs"]
            }
    return granted
