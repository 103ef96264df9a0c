"""`helm template` over the chart, with values as a user gives them."""

import json
import subprocess
from collections.abc import Mapping
from typing import Any

import yaml

from harness.paths import PROGRAMS, REPOSITORY

CHART = REPOSITORY / "charts" / "onepassword-operator"
RELEASE, NAMESPACE = "release", "release-namespace"

Object = dict[str, Any]


def helm(*arguments: str, values: Mapping[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """helm of `make tools`, with values from standard input."""
    command = [str(PROGRAMS / "helm"), *arguments, "--values", "-"]
    return subprocess.run(command, input=json.dumps(values or {}), capture_output=True, text=True, check=False)


def template(values: Mapping[str, Any] | None = None, *, hooks: bool = True) -> subprocess.CompletedProcess[str]:
    options = ["--namespace", NAMESPACE, *([] if hooks else ["--skip-tests"])]
    return helm("template", RELEASE, str(CHART), *options, values=values)


def render(values: Mapping[str, Any] | None = None, *, hooks: bool = True) -> list[Object]:
    done = template(values, hooks=hooks)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def refusal(values: Mapping[str, Any]) -> str:
    done = template(values)
    assert done.returncode != 0, "helm took the values"
    return done.stderr


def nested(path: tuple[str, ...] | str, value: Any) -> dict[str, Any]:
    """The values with this one, by its path (dots between the keys)."""
    parts = path.split(".") if isinstance(path, str) else list(path)
    for part in reversed(parts):
        value = {part: value}
    assert isinstance(value, dict)
    return value


def merged(*values: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for given in values:
        for key, value in given.items():
            there = result.get(key)
            result[key] = merged(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return result


def pick(objects: list[Object], kind: str, name: str | None = None) -> Object:
    found = [each for each in objects if each["kind"] == kind and name in {None, each["metadata"]["name"]}]
    assert len(found) == 1, f"{len(found)} objects {kind} {name or ''}: {[each['metadata']['name'] for each in found]}"
    return found[0]


def kinds(objects: list[Object]) -> list[str]:
    return sorted(each["kind"] for each in objects)


def pod(deployment: Object) -> Object:
    spec: Object = deployment["spec"]["template"]["spec"]
    return spec


def container(deployment: Object) -> Object:
    first: Object = pod(deployment)["containers"][0]
    return first


def environment(deployment: Object) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container(deployment).get("env", [])}


EVERYTHING: dict[str, Any] = {
    "operator": {
        "replicas": 3,
        "watchNamespace": ["team-a", "{{ .Release.Namespace }}"],
        "token": {"value": "canary-token"},
        "tls": {"trust": {"secret": "authorities"}, "client": {"secret": "client"}},
        "metrics": {"tls": {"secret": "metrics"}, "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}},
        "pdb": {"enabled": True},
        "networkPolicy": {"enabled": True},
        "imagePullSecrets": ["pull"],
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"operator": "Exists"}],
        "customEnvVars": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "extraArgs": ["--zap-time-encoding=rfc3339"],
    },
    "connect": {"create": True, "credentials_base64": "e30=", "tls": {"enabled": True}, "networkPolicy": {"enabled": True}},
}
"""Values that make every object there is."""

INSTALLATIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": EVERYTHING,
    "listed namespaces": {"operator": {"watchNamespace": ["team-a", "team-b"]}},
    "without watching Secrets": {"operator": {"secretWatch": False}},
    "Connect alone": {"operator": {"create": False}, "connect": {"create": True}},
    "test": {"operator": {"metrics": {"tls": {"secret": ""}}}},
}
"""The installations that tests look at."""
