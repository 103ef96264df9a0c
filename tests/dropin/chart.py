"""1Password's chart as a release in a test's namespace: its manifests are applied, and its Deployment's container is run as a process.

The manifests in `official_chart/` say, in our words, what the templates make of the default values. What a value of the chart
changes, a test changes here in the same place: the watched namespaces, the polling interval, the probes' port.
"""

import base64
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from harness.operator_process import OperatorProcess
from harness.ports import free_port
from harness.world import World

MANIFESTS = Path(__file__).parent / "official_chart"
CRD = MANIFESTS / "crd.yaml"
NAME = "onepassword-connect-operator"
POD = f"{NAME}-7d4b9c-x2x7z"
PROGRAM = Path(__file__).parent / "pod.py"


def manifest(file: str, **names: str) -> dict[str, Any]:
    text = (MANIFESTS / file).read_text()
    for placeholder, name in names.items():
        text = text.replace(placeholder, name)
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


class Release:
    """An installed chart; without watched namespaces it watches all."""

    def __init__(self, world: World, namespace: str, *, watch: Sequence[str] = ()) -> None:
        self._world, self._observer, self._namespace, self._watch = world, world.observer, namespace, watch
        self.deployment = manifest("deployment.yaml", RELEASE=namespace)
        self._container: dict[str, Any] = self.deployment["spec"]["template"]["spec"]["containers"][0]
        self._port, self._volumes = free_port(), contextlib.ExitStack()
        self._container["args"] = [argument.replace(":8081", f":{self._port}") for argument in self._container["args"]]
        values = {"WATCH_NAMESPACE": ",".join(watch), "POLLING_INTERVAL": "1", "OP_CONNECT_HOST": world.connect.url}
        for variable in self._container["env"]:
            if variable["name"] in values:
                variable["value"] = values[variable["name"]]

    def install(self) -> None:
        """Apply what the chart applies, and the Secret with the token, which its user makes."""
        core, rbac = self._observer.core, self._observer.rbac
        token = {"metadata": {"name": "onepassword-token"}, "stringData": {"token": self._world.connect.token}}
        core.create_namespaced_secret(self._namespace, token)
        core.create_namespaced_service_account(self._namespace, manifest("serviceaccount.yaml", RELEASE=self._namespace))
        rbac.create_cluster_role(manifest("clusterrole.yaml"))
        if not self._watch:
            rbac.create_cluster_role_binding(manifest("clusterrolebinding.yaml", RELEASE=self._namespace))
        for watched in self._watch:
            rbac.create_namespaced_role_binding(watched, manifest("rolebinding.yaml", RELEASE=self._namespace, WATCHED=watched))

    def uninstall(self) -> None:
        """Remove what belongs to no namespace."""
        self._volumes.close()
        self._observer.rbac.delete_cluster_role(NAME)
        if not self._watch:
            self._observer.rbac.delete_cluster_role_binding(NAME)

    def run(self) -> OperatorProcess:
        server, metrics_port = urlsplit(self._world.proxy.url), free_port()
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOSTNAME": POD,
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
            **{variable["name"]: self._value(variable) for variable in self._container["env"]},
            "POD_SERVICE_ACCOUNT": str(self._mounted()),
            "POD_METRICS": f"127.0.0.1:{metrics_port}",
        }
        process = OperatorProcess(
            [sys.executable, PROGRAM, *self._container["args"]],
            environment=environment,
            log=self._world.log,
            probe_port=self._port,
            metrics_port=metrics_port,
        )
        self._world.operators.append(process)
        process.wait_ready()
        return process

    def _mounted(self) -> Path:
        """What the kubelet mounts: a real token of the service account."""
        account = Path(self._volumes.enter_context(tempfile.TemporaryDirectory()))
        request = {"spec": {"expirationSeconds": 3600}}
        granted = self._observer.core.create_namespaced_service_account_token(NAME, self._namespace, request)
        (account / "token").write_text(granted.status.token)
        (account / "ca.crt").write_bytes(self._world.proxy.ca_file.read_bytes())
        (account / "namespace").write_text(self._namespace)
        return account

    def _value(self, variable: dict[str, Any]) -> str:
        match variable:
            case {"value": value}:
                return str(value)
            case {"valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}:
                return POD
            case {"valueFrom": {"secretKeyRef": {"name": name, "key": key}}}:
                return base64.b64decode(self._observer.core.read_namespaced_secret(name, self._namespace).data[key]).decode()
        raise AssertionError(f"the kubelet would not know what to make of {variable}")
