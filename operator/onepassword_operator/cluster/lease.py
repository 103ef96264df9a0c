"""The Lease object of the leader election, over a connection of its own, so that bulk writes never delay a renewal."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Final

from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.credentials import SERVICE_ACCOUNT
from onepassword_operator.model.lease import HeldLease, LeaseRecord

NAME: Final = "c26807fd.onepassword.com"
"""The official operator's name, so that only one of the two operators leads where both use leader
election.
"""
_RESOURCE: Final = "leases"


class KubernetesLease:
    """`LeaseStore` over the API server."""

    def __init__(self, api: KubernetesApi, *, namespace: str) -> None:
        self._api = api
        self._namespace = namespace
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    async def get(self) -> HeldLease | None:
        """Read the live lease; None if it does not exist."""
        raw = await self._api.get(f"{self._collection}/{NAME}", resource=_RESOURCE)
        return (
            HeldLease(LeaseRecord.from_object(raw), raw["metadata"]["resourceVersion"])
            if raw
            else None
        )

    async def write(self, record: LeaseRecord, *, basis: HeldLease | None) -> HeldLease:
        """POST the Lease, or PUT it over exactly the one that was read."""
        metadata = {"name": NAME, "namespace": self._namespace}
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": record.to_spec(),
        }
        if basis is None:
            raw = await self._api.create(self._collection, body, resource=_RESOURCE)
        else:
            metadata["resourceVersion"] = basis.resource_version
            raw = await self._api.replace(f"{self._collection}/{NAME}", body, resource=_RESOURCE)
        return HeldLease(record, raw["metadata"]["resourceVersion"])


def home_namespace(chosen: str, environment: Mapping[str, str], *, context: str) -> str:
    """Return the namespace of the Lease: the configured one, else the pod's own, else the kubeconfig's, else `default`."""
    mounted = SERVICE_ACCOUNT / "namespace"
    return (
        chosen or environment.get("POD_NAMESPACE", "") or _content(mounted) or context or "default"
    )


def _content(file: pathlib.Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
