"""A test's world: a namespace, a fault proxy, an embedded Connect server, operators, and an independent look at what came out.

Every value that a seed plants is a canary; when the world ends, everything that left the operator is searched for them.
"""

import base64
import collections
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import kubernetes

from controlplane import access
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness import leak_scan
from harness.connect_process import ConnectProcess
from harness.kube_proxy import KubeProxy
from harness.operator_process import OperatorProcess
from harness.waiting import eventually

GROUP = ("onepassword.com", "v1")
PLURAL = "onepassworditems"
PREFIX = "operator.1password.io/"


def seed(**passwords: str) -> dict[str, Any]:
    """A vault `v`, with an item of each name that has this password."""
    return {"vaults": [{"name": "v", "items": [{"title": title, "fields": {"password": value}} for title, value in passwords.items()]}]}


class World:
    """Everything a cluster test touches."""

    def __init__(
        self,
        *,
        plane: ControlPlane,
        observer: Observer,
        namespace: str,
        directory: Path,
        seed: Mapping[str, Any],
        connect: Sequence[str] = (),
    ) -> None:
        self.observer, self.namespace, self.directory = observer, namespace, directory
        self._seed = seed
        self._closing = contextlib.ExitStack()
        self.proxy = self._closing.enter_context(KubeProxy(plane))
        self.connect = ConnectProcess(seed, directory, *connect)
        self._closing.callback(self.connect.stop)
        self.operators: list[OperatorProcess] = []
        self.environment: dict[str, str] = {}
        self.user = access.OPERATOR
        self.log = directory / "operator.log"

    # --- the operator ---

    def operator(self, *flags: str, ready: bool = True, proxy: KubeProxy | None = None, **environment: str) -> OperatorProcess:
        """Start an operator that watches this namespace only, through a proxy, with the rights of the deployed role or of `user`."""
        started = OperatorProcess.start(
            kubeconfig=(proxy or self.proxy).kubeconfig_for(self.user),
            connect=self.connect,
            log=self.log,
            environment={"WATCH_NAMESPACE": self.namespace} | self.environment | environment,
            flags=flags,
        )
        self.operators.append(started)
        if ready:
            started.wait_ready()
        return started

    def begin(self, *items: str, vault: str = "v", **environment: Any) -> Self:
        """Start an operator, and return when each of the items has a resource of its name, in sync."""
        self.operator(**environment)
        for name in items:
            self.item(name, f"vaults/{vault}/items/{name}")
        self.wait_ready(*items)
        return self

    def restart(self, *flags: str, **environment: Any) -> OperatorProcess:
        """Stop the last operator, and start one."""
        assert self.operators[-1].stop() == 0
        return self.operator(*flags, **environment)

    def writes(self) -> list[str]:
        """What the operators have written so far, Events aside: `verb resource/name`."""
        return [
            f"{r.verb} {r.resource}{'/' + r.subresource if r.subresource else ''} {r.name}"
            for r in self.proxy.writes(events=False)
            if r.user_agent.startswith("onepassword-operator")
        ]

    # --- what the user does ---

    def item(self, name: str, path: str = "", **extra: Any) -> None:
        """Create a OnePasswordItem for a path, or with another `spec`."""
        metadata = {"name": name, **extra.pop("metadata", {})}
        spec = extra.pop("spec", {"itemPath": path})
        body = {"apiVersion": "/".join(GROUP), "kind": "OnePasswordItem", "metadata": metadata, "spec": spec, **extra}
        self.observer.custom.create_namespaced_custom_object(*GROUP, self.namespace, PLURAL, body)

    def patch_item(self, name: str, body: Mapping[str, Any]) -> None:
        self.observer.custom.patch_namespaced_custom_object(*GROUP, self.namespace, PLURAL, name, body)

    def delete_item(self, name: str, **options: Any) -> None:
        self.observer.custom.delete_namespaced_custom_object(*GROUP, self.namespace, PLURAL, name, body=options)

    def orphan(self, name: str) -> None:
        """Delete a OnePasswordItem without its Secret, and return when it is gone."""
        self.delete_item(name, propagationPolicy="Orphan")
        listed = self.observer.custom.list_namespaced_custom_object
        eventually(
            lambda: [found["metadata"]["name"] for found in listed(*GROUP, self.namespace, PLURAL)["items"]],
            lambda names: name not in names,
        )
        assert self.owners(name) == []

    def delete_secret(self, name: str) -> None:
        self.observer.core.delete_namespaced_secret(name, self.namespace)

    def deployment(
        self,
        name: str,
        *secrets: str,
        opt_in: str | None = "true",
        annotations: Mapping[str, str] | None = None,
        on_template: Mapping[str, str] | None = None,
        finalizers: Sequence[str] = (),
    ) -> None:
        """Create a Deployment whose only container reads the Secrets; annotations without their prefix."""
        own = {PREFIX + key: value for key, value in (annotations or {}).items()} | (
            {} if opt_in is None else {PREFIX + "auto-restart": opt_in}
        )
        container = {"name": "c", "image": "app", "envFrom": [{"secretRef": {"name": secret}} for secret in secrets]}
        marks = {PREFIX + key: value for key, value in (on_template or {}).items()}
        template = {"metadata": {"labels": {"app": name}, "annotations": marks}, "spec": {"containers": [container]}}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
        metadata = {"name": name, "annotations": own, "finalizers": list(finalizers)}
        self.observer.apps.create_namespaced_deployment(self.namespace, {"metadata": metadata, "spec": spec})
        self.rollouts(name, 1)

    def annotate_deployment(self, name: str, **annotations: str | None) -> None:
        """Set or remove (None) annotations of a Deployment; names without prefix, underscores for dashes."""
        changed = {PREFIX + key.replace("_", "-"): value for key, value in annotations.items()}
        self.observer.apps.patch_namespaced_deployment(name, self.namespace, {"metadata": {"annotations": changed}})

    def delete_deployment(self, name: str) -> None:
        self.observer.apps.delete_namespaced_deployment(name, self.namespace)

    def owners(self, secret: str) -> list[str]:
        """`Kind/name` of a Secret's owners, in their order."""
        return [f"{owner.kind}/{owner.name}" for owner in self.secret(secret).metadata.owner_references or ()]

    def patch_secret(self, name: str, body: Mapping[str, Any]) -> None:
        self.observer.core.patch_namespaced_secret(name, self.namespace, body)

    # --- what there is ---

    def custom(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.observer.custom.get_namespaced_custom_object(*GROUP, self.namespace, PLURAL, name)
        return found

    def condition(self, name: str) -> dict[str, Any]:
        """The Ready condition; empty if there is none."""
        conditions = (self.custom(name).get("status") or {}).get("conditions") or []
        return next((dict(c) for c in conditions if c["type"] == "Ready"), {})

    def wait_ready(self, *names: str, timeout: float = 20.0) -> None:
        for name in names:
            self.wait_reason(name, "Synced", "FieldsSkipped", timeout=timeout)

    def wait_reason(self, name: str, *reasons: str, timeout: float = 20.0) -> dict[str, Any]:
        """Return the Ready condition when it has one of the reasons."""
        return eventually(lambda: self.condition(name), lambda c: c.get("reason") in reasons, timeout=timeout, what=f"{name}: {reasons}")

    def secret(self, name: str) -> Any:
        try:
            return self.observer.core.read_namespaced_secret(name, self.namespace)
        except kubernetes.client.ApiException as error:
            if error.status == 404:
                return None
            raise

    def data(self, name: str) -> dict[str, bytes] | None:
        found = self.secret(name)
        return None if found is None else {k: base64.b64decode(v) for k, v in (found.data or {}).items()}

    def wait_no_secret(self, *names: str) -> None:
        for name in names:
            eventually(lambda name=name: self.secret(name), lambda found: found is None, what=f"Secret {name} to go")  # type: ignore[misc]

    def wait_data(self, name: str, data: Mapping[str, bytes], *, timeout: float = 20.0) -> None:
        eventually(lambda: self.data(name), lambda seen: seen == data, timeout=timeout, what=f"data of {name}")

    def annotations(self, name: str) -> dict[str, str]:
        """The Secret's annotations without our prefix."""
        found = self.secret(name).metadata.annotations or {}
        return {key.removeprefix(PREFIX): value for key, value in found.items()}

    def replica_sets(self, deployment: str) -> int:
        """How many ReplicaSets the Deployment has made: one, and one more for each rollout."""
        listed = self.observer.apps.list_namespaced_replica_set(self.namespace, label_selector=f"app={deployment}")
        return len(listed.items)

    def rollouts(self, deployment: str, number: int, *, timeout: float = 20.0) -> None:
        """Return when the Deployment has made so many ReplicaSets, and no restart is pending any more."""
        eventually(
            lambda: self.replica_sets(deployment), lambda n: n == number, timeout=timeout, what=f"{number} ReplicaSets of {deployment}"
        )

    def no_marks(self, *, timeout: float = 20.0) -> None:
        """Return when no Secret of the namespace carries a pending restart."""

        def marks() -> list[str]:
            listed = self.observer.core.list_namespaced_secret(self.namespace).items
            return [s.metadata.name for s in listed if PREFIX + "restart-pending" in (s.metadata.annotations or {})]

        eventually(marks, lambda names: not names, timeout=timeout, what="no pending restarts")

    def restarted_for(self, deployment: str) -> dict[str, str]:
        """The pod template's annotations without their prefixes."""
        found = self.observer.apps.read_namespaced_deployment(deployment, self.namespace).spec.template.metadata.annotations or {}
        return {key.rpartition("/")[2]: value for key, value in found.items()}

    def events(self, name: str) -> list[tuple[str, str]]:
        """(type, reason) of our Events on an object, oldest first."""
        return [(event.type, event.reason) for event in self.event_objects(name)]

    def counts(self, name: str) -> dict[str, int]:
        """How often each reason was told of an object."""
        reported: collections.Counter[str] = collections.Counter()
        for event in self.event_objects(name):
            reported[event.reason] += event.count
        return dict(reported)

    def event_objects(self, name: str) -> list[Any]:
        """Our Events on an object, the one written last at the end."""
        listed = self.observer.core.list_namespaced_event(self.namespace, field_selector=f"involvedObject.name={name}").items
        ours = [event for event in listed if event.reporting_component == "onepassword-operator"]
        return sorted(ours, key=lambda event: int(event.metadata.resource_version))

    def wait_events(self, name: str, *expected: tuple[str, str]) -> None:
        """Return when our Events on the object are exactly these; an Event follows the status that it is about."""
        eventually(lambda: self.events(name), lambda seen: seen == list(expected), what=f"Events on {name}: {expected}")

    # --- the end ---

    def close(self) -> None:
        """Stop everything, and search what the operator said for what it must not say."""
        metrics = "".join(operator.metrics() for operator in self.operators if operator.alive())
        codes = [operator.stop() for operator in self.operators]
        leaks = leak_scan.find(self._seed, self._spoken(metrics), token=self.connect.token)
        self._closing.close()
        assert not leaks, f"values left the operator: {leaks}"
        assert set(codes) <= {0, -9}, f"exit codes {codes}:\n{self.log.read_text()[-3000:]}"

    def _spoken(self, metrics: str) -> dict[str, str]:
        client = self.observer.api
        secrets = self.observer.core.list_namespaced_secret(self.namespace).items
        return {
            "log": self.log.read_text() if self.log.exists() else "",
            "metrics": metrics,
            "events": str(client.sanitize_for_serialization(self.observer.core.list_namespaced_event(self.namespace).items)),
            "resources": str(self.observer.custom.list_namespaced_custom_object(*GROUP, self.namespace, PLURAL)),
            "deployments": str(client.sanitize_for_serialization(self.observer.apps.list_namespaced_deployment(self.namespace).items)),
            "Secret metadata": str(client.sanitize_for_serialization([secret.metadata for secret in secrets])),
        }
