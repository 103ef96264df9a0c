"""Deployments, reduced to the Secrets that they use, and the one that they ask for."""

from typing import Any

import pytest

from onepassword_operator.model import bounds, names
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules.secret import secret_use

METADATA = {"namespace": "team", "name": "api", "uid": "w1", "resourceVersion": "9"}


def _deployment(pod: dict[str, Any]) -> Workload:
    return secret_use.workload({"metadata": METADATA, "spec": {"template": {"spec": pod}}})


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
    return secret_use.workload(
        {"metadata": METADATA | {"annotations": on_deployment}, "spec": {"template": {"metadata": {"annotations": on_template}}}}
    )


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
    assert secret_use.workload(raw) == Workload(
        namespace="team",
        name="api",
        uid="w1",
        resource_version="9",
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
    assert secret_use.workload(raw) == Workload(
        namespace="team",
        name="api",
        uid="w1",
        resource_version="9",
        created_at="",
        annotations={},
        template_annotations={},
        secrets=frozenset(),
        terminating=False,
    )


# What it asks for.

DEMAND = {names.ITEM_PATH: "vaults/a/items/b", names.ITEM_NAME: "db"}


def test_a_deployment_asks_as_it_is_annotated() -> None:
    raw = {
        "metadata": METADATA
        | {
            "creationTimestamp": "2024-01-01T00:00:00Z",
            "generation": 12,
            "labels": {"not": "copied"},
            "annotations": DEMAND | {names.AUTO_RESTART: "false", "note": "x", names.PREFIX + "extra": "y"},
            "deletionTimestamp": "2024-02-01T00:00:00Z",
            "finalizers": ["theirs"],
        }
    }
    assert secret_use.workload(raw).claim == Claim(
        key=SecretKey("team", "db"),
        kind="Deployment",
        name="api",
        uid="w1",
        resource_version="9",
        generation=0,
        created_at="2024-01-01T00:00:00Z",
        item_path="vaults/a/items/b",
        secret_type="Opaque",
        labels={},
        annotations={names.ITEM_NAME: "db", names.PREFIX + "extra": "y"},
        terminating=True,
        conditions=(),
        finalizers=("theirs",),
    )


@pytest.mark.parametrize(
    ("on_deployment", "on_template", "asks"),
    [
        (None, None, None),
        ({"note": "x"}, None, None),
        ({names.ITEM_PATH: "p"}, None, None),
        ({names.ITEM_PATH: "p", names.ITEM_NAME: ""}, None, None),
        ({names.ITEM_PATH: "p", names.ITEM_NAME: "-.-"}, None, None),
        ({names.ITEM_NAME: "s"}, None, ("s", "")),
        ({names.ITEM_PATH: "p", names.ITEM_NAME: "s"}, None, ("s", "p")),
        ({names.ITEM_PATH: "p", names.ITEM_NAME: "My Secret"}, None, ("my-secret", "p")),
        (None, {names.ITEM_PATH: "p", names.ITEM_NAME: "s"}, ("s", "p")),
        # The Deployment's own annotations are looked at first, and the template's only if there are none that count.
        ({names.ITEM_PATH: "p", names.ITEM_NAME: "s"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("s", "p")),
        ({names.ITEM_PATH: "p"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, None),
        ({names.PREFIX + "x": "y"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, None),
        ({names.AUTO_RESTART: "true"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("t", "q")),
        ({names.LAST_RESTARTED: "2024"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("t", "q")),
        ({"note": "x"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("t", "q")),
        ({names.PREFIX + "1": "no letter follows"}, {names.ITEM_PATH: "q", names.ITEM_NAME: "t"}, ("t", "q")),
    ],
)
def test_the_deployments_annotations_count_or_if_there_are_none_those_of_its_pods(
    on_deployment: dict[str, str] | None, on_template: dict[str, str] | None, asks: tuple[str, str] | None
) -> None:
    claim = _annotated(on_deployment, on_template).claim
    assert (claim and (claim.key.name, claim.item_path)) == asks


def test_the_record_of_restarts_is_no_demand() -> None:
    """The official operator takes every annotation under its prefix for one."""
    assert _annotated(None, {names.RESTARTED_FOR: "{}", names.LAST_RESTARTED: "2024"}).claim is None
    assert _annotated({names.RESTARTED_FOR: "{}"}, DEMAND).claim is not None


@pytest.mark.parametrize("annotation", sorted(names.WRITTEN_ON_SECRETS))
def test_what_only_the_operator_writes_on_secrets_is_not_copied_from_a_deployment(annotation: str) -> None:
    claim = _annotated(DEMAND | {annotation: "forged"}).claim
    assert claim is not None
    assert claim.annotations == {names.ITEM_NAME: "db"}


def test_what_a_deployment_asks_for_is_kept_up_to_a_bound() -> None:
    annotations = {names.ITEM_NAME: "db", names.ITEM_PATH: "p" * 5000, names.PREFIX + "note": "n" * bounds.COPIED_CHARACTERS}
    claim = secret_use.workload({"metadata": METADATA | {"annotations": annotations}}).claim
    assert claim
    assert len(claim.item_path) == bounds.ITEM_PATH_CHARACTERS + 1
    assert not claim.annotations
    assert claim.oversized > bounds.COPIED_CHARACTERS
