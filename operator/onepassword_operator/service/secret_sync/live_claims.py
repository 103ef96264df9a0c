"""The live object behind a claim, whatever its kind: who writes a Secret anew first makes sure that it is still asked for."""

from __future__ import annotations

from onepassword_operator.model import names
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.ports import ResourceStore, WorkloadStore


class LiveClaims:
    """Looks at OnePasswordItems and Deployments."""

    def __init__(self, resources: ResourceStore, workloads: WorkloadStore) -> None:
        self._resources = resources
        self._workloads = workloads

    async def look(self, ref: ObjectRef) -> Claim | None:
        """What the object asks for now; None if it is gone or asks for nothing.

        Raises:
            ClusterError: unknown.
        """
        if ref.kind == names.KIND:
            return await self._resources.get(SecretKey(ref.namespace, ref.name))
        workload = await self._workloads.get(ref.namespace, ref.name)
        return workload.claim if workload else None
