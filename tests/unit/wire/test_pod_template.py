"""The Secrets that the pods of a template use, as the API server sends it and as kopf hands it over."""

from typing import Any

import msgspec
import pytest

from onepassword_operator.model import bounds
from onepassword_operator.wire.metadata import converted, decoder
from onepassword_operator.wire.pod_template import PodTemplate


def _secrets(pod: dict[str, Any]) -> frozenset[str]:
    """Read the pod template both ways, which never differ."""
    template = converted({"spec": pod}, PodTemplate)
    assert decoder(PodTemplate).decode(msgspec.json.encode({"spec": pod})) == template
    return template.secrets()


def _env(name: str | None) -> dict[str, Any]:
    return {"env": [{"name": "A", "value": "plain"}, {"name": "B", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}]}


@pytest.mark.parametrize(
    ("pod", "secrets"),
    [
        ({"containers": [_env("a"), _env("b")]}, {"a", "b"}),
        ({"containers": [{"envFrom": [{"secretRef": {"name": "a"}}, {"configMapRef": {"name": "no"}}]}]}, {"a"}),
        ({"initContainers": [_env("a"), {"envFrom": [{"secretRef": {"name": "b"}}]}]}, {"a", "b"}),
        ({"volumes": [{"secret": {"secretName": "a"}}, {"configMap": {"name": "no"}}, {"emptyDir": {}}]}, {"a"}),
        ({"volumes": [{"projected": {"sources": [{"secret": {"name": "a"}}, {"secret": {"name": "b"}}]}}]}, {"a", "b"}),
        ({"containers": [_env("a")], "initContainers": [_env("a")], "volumes": [{"secret": {"secretName": "c"}}]}, {"a", "c"}),
        # What the official operator misses: its restarts leave such pods with the old value.
        ({"imagePullSecrets": [{"name": "a"}, {"name": "b"}]}, {"a", "b"}),
        ({"volumes": [{"csi": {"nodePublishSecretRef": {"name": "a"}}}]}, {"a"}),
        ({"volumes": [{"flexVolume": {"secretRef": {"name": "a"}}}, {"cephfs": {"secretRef": {"name": "b"}}}]}, {"a", "b"}),
        ({"volumes": [{"azureFile": {"secretName": "a", "shareName": "no"}}]}, {"a"}),
        (
            {
                "volumes": [
                    {"projected": {"sources": [{"serviceAccountToken": {}}, {"secret": {"name": "a"}}, {"configMap": {"name": "no"}}]}},
                    {"emptyDir": {}},
                ]
            },
            {"a"},
        ),
    ],
)
def test_every_way_for_pods_to_read_a_secret_counts(pod: dict[str, Any], secrets: set[str]) -> None:
    assert _secrets(pod) == secrets


@pytest.mark.parametrize(
    "pod",
    [
        {"ephemeralContainers": [_env("no")]},
        {"serviceAccountName": "no"},
        {"volumes": [{"csi": {"driver": "no", "volumeAttributes": {"secretProviderClass": "no"}}}]},
        {"volumes": [{"name": "no", "hostPath": {"path": "no"}}, {"persistentVolumeClaim": {"claimName": "no"}}]},
        {"containers": [{"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "no"}}}]}]},
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
def test_what_names_no_secret_of_the_pod_template_or_lacks_parts_does_not_count(pod: dict[str, Any]) -> None:
    assert _secrets(pod) == set()


def test_of_too_many_the_first_ones_are_kept_and_one_more_that_shows_it() -> None:
    sources = [{"secret": {"name": f"s{number}"}} for number in range(50_000)]
    found = _secrets({"volumes": [{"projected": {"sources": sources}}]})
    assert found == {f"s{number}" for number in range(bounds.SECRETS_OF_A_WORKLOAD + 1)}
