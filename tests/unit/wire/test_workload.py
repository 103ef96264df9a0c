"""Workloads, reduced to the Secrets that they use, as the API server sends them and as kopf hands them over."""

import dataclasses
from typing import Any

import msgspec
import pytest

from onepassword_operator.model import names
from onepassword_operator.model.workload import Workload
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


def test_a_deployment_that_asks_has_a_claim_as_of_the_same_read() -> None:
    raw = {"metadata": METADATA | {"annotations": {names.ITEM_NAME: "db"}, "finalizers": ["theirs", names.ORPHAN_FINALIZER]}}
    workload = read(raw)
    assert workload.claim
    assert (workload.claim.uid, workload.claim.resource_version) == (workload.uid, workload.resource_version) == ("w1", 9)
    assert workload.claim.finalizers == workload.finalizers == (names.ORPHAN_FINALIZER,)
