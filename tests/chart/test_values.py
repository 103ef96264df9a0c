"""What a value may be, that each has an effect, and that the files made of values.yaml are up to date."""

import functools
import json
import re
from typing import Any

import pytest

from chart.rendering import CHART, EVERYTHING, merged, nested, refusal, render, template
from release import chart_values

KEYS = chart_values.read()
LEAVES = [key for key in KEYS if not key.is_section]
WRONG = {"boolean": "abc", "integer": "abc", "string": ["abc"], "array": "abc", "object": "abc"}

BASE = merged(EVERYTHING, nested("operator.networkPolicy.connect.to", [{"podSelector": {}}]))
OTHERWISE: dict[str, tuple[dict[str, Any], Any]] = {
    # values whose effect needs another value to be set, or that take few values: (the others, this one)
    "nameOverride": ({}, "other"),
    "operator.metrics.enabled": ({"operator": {"metrics": {"serviceMonitor": {"enabled": False}}}}, False),
    "operator.imageDigest": ({}, "sha256:" + "0" * 64),
    "operator.imagePullPolicy": ({}, "Always"),
    "operator.leaderElection.enabled": ({"operator": {"replicas": 1}}, False),
    "operator.connectHost": ({}, "https://connect.example.com"),
    "operator.logLevel": ({}, "debug"),
    "operator.logEncoder": ({}, "json"),
    "operator.restartOn": ({}, "content"),
    "operator.restartWindow": ({}, "02:00-05:00 Europe/Berlin"),
    "operator.workloadKinds": ({}, ["StatefulSet", "CronJob"]),
    "operator.tls.trust.configMap": ({"operator": {"tls": {"trust": {"secret": ""}}}}, "authorities"),
    "operator.customEnvVars": ({}, [{"name": "A", "value": "b"}]),
    "operator.envFrom": ({}, [{"secretRef": {"name": "x"}}]),
    "operator.clusterRoleBinding.create": ({"operator": {"watchNamespace": []}}, False),
    "operator.clusterRoleBinding.name": ({"operator": {"watchNamespace": []}}, "other"),
    "operator.pdb.maxUnavailable": ({}, 2),
    "operator.metrics.port": ({}, 9090),
    "operator.networkPolicy.apiServer.ports": ({}, [443]),
    "operator.networkPolicy.connect.ports": ({}, [9090]),
    "operator.networkPolicy.dns.ports": ({}, [5353]),
    "connect.imagePullPolicy": ({}, "Always"),
    "connect.serviceType": ({}, "NodePort"),
    "connect.dataVolume.type": ({"connect": {"dataVolume": {"values": {"claimName": "data"}}}}, "persistentVolumeClaim"),
    "connect.dataVolume.values": ({}, {"medium": "Memory"}),
    "connect.api.httpPort": ({"connect": {"tls": {"enabled": False}}}, 9090),
    "connect.host": ({}, "elsewhere"),
    "connect.customEnvVars": ({}, [{"name": "A", "value": "b"}]),
}
CLOSED = {"enabled": True, "apiServer": {"cidrs": ["10.0.0.1/32"]}}
"""A network policy that lets the operator reach addresses only where they are named."""

MEANS_NOTHING = {"global": "belongs to parent charts", "operator.authMethod": "takes one value so far"}
"""Values without an effect, and why."""


@functools.cache
def rendered(values: str) -> str:
    done = template(json.loads(values))
    assert done.returncode == 0, done.stderr
    return done.stdout


def other(key: chart_values.Key) -> Any:
    """A value that the key may have and does not have in `BASE`."""
    current: Any = BASE
    for part in key.path:
        current = current.get(part) if isinstance(current, dict) else None
    current = key.default if current is None else current
    match current:
        case bool():
            return not current
        case int():
            return current + 1
        case list():
            return ["other-b"] if key.schema.get("items", {}).get("type") == "string" else [{"key": "other", "name": "other-b"}]
        case dict():
            return {**current, "other": "b"}
    return "other"


def test_the_schema_and_the_page_are_made_of_the_values() -> None:
    assert (CHART / "values.schema.json").read_text() == json.dumps(chart_values.schema(KEYS), indent=2) + "\n", "run `make manifests`"
    assert (CHART / "README.md").read_text() == chart_values.page(KEYS), "run `make manifests`"


def test_every_key_has_a_comment() -> None:
    assert [key.path for key in LEAVES if not key.text.endswith(".")] == []


@pytest.mark.parametrize("key", [key for key in LEAVES if ".".join(key.path) not in MEANS_NOTHING], ids=lambda key: ".".join(key.path))
def test_no_value_is_dead(key: chart_values.Key) -> None:
    name = ".".join(key.path)
    others, value = OTHERWISE.get(name, ({}, None))
    base = merged(BASE, others)
    changed = merged(base, nested(key.path, other(key) if value is None else value))
    assert rendered(json.dumps(changed)) != rendered(json.dumps(base)), f"{name} changes nothing"


def test_a_value_of_the_wrong_type_is_refused_and_named() -> None:
    values: dict[str, Any] = {}
    for key in LEAVES:
        kind = key.schema.get("type") or chart_values.TYPES[type(key.default)]
        wrong = {"no": "such"} if isinstance(kind, list) or "enum" in key.schema else WRONG[kind]
        values = merged(values, nested(key.path, wrong))
    said = refusal(values)
    assert [".".join(key.path) for key in LEAVES if f"'/{'/'.join(key.path)}" not in said] == []


def test_a_key_that_does_not_exist_is_refused_and_named_wherever_it_stands() -> None:
    sections = [(), *(key.path for key in KEYS if key.is_section)]
    values: dict[str, Any] = {}
    for number, path in enumerate(sections):
        values = merged(values, nested((*path, f"unknown{number}"), value=True))
    said = refusal(values)
    assert [path for number, path in enumerate(sections) if f"'unknown{number}' not allowed" not in said] == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"operator": {"replicas": 2, "leaderElection": {"enabled": False}}}, r"operator\.replicas: more than one needs"),
        ({"operator": {"tls": {"trust": {"secret": "a", "configMap": "b"}}}}, r"operator\.tls\.trust: set secret or configMap"),
        ({"operator": {"metrics": {"enabled": False, "serviceMonitor": {"enabled": True}}}}, r"operator\.metrics\.serviceMonitor\.enabled"),
        ({"operator": {"create": False}, "crds": {"create": False}}, r"nothing to install"),
        ({"operator": {"metrics": {"port": 8081}}}, r"operator\.metrics\.port and operator\.probes\.port"),
        ({"operator": {"watchNamespace": ["team-a,team-b"]}}, r"operator\.watchNamespace: .*list them one by one"),
        ({"operator": {"watchNamespace": ["{{ .Values.global.none }}"]}}, r"operator\.watchNamespace: .* gives \"\""),
        ({"operator": {"pdb": {"enabled": True, "minAvailable": 1}}}, r"operator\.pdb\.minAvailable: 1 of 1 pods"),
        ({"operator": {"replicas": 2, "pdb": {"enabled": True, "minAvailable": "100%"}}}, r"operator\.pdb\.minAvailable"),
        ({"operator": {"pdb": {"enabled": True, "maxUnavailable": 0}}}, r"operator\.pdb\.maxUnavailable"),
        (nested("operator", {"connectHost": "https://c.example.com", "networkPolicy": CLOSED}), r"networkPolicy\.connect\.to"),
        (nested("operator", {"connectHost": "https://[fd00::1]", "networkPolicy": CLOSED}), r"networkPolicy\.connect\.to"),
        (
            nested("operator", {"connectHost": "https://c.example.com:8443", "networkPolicy": {"enabled": True}}),
            r"networkPolicy\.connect\.to",
        ),
    ],
)
def test_values_that_contradict_each_other_are_refused_with_the_remedy(values: dict[str, Any], said: str) -> None:
    assert re.search(said, refusal(values))


@pytest.mark.parametrize(
    "operator",
    [
        {"connectHost": "http://connect:8080", "networkPolicy": CLOSED},
        {"connectHost": "http://connect.other:8080", "networkPolicy": CLOSED},
        {"connectHost": "https://connect.other.svc.cluster.local", "networkPolicy": CLOSED},
        {"connectHost": "https://c.example.com", "networkPolicy": {"enabled": True}},
        {"connectHost": "https://c.example.com", "networkPolicy": CLOSED | {"connect": {"to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}]}}},
        {"connectHost": "https://c.example.com", "networkPolicy": CLOSED | {"extraEgress": [{"ports": [{"port": 3128}]}]}},
        {"replicas": 2, "pdb": {"enabled": True, "minAvailable": 1}},
        {"replicas": 0, "pdb": {"enabled": True, "minAvailable": 1}},
        {"metrics": {"enabled": False, "port": 8081}},
    ],
)
def test_values_that_only_look_like_a_contradiction_are_taken(operator: dict[str, Any]) -> None:
    done = template({"operator": operator})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"operator": {"pollingInterval": 0}},
        {"operator": {"authMethod": "service-account"}},
        {"operator": {"logLevel": ""}},
        {"operator": {"networkPolicy": {"apiServer": {"ports": []}}}},
        {"operator": {"networkPolicy": {"dns": {"ports": []}}}},
        {"operator": {"pdb": {"maxUnavailable": "some"}}},
    ],
)
def test_values_out_of_range_are_refused(values: dict[str, Any]) -> None:
    assert "/operator/" in refusal(values)


def test_values_files_of_the_official_chart_work_as_far_as_they_mean_the_same() -> None:
    """Its keys with other than its defaults; what is left out is listed in docs/install.md."""
    official = {
        "connect": {"create": False, "host": "onepassword-connect", "applicationName": "onepassword-connect", "version": "1.8.1"},
        "operator": {
            "create": True,
            "authMethod": "connect",
            "replicas": 1,
            "autoRestart": True,
            "applicationName": "onepassword-connect-operator",
            "imageRepository": "example.com/operator",
            "version": "1.0.0",
            "imagePullPolicy": "Always",
            "imagePullSecrets": ["x"],
            "pollingInterval": 600,
            "nodeSelector": {"a": "b"},
            "affinity": {},
            "tolerations": [],
            "priorityClassName": "high",
            "pdb": {"enabled": True, "annotations": {}, "maxUnavailable": 1, "minAvailable": 0},
            "annotations": {"a": "b"},
            "labels": {"a": "b"},
            "podAnnotations": {"a": "b"},
            "podLabels": {"a": "b"},
            "watchNamespace": ["{{ .Release.Namespace }}"],
            "resources": {},
            "token": {"name": "t", "key": "k", "value": None},
            "probes": {"port": 9000, "liveness": {"create": True, "failureThreshold": 5}, "readiness": {"create": False}},
            "serviceAccount": {"create": True, "annotations": {}, "name": "n"},
            "roleBinding": {"create": True, "name": "n"},
            "clusterRole": {"create": True, "name": "n"},
            "clusterRoleBinding": {"create": True, "name": "n"},
            "logLevel": "debug",
            "enableAnnotations": True,
            "allowEmptyValues": True,
            "customEnvVars": [{"name": "A", "value": "b"}],
            "tls": {"trust": {"secret": "authorities"}},
            "podSecurityContext": {"runAsUser": 1},
            "securityContext": {"privileged": False},
        },
    }
    assert template(official).returncode == 0, template(official).stderr


def test_values_that_an_earlier_chart_did_not_have_may_be_absent() -> None:
    """As after `helm upgrade --reuse-values`."""
    assert render({"operator": {"workloadKinds": None, "restartWindow": None}}) == render()
