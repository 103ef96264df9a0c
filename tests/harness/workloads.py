"""Workloads of every kind in a namespace, as their user applies them and as they are afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import kubernetes

from controlplane.fixtures import Observer
from harness.waiting import eventually
from onepassword_operator.model import names
from onepassword_operator.model.workload_kind import KINDS

SPECS: Mapping[str, Mapping[str, Any]] = {
    "Deployment": {"replicas": 0},
    "StatefulSet": {"replicas": 0, "serviceName": "none"},
    "DaemonSet": {},
    "Rollout": {"replicas": 0},
    "CronJob": {"schedule": "0 0 30 2 *"},
    "Job": {"suspend": True},
}
"""What each kind needs beside its pod template: none of them has pods."""
ROLLOUTS: Mapping[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "rollouts.argoproj.io"},
    "spec": {
        "group": "argoproj.io",
        "scope": "Namespaced",
        "names": {"plural": "rollouts", "singular": "rollout", "kind": "Rollout", "listKind": "RolloutList"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
"""Argo's kind, without Argo's schema."""


@contextmanager
def served_rollouts(observer: Observer) -> Iterator[None]:
    """Argo's kind, served within the block."""
    observer.extensions.create_custom_resource_definition(ROLLOUTS)
    kind = KINDS["Rollout"]
    try:
        eventually(
            lambda: observer.custom.list_cluster_custom_object(kind.group, kind.version, kind.plural),
            not_yet=kubernetes.client.ApiException,
        )
        yield
    finally:
        observer.extensions.delete_custom_resource_definition("rollouts.argoproj.io")
        # The next test makes it anew, which is refused until it is gone.
        listed_crds = observer.extensions.list_custom_resource_definition
        eventually(
            lambda: [each.metadata.name for each in listed_crds().items], lambda left: "rollouts.argoproj.io" not in left, timeout=60
        )


class Workloads:
    """One namespace's."""

    def __init__(self, observer: Observer, namespace: str) -> None:
        self._observer, self._namespace = observer, namespace

    def apply(self, kind: str, name: str, *secrets: str, annotations: Mapping[str, str] | None = None) -> None:
        """Create one that consents to restarts, and whose only container reads the Secrets."""
        row = KINDS[kind]
        container = {"name": "c", "image": "app", "envFrom": [{"secretRef": {"name": secret}} for secret in secrets]}
        pod: dict[str, Any] = {"containers": [container]}
        if kind in {"CronJob", "Job"}:
            pod["restartPolicy"] = "Never"
        labels = {} if kind in {"CronJob", "Job"} else {"app": name}
        within: dict[str, Any] = {"metadata": {"labels": labels}, "spec": pod}
        for member in reversed(row.template[1:]):
            within = {member: within}
        spec = {**SPECS[kind], **within} | ({"selector": {"matchLabels": labels}} if labels else {})
        body = {
            "apiVersion": row.api_version,
            "kind": kind,
            "metadata": {"name": name, "annotations": {names.AUTO_RESTART: "true", **(annotations or {})}},
            "spec": spec,
        }
        self._observer.custom.create_namespaced_custom_object(row.group, row.version, self._namespace, row.plural, body)

    def apply_rollout_of(self, deployment: str, name: str) -> None:
        """Create an Argo Rollout that runs the pod template of a Deployment, and consents to restarts."""
        row = KINDS["Rollout"]
        spec = {"replicas": 0, "workloadRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment}}
        metadata = {"name": name, "annotations": {names.AUTO_RESTART: "true"}}
        body = {"apiVersion": row.api_version, "kind": row.kind, "metadata": metadata, "spec": spec}
        self._observer.custom.create_namespaced_custom_object(row.group, row.version, self._namespace, row.plural, body)

    def read(self, kind: str, name: str) -> dict[str, Any]:
        row, get = KINDS[kind], self._observer.custom.get_namespaced_custom_object
        found: dict[str, Any] = get(row.group, row.version, self._namespace, row.plural, name)
        return found

    def restarted_for(self, kind: str, name: str) -> str | None:
        """The record of what it was restarted for."""
        within: Any = self.read(kind, name)
        for member in KINDS[kind].record:
            within = within.get(member) or {}
        found: str | None = within.get(names.RESTARTED_FOR)
        return found
