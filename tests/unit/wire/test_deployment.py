"""Deployments, reduced to the Secrets that they use, as the API server sends them and as kopf hands them over."""

from typing import Any

import msgspec
import pytest

from onepassword_operator.model import names
from onepassword_operator.model.workload import Workload
from onepassword_operator.wire import deployment

METADATA = {"namespace": "team", "name": "api", "uid": "w1", "resourceVersion": "9"}


def read(raw: dict[str, Any]) -> Workload:
    """Read the Deployment both ways, which never differ."""
    workload = deployment.from_dict(raw)
    assert deployment.from_json(msgspec.json.encode(raw)) == workload
    return workload


def _deployment(pod: dict[str, Any]) -> Workload:
    return read({"metadata": METADATA, "spec": {"template": {"spec": pod}}})


def _env(name: str | None) -> dict[str, Any]:
    return {"env": [{"name": "A", "value": "plain"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}]}


@pytest.mark.parametrize(
    ("pod", "secrets"),
    [
        ({"containers": [_env("a")]}, {"a"}),
        ({"containers": [{"envFrom": [{"secretRef": {"name": "a"}}, {"configMapRef": {"name": "no"}}]}]}, {"a"}),
        ({"initContainers": [_env("a"), {"envFrom": [{"secretRef": {"name": "b"}}]}]}, {"a", "b"}),
        ({"volumes": [{"secret": {"secretName": "a"}}, {"configMap": {"name": "no"}}, {"emptyDir": {}}]}, {"a"}),
        ({"volumes": [{"projected": {"sources": [{"secret": {"name": "a"}}, {"secret": {"name": "b"}}]}}]}, {"a", "b"}),
        ({"volumes": [{"projected": {"sources": [{"serviceAccountToken": {}}, {"secret": {"name": "b"}}]}}]}, {"b"}),
        (
            {"containers": [_env("a"), _env("b")], "initContainers": [_env("a")], "volumes": [{"secret": {"secretName": "c"}}]},
            {"a", "b", "c"},
        ),
        # What the official operator misses: its restarts leave such pods with the old value.
        ({"imagePullSecrets": [{"name": "a"}, {"name": "b"}]}, {"a", "b"}),
        ({"volumes": [{"csi": {"nodePublishSecretRef": {"name": "a"}}}]}, {"a"}),
        ({"volumes": [{"flexVolume": {"secretRef": {"name": "a"}}}, {"cephfs": {"secretRef": {"name": "b"}}}]}, {"a", "b"}),
        ({"volumes": [{"azureFile": {"secretName": "a", "shareName": "no"}}]}, {"a"}),
        ({"volumes": [{"projected": {"sources": [{"secret": {"name": "a"}}, {"configMap": {"name": "no"}}]}}, {"emptyDir": {}}]}, {"a"}),
    ],
)
def test_every_way_for_pods_to_read_a_secret_counts(pod: dict[str, Any], secrets: set[str]) -> None:
    assert _deployment(pod).secrets == secrets


@pytest.mark.parametrize(
    "pod",
    [
        {"ephemeralContainers": [_env("no")]},
        {"serviceAccountName": "no"},
        {"volumes": [{"csi": {"driver": "no", "volumeAttributes": {"secretProviderClass": "no"}}}]},
        {"volumes": [{"name": "no", "hostPath": {"path": "no"}}, {"persistentVolumeClaim": {"claimName": "no"}}]},
        {"containers": [{"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "no"}}}]}]},
    ],
)
def test_what_names_no_secret_of_the_pod_template_does_not_count(pod: dict[str, Any]) -> None:
    assert _deployment(pod).secrets == set()


@pytest.mark.parametrize(
    "pod",
    [
        {},
        {"containers": None, "initContainers": None, "volumes": None},
        {"containers": [{}], "volumes": [{}]},
        {"containers": [{"env": None, "envFrom": None}], "volumes": [{"secret": None, "projected": None}]},
        {"containers": [{"env": [{"name": "A", "valueFrom": None}], "envFrom": [{"secretRef": None}]}]},
        {"containers": [_env(None)], "volumes": [{"secret": {"secretName": None}}, {"projected": {"sources": None}}]},
        {"containers": [{"envFrom": [{"secretRef": {}}]}], "volumes": [{"projected": {"sources": [{"secret": None}, {"secret": {}}]}}]},
        {"imagePullSecrets": None, "volumes": [{"csi": {"nodePublishSecretRef": None}}, {"rbd": {"secretRef": {}}}]},
        {"imagePullSecrets": [{}, {"name": None}], "volumes": [{"azureFile": {"secretName": None}}]},
    ],
)
def test_a_pod_that_lacks_parts_reads_no_secrets(pod: dict[str, Any]) -> None:
    assert _deployment(pod).secrets == set()


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


def test_a_deployment_is_read_whole() -> None:
    raw = {
        "metadata": METADATA
        | {"creationTimestamp": "2024-01-01T00:00:00Z", "annotations": {"a": "b"}, "deletionTimestamp": "2024-02-01T00:00:00Z"},
        "spec": {"template": {"metadata": {"annotations": {"c": "d"}}}},
    }
    assert read(raw) == Workload(
        namespace="team",
        name="api",
        uid="w1",
        resource_version=9,
        created_at="2024-01-01T00:00:00Z",
        annotations={"a": "b"},
        template_annotations={"c": "d"},
        secrets=frozenset(),
        terminating=True,
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
    assert read(raw) == Workload(
        namespace="team",
        name="api",
        uid="w1",
        resource_version=9,
        created_at="",
        annotations={},
        template_annotations={},
        secrets=frozenset(),
        terminating=False,
    )


def test_a_deployment_that_asks_has_a_claim_as_of_the_same_read() -> None:
    raw = {"metadata": METADATA | {"annotations": {names.ITEM_NAME: "db"}, "finalizers": ["theirs"]}}
    workload = read(raw)
    assert workload.claim
    assert (workload.claim.uid, workload.claim.resource_version) == (workload.uid, workload.resource_version) == ("w1", 9)
    assert workload.claim.finalizers == workload.finalizers == ("theirs",)
