"""The official operator's finalizer on resources and Deployments in memory."""

from dataclasses import replace

from fakes.claim_store import FakeClaimStore
from fakes.faults import Faults
from fakes.workload_store import FakeWorkloadStore
from onepassword_operator.model import names
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload import Workload


class FakeFinalizerStore:
    """`FinalizerStore` over the other fakes: an object that is being deleted goes when its last finalizer does."""

    def __init__(self, claims: FakeClaimStore, workloads: FakeWorkloadStore) -> None:
        self._claims = claims
        self._workloads = workloads
        self.released: list[ObjectRef] = []
        """Every write, in order; where there is no finalizer there is nothing to write."""
        self.faults = Faults()

    async def remove(self, source: ObjectRef, uid: str) -> int | None:
        with self.faults.around("release"):
            held = self._held(source)
            if held is None or held.uid != uid:
                return None
            if not held.has_legacy_finalizer:
                return held.resource_version
            self.released.append(source)
            if source.kind == names.KIND:
                return self._release_resource(SecretKey(source.namespace, source.name))
            return self._workloads.release(source)

    def _held(self, source: ObjectRef) -> Claim | Workload | None:
        if source.kind == names.KIND:
            return self._claims.objects.get(SecretKey(source.namespace, source.name))
        return self._workloads.objects.get((source.namespace, source.name))

    def _release_resource(self, key: SecretKey) -> int:
        held = self._claims.objects[key]
        left = tuple(finalizer for finalizer in held.finalizers if finalizer != names.OFFICIAL_FINALIZER)
        kept = self._claims.keep("MODIFIED", replace(held, finalizers=left))
        if kept.terminating and not left:
            self._claims.delete(key)
        return kept.resource_version
