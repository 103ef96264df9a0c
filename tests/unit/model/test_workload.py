"""Deployments, reduced to the Secrets that their pods read; and the restart mark."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model import names
from onepassword_operator.model.item import Revision
from onepassword_operator.model.workload import RestartMark, Workload

METADATA = {"namespace": "team", "name": "api", "uid": "w1", "resourceVersion": "9"}


def _deployment(pod: dict[str, Any]) -> Workload:
    return Workload.from_object({"metadata": METADATA, "spec": {"template": {"spec": pod}}})


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
    ],
)
def test_every_way_for_pods_to_read_a_secret_counts(pod: dict[str, Any], secrets: set[str]) -> None:
    assert _deployment(pod).secrets == secrets


@pytest.mark.parametrize(
    "pod",
    [
        {"imagePullSecrets": [{"name": "no"}]},
        {"ephemeralContainers": [_env("no")]},
        {"volumes": [{"csi": {"nodePublishSecretRef": {"name": "no"}}}]},
        {"containers": [{"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "no"}}}]}]},
    ],
)
def test_references_that_the_official_operator_does_not_count_do_not_count(pod: dict[str, Any]) -> None:
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
    ],
)
def test_a_pod_that_lacks_parts_reads_no_secrets(pod: dict[str, Any]) -> None:
    assert _deployment(pod).secrets == set()


@pytest.mark.parametrize(("annotation", "secrets"), [("a", {"a"}), ("", set())])
def test_the_item_name_annotation_of_the_workload_names_a_secret(annotation: str, secrets: set[str]) -> None:
    raw = {"metadata": METADATA | {"annotations": {names.PREFIX + "item-name": annotation}}}
    assert Workload.from_object(raw).secrets == secrets


def test_the_item_name_annotation_of_the_pod_template_does_not() -> None:
    raw = {"metadata": METADATA, "spec": {"template": {"metadata": {"annotations": {names.PREFIX + "item-name": "no"}}}}}
    assert Workload.from_object(raw).secrets == set()


def test_a_deployment_is_read_whole() -> None:
    raw = {
        "metadata": METADATA
        | {"creationTimestamp": "2024-01-01T00:00:00Z", "annotations": {"a": "b"}, "deletionTimestamp": "2024-02-01T00:00:00Z"},
        "spec": {"template": {"metadata": {"annotations": {"c": "d"}}}},
    }
    assert Workload.from_object(raw) == Workload(
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
    assert Workload.from_object(raw) == Workload(
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


IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=26)
MARKS = st.builds(
    RestartMark,
    st.builds(Revision, IDS, IDS, st.integers(0, 10**18 - 1)),
    st.datetimes().map(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")),
)


@given(MARKS)
def test_a_printed_mark_parses_to_itself(mark: RestartMark) -> None:
    assert RestartMark.parse(str(mark)) == mark


@given(st.text() | MARKS.map(lambda mark: str(mark)[1:]))
def test_only_what_a_mark_prints_is_parsed(text: str) -> None:
    parsed = RestartMark.parse(text)
    assert parsed is None or str(parsed) == text


@pytest.mark.parametrize(
    "text", [None, "", "@", "v/i@3", "v/i@3@", "@3@2024-01-01T00:00:00Z", "v/i@x@2024-01-01T00:00:00Z", "v/i@" + "9" * 5000 + "@x"]
)
def test_a_mark_has_a_revision_and_a_time(text: str | None) -> None:
    assert RestartMark.parse(text) is None
