"""The live object behind a claim, whatever its kind.

A reconcile that creates a Secret first makes sure that an object still asks for it.
"""

from __future__ import annotations

from onepassword_operator.model import names
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import ResourceStore, WorkloadStore


class LiveClaims:
    """Reads from the API server which Secret an object asks for."""

    def __init__(self, resources: ResourceStore, workloads: WorkloadStore) -> None:
        self._resources = resources
        self._workloads = workloads

    async def get(self, claim: Claim) -> Claim | None:
        """Return what the object asks for now instead of this; None if it is gone or does not ask.

        Raises:
            ClusterError: unknown.
        """
        ref = claim.ref
        if ref.kind == names.KIND:
            return await self._resources.get(SecretKey(ref.namespace, ref.name))
        workload = await self._workloads.get(ref)
        asked = workload.claims if workload else ()
        return next((each for each in asked if each.key == claim.key), None)
