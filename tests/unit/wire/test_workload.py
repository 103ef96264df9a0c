"""Workloads, reduced to the Secrets that they use, as the API server sends them and as kopf hands them over."""

import dataclasses
from typing import Any

import msgspec
import pytest

from onepassword_operator.model import names
from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import KINDS, WorkloadKind
from onepassword_operator.wire import workload as wire
from unit.rules.samples import BARE_WORKLOAD

METADATA = {"namespace": "team", "name": "api", "uid": "w1", "resourceVersion": "9"}


def read(raw: dict[str, Any]) -> Workload:
    """Read the Deployment both ways, which never differ."""
    workload = wire.from_dict(raw)
    assert wire.from_json(msgspec.json.encode(raw)) == workload
    return workload


def _annotated(on_deployment: dict[str, str] | None, on_template: dict[str, str] | None = None) -> Workload:
    return read({"metadata": METADATA | {"annotations": on_deployment}, "spec": {"template": {"metadata": {"annotations": on_template}}}})


@pytest.mark.parametrize(
    ("on_deployment", "on_template", "secrets"),
    [
        ({names.ITEM_NAME: "a"}, None, {"a"}),
        ({names.ITEM_NAME: ""}, None, set()),
        (None, {names.ITEM_NAME: "b"}, {"b"}),
        ({names.ITEM_NAME: "a"}, {names.ITEM_NAME: "b"}, {"a", "b"}),
        ({names.ITEM_NAME: "My Secret"}, {names.ITEM_NAME: "B_"}, {"my-secret", "b"}),
    ],
)
def test_the_secret_that_an_annotation_names_is_used(
    on_deployment: dict[str, str] | None, on_template: dict[str, str] | None, secrets: set[str]
) -> None:
    assert _annotated(on_deployment, on_template).secrets == secrets


def test_a_deployment_is_read_whole_but_for_annotations_of_others() -> None:
    ours, done = {names.AUTO_RESTART: "true"}, {names.RESTARTED_FOR: "{}"}
    told = {"creationTimestamp": "2024-01-01T00:00:00Z", "annotations": ours | {"a": "b"}, "deletionTimestamp": "2024-02-01T00:00:00Z"}
    raw = {"metadata": METADATA | told, "spec": {"template": {"metadata": {"annotations": done | {"c": "d"}}}}}
    assert read(raw) == dataclasses.replace(
        BARE_WORKLOAD, created_at="2024-01-01T00:00:00Z", annotations=ours, template_annotations=done, terminating=True
    )


@pytest.mark.parametrize(
    "raw",
    [
        {"metadata": METADATA},
        {"metadata": METADATA | {"annotations": None, "creationTimestamp": None}, "spec": {"template": None}},
        {"metadata": METADATA, "spec": {"template": {"metadata": None, "spec": None}}},
        {"metadata": METADATA, "spec": {"template": {"metadata": {"annotations": None}}}},
    ],
)
def test_what_a_deployment_lacks_is_empty(raw: dict[str, Any]) -> None:
    assert read(raw) == BARE_WORKLOAD


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_secrets_in_the_pod_template_of_each_kind_are_used(kind: WorkloadKind) -> None:
    within: dict[str, Any] = {"spec": {"imagePullSecrets": [{"name": "pull"}]}, "metadata": {"annotations": {names.ITEM_NAME: "db"}}}
    for member in reversed(kind.template):
        within = {member: within}
    raw = {"metadata": METADATA | {"annotations": {names.USES_SECRETS: " a, b,,pull"}, "finalizers": [names.OFFICIAL_FINALIZER]}} | within
    workload = wire.from_dict(raw, kind)
    assert wire.from_json(msgspec.json.encode(raw), kind) == workload
    assert (workload.kind, set(workload.secrets)) == (kind, {"pull", "db", "a", "b"})
    assert workload.has_legacy_finalizer == (kind.kind == "Deployment")


@pytest.mark.parametrize(
    ("owners", "controller"),
    [
        (None, ""),
        ([{"kind": "CronJob", "name": "nightly"}], ""),
        ([{"kind": "A", "name": "b"}, {"kind": "CronJob", "name": "nightly", "controller": True}], 'CronJob "nightly"'),
        (["odd", {"controller": True}], ' ""'),
    ],
)
def test_the_controller_is_known_and_what_it_owns_gets_no_advice(owners: object, controller: str) -> None:
    annotations = {names.ITEM_PATH: "vaults/v/items/i"}
    raw = {"metadata": METADATA | {"ownerReferences": owners, "annotations": annotations}}
    workload = wire.from_dict(raw, KINDS["Job"])
    assert (workload.controller, bool(workload.advice)) == (controller, not controller)


@pytest.mark.parametrize(
    ("spec", "left"),
    [
        ({}, ""),
        ({"paused": False, "updateStrategy": {"type": "RollingUpdate"}}, ""),
        ({"paused": True}, "paused"),
        ({"updateStrategy": {"type": "OnDelete"}}, "delete its pods"),
        ({"paused": "yes", "updateStrategy": "OnDelete"}, ""),
    ],
)
def test_what_a_restart_leaves_to_people_is_known(spec: dict[str, Any], left: str) -> None:
    found = read({"metadata": METADATA, "spec": spec}).left_to_do
    assert left in found
    assert bool(left) == bool(found)


@pytest.mark.parametrize(
    ("reference", "name"),
    [({"kind": "Deployment", "name": "web"}, "web"), ({"kind": "PodTemplate", "name": "web"}, ""), ("odd", ""), (None, "")],
)
def test_a_rollout_may_run_the_template_of_a_deployment(reference: object, name: str) -> None:
    assert wire.from_dict({"metadata": METADATA, "spec": {"workloadRef": reference}}, KINDS["Rollout"]).template_of == name


def test_a_deployment_that_asks_has_a_claim_as_of_the_same_read() -> None:
    raw = {"metadata": METADATA | {"annotations": {names.ITEM_NAME: "db"}, "finalizers": ["theirs", names.ORPHAN_FINALIZER]}}
    workload = read(raw)
    assert len(workload.claims) == 1
    assert (workload.claims[0].uid, workload.claims[0].resource_version) == (workload.uid, workload.resource_version) == ("w1", 9)
    assert workload.claims[0].finalizers == workload.finalizers == (names.ORPHAN_FINALIZER,)
