"""Removes the official operator's finalizer from OnePasswordItems and Deployments.

Never sets it.
"""

from __future__ import annotations

from typing import Final

from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterAbsentError, ClusterConflictError
from onepassword_operator.model.target import ObjectRef

_TRIES: Final = 3
_COLLECTIONS: Final = {
    names.KIND: (f"/apis/{names.GROUP}/{names.VERSION}", names.PLURAL),
    names.DEPLOYMENT: ("/apis/apps/v1", "deployments"),
}


class KubernetesFinalizers:
    """`FinalizerStore` over the API server."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def remove(self, ref: ObjectRef, uid: str) -> str | None:
        """PATCH the finalizers of exactly the object that was read.

        Read again if it changed in between. See `FinalizerStore`.
        """
        root, plural = _COLLECTIONS[ref.kind]
        path = f"{root}/namespaces/{ref.namespace}/{plural}/{ref.name}"
        for _ in range(_TRIES):
            raw = await self._api.get(path, resource=plural)
            if raw is None or raw["metadata"]["uid"] != uid:
                return None
            metadata = raw["metadata"]
            left = [
                finalizer
                for finalizer in metadata.get("finalizers") or ()
                if finalizer != names.OFFICIAL_FINALIZER
            ]
            if len(left) == len(metadata.get("finalizers") or ()):
                return str(metadata["resourceVersion"])
            body = {
                "metadata": {
                    "uid": uid,
                    "resourceVersion": metadata["resourceVersion"],
                    "finalizers": left,
                }
            }
            try:
                written = await self._api.merge_patch(path, body, resource=plural)
            except ClusterConflictError:
                continue
            except ClusterAbsentError:
                return None
            return str(written["metadata"]["resourceVersion"])
        raise ClusterConflictError(
            f"{ref} keeps changing while its finalizer is removed; trying again shortly"
        )
