"""Workloads in memory: what they use, what was patched into their pod templates, and who else edits them meanwhile."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fakes.faults import FakeStore
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterAbsentError, ClusterConflictError, ClusterError
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import DEPLOYMENT, WorkloadKind
from onepassword_operator.rules.restart import parse_restarted_for
from onepassword_operator.wire.workload import from_dict


class FakeWorkloadStore(FakeStore):
    """`WorkloadStore` in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[tuple[str, str], Workload] = {}
        self.rollouts: Counter[str] = Counter()
        self.refused: dict[str, ClusterError] = {}
        self.unlisted: dict[str, ClusterError] = {}
        self.settings: dict[str, str] = {}
        self.events: list[tuple[str, Workload]] = []
        self._version = 900

    def deploy(
        self,
        name: str,
        *secrets: str,
        namespace: str = "app",
        annotations: dict[str, str] | None = None,
        created_at: str = "2024-01-01T00:00:00Z",
        finalizers: tuple[str, ...] = (),
        kind: WorkloadKind = DEPLOYMENT,
        controller: str = "",
    ) -> Workload:
        """Somebody applies a workload whose only container reads the Secrets."""
        held = self.objects.get((namespace, name))
        metadata = {
            "namespace": namespace,
            "name": name,
            "uid": held.uid if held else f"deployment-{self._version}",
            "resourceVersion": "0",
            "creationTimestamp": created_at,
            "annotations": annotations or {},
            "finalizers": list(finalizers),
            "ownerReferences": [{"kind": "Owner", "name": controller, "controller": True}] if controller else [],
        }
        within: dict[str, Any] = {"spec": {"containers": [{"envFrom": [{"secretRef": {"name": secret}} for secret in secrets]}]}}
        for member in reversed(kind.template):
            within = {member: within}
        return self._keep(from_dict({"metadata": metadata, **within}, kind))

    def terminate(self, name: str, namespace: str = "app") -> Workload:
        held = self.objects[namespace, name]
        claims = tuple(replace(claim, terminating=True) for claim in held.claims)
        return self._keep(replace(held, terminating=True, claims=claims))

    def delete(self, name: str, namespace: str = "app") -> Workload:
        gone = self.objects.pop((namespace, name))
        self.events.append(("DELETED", gone))
        return gone

    def release(self, source: ObjectRef) -> int:
        held = self.objects[source.namespace, source.name]
        left = tuple(finalizer for finalizer in held.finalizers if finalizer != names.OFFICIAL_FINALIZER)
        claims = tuple(replace(claim, finalizers=left) for claim in held.claims)
        kept = self._keep(replace(held, finalizers=left, claims=claims))
        if kept.terminating and not left:
            self.delete(source.name, source.namespace)
        return kept.resource_version

    def touch(self, name: str, namespace: str = "app", *, secrets: frozenset[str] | None = None) -> None:
        held = self.objects[namespace, name]
        self._keep(replace(held, secrets=held.secrets if secrets is None else secrets))

    def hold_up(self, name: str, *finalizers: str, namespace: str = "app") -> None:
        held = self.objects[namespace, name]
        claims = tuple(replace(claim, finalizers=finalizers) for claim in held.claims)
        self._keep(replace(held, finalizers=finalizers, claims=claims))

    def revert(self, name: str, namespace: str = "app") -> None:
        """A tool that owns the pod template puts it back as it was."""
        self._keep(replace(self.objects[namespace, name], template_annotations={}))

    def restarted_for(self, name: str, namespace: str = "app") -> dict[str, str]:
        held = self.objects[namespace, name].template_annotations
        return parse_restarted_for(held.get(names.RESTARTED_FOR))

    def list_all(self, namespace: str, kind: WorkloadKind) -> AsyncIterator[Workload]:
        self.requests.append("list all")
        return self.one_by_one(self._listed(namespace, kind))

    async def list_namespace(self, namespace: str, kind: WorkloadKind) -> Sequence[Workload]:
        await self.asked("list")
        with self.faults.around("list"):
            return self._listed(namespace, kind)

    def _listed(self, namespace: str, kind: WorkloadKind) -> list[Workload]:
        if error := self.unlisted.get(kind.kind):
            raise error
        return [each for each in self.objects.values() if each.kind is kind and namespace in ("", each.namespace)]

    async def check_access(self, namespace: str, kind: WorkloadKind) -> None:
        self.requests.append(f"check {kind.kind}")
        self._listed(namespace, kind)

    async def get(self, ref: ObjectRef) -> Workload | None:
        await self.asked("get")
        with self.faults.around("get"):
            return self.objects.get((ref.namespace, ref.name))

    async def restart(self, workload: Workload, record: Mapping[str, str]) -> None:
        await self.asked("patch")
        with self.faults.around("patch"):
            if error := self.refused.get(workload.name):
                raise error
            held = self.objects.get((workload.namespace, workload.name))
            if held is None:
                raise ClusterAbsentError("gone")
            if (held.uid, held.resource_version) != (workload.uid, workload.resource_version):
                raise ClusterConflictError("changed since")
            made = dict(held.record) | dict(record)
            self._keep(replace(held, annotations=made) if held.kind.restart_at else replace(held, template_annotations=made))
            self.rollouts[workload.name] += 1

    async def namespace_setting(self, namespace: str) -> str | None:
        await asyncio.sleep(0)
        with self.faults.around("namespace"):
            return self.settings.get(namespace)

    def _keep(self, workload: Workload) -> Workload:
        self._version += 1
        claims = tuple(replace(claim, resource_version=self._version) for claim in workload.claims)
        kept = replace(workload, resource_version=self._version, claims=claims)
        self.objects[kept.namespace, kept.name] = kept
        self.events.append(("MODIFIED", kept))
        return kept
