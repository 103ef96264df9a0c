"""Secrets in memory, with resourceVersions, conflicts, watch events and answers that get lost."""

from collections.abc import AsyncIterator, Callable, Container, Sequence
from dataclasses import fields, replace
from typing import Any

from fakes.faults import FakeStore
from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import ClusterAbsentError, ClusterConflictError
from onepassword_operator.model.secret import DesiredSecret, ObservedSecret, OwnerReference, SecretKey
from onepassword_operator.model.workload import RestartMark


class FakeSecretStore(FakeStore):
    """`SecretStore` in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[SecretKey, ObservedSecret] = {}
        self.events: list[tuple[str, ObservedSecret]] = []
        self.time = "2024-05-01T12:00:00Z"
        self.admission: Callable[[ObservedSecret], ObservedSecret] = lambda secret: secret
        """What a mutating webhook makes of a write."""
        self._version = 100

    # what people and controllers do

    def place(self, key: SecretKey, **members: Any) -> ObservedSecret:
        defaults: dict[str, Any] = {"type": names.OPAQUE, "labels": {}, "annotations": {}, "owners": (), "finalizers": (), "data": {}}
        return self._keep("ADDED", ObservedSecret(key=key, uid=f"secret-{self._version}", resource_version=0, **(defaults | members)))

    def edit(self, key: SecretKey, **members: Any) -> ObservedSecret:
        return self._keep("MODIFIED", replace(self.objects[key], **members))

    def overwrite(self, key: SecretKey, **values: str) -> ObservedSecret:
        return self.edit(key, data=dict(self.objects[key].data) | {k: Confidential.of_text(v) for k, v in values.items()})

    def delete(self, key: SecretKey) -> ObservedSecret:
        gone = self.objects.pop(key)
        self.events.append(("DELETED", gone))
        return gone

    # what a test looks at

    def values(self, key: SecretKey) -> dict[str, str]:
        return {name: value.reveal().decode() for name, value in self.objects[key].data.items()}

    def mark(self, key: SecretKey) -> RestartMark | None:
        return RestartMark.parse(self.objects[key].annotations.get(names.RESTART_PENDING))

    def marked(self, key: SecretKey) -> list[int]:
        """The versions that a restart is still due for."""
        mark = self.mark(key)
        return [int(each.rpartition("@")[2]) for each in mark.content.split(",")] if mark else []

    def writes(self) -> list[str]:
        return [request for request in self.requests if request.split()[0] in {"create", "replace", "annotate", "own"}]

    # the port

    async def get(self, key: SecretKey) -> ObservedSecret | None:
        await self.asked(f"get {key}")
        with self.faults.around("get"):
            return self.objects.get(key)

    def list_managed(self, namespace: str, *, wanted: Container[SecretKey]) -> AsyncIterator[ObservedSecret]:
        self.requests.append("list")
        ours = [secret for secret in self.objects.values() if secret.labels.get(names.MANAGED) == names.MANAGED_VALUE]
        return self.one_by_one(secret for secret in ours if secret.key in wanted and namespace in ("", secret.key.namespace))

    async def create(self, desired: DesiredSecret) -> ObservedSecret:
        await self.asked(f"create {desired.key}")
        with self.faults.around("create"):
            if desired.key in self.objects:
                raise ClusterConflictError("exists")
            uid = f"secret-{self._version}"
            return self._keep("ADDED", self.admission(_observed(desired, uid)))

    async def replace(self, desired: DesiredSecret, *, basis: ObservedSecret) -> ObservedSecret:
        await self.asked(f"replace {desired.key}")
        with self.faults.around("replace"):
            self._same(basis)
            return self._keep("MODIFIED", self.admission(_observed(desired, basis.uid)))

    async def annotate(self, basis: ObservedSecret, annotations: dict[str, str | None]) -> ObservedSecret:
        await self.asked(f"annotate {basis.key}")
        with self.faults.around("annotate"):
            held = self._same(basis)
            merged = {k: v for k, v in (dict(held.annotations) | annotations).items() if v is not None}
            return self._keep("MODIFIED", self.admission(replace(held, annotations=merged)))

    async def own(self, basis: ObservedSecret, owners: Sequence[OwnerReference]) -> ObservedSecret:
        await self.asked(f"own {basis.key}")
        with self.faults.around("own"):
            return self._keep("MODIFIED", replace(self._same(basis), owners=tuple(owners)))

    def server_time(self) -> str:
        return self.time

    def _same(self, basis: ObservedSecret) -> ObservedSecret:
        held = self.objects.get(basis.key)
        if held is None:
            raise ClusterAbsentError("gone")
        if (held.uid, held.resource_version) != (basis.uid, basis.resource_version):
            raise ClusterConflictError("changed since")
        return held

    def _keep(self, kind: str, secret: ObservedSecret) -> ObservedSecret:
        self._version += 1
        kept = replace(secret, resource_version=self._version)
        self.objects[kept.key] = kept
        if kept.labels.get(names.MANAGED) == names.MANAGED_VALUE:
            self.events.append((kind, kept))
        return kept


def _observed(desired: DesiredSecret, uid: str) -> ObservedSecret:
    written: dict[str, Any] = {member.name: getattr(desired, member.name) for member in fields(desired)}
    return ObservedSecret(**written, uid=uid, resource_version=0)
