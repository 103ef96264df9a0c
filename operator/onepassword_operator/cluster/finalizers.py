"""Removes the official operator's finalizer from resources and Deployments, and never sets it."""

from __future__ import annotations

from typing import Final

import msgspec

from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterAbsentError, ClusterConflictError
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.model.workload_kind import KINDS
from onepassword_operator.wire.metadata import decoder

_TRIES: Final = 3
_COLLECTIONS: Final = {
    names.KIND: (f"/apis/{names.GROUP}/{names.VERSION}", names.PLURAL),
    **{row.kind: (f"/apis/{row.api_version}", row.plural) for row in KINDS.values()},
}


class _HeldMeta(msgspec.Struct, rename="camel", gc=False):
    uid: str
    resource_version: int
    finalizers: list[str] | None = None


class _Held(msgspec.Struct, gc=False):
    metadata: _HeldMeta


_HELD: Final = decoder(_Held)


class KubernetesFinalizers:
    """`FinalizerStore` over the API server."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def remove(self, ref: ObjectRef, uid: str) -> int | None:
        """PATCH the finalizers of exactly the object that was read; read again after a conflict.

        See `FinalizerStore`.
        """
        root, plural = _COLLECTIONS[ref.kind]
        path = f"{root}/namespaces/{ref.namespace}/{plural}/{ref.name}"
        for _ in range(_TRIES):
            found = await self._api.get(path, resource=plural, read=_HELD.decode)
            if found is None or found.metadata.uid != uid:
                return None
            version, finalizers = found.metadata.resource_version, found.metadata.finalizers or []
            left = [each for each in finalizers if each != names.OFFICIAL_FINALIZER]
            if left == finalizers:
                return version
            body = {"metadata": {"uid": uid, "resourceVersion": str(version), "finalizers": left}}
            try:
                written = await self._api.merge_patch(
                    path, body, resource=plural, read=_HELD.decode
                )
            except ClusterConflictError:
                continue
            except ClusterAbsentError:
                return None
            return written.metadata.resource_version
        raise ClusterConflictError(
            f"{ref} keeps changing while its finalizer is removed; trying again shortly"
        )
