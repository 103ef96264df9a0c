"""The Lease of the leader election.

It has a connection of its own, so that bulk writes never delay a renewal.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.credentials import SERVICE_ACCOUNT
from onepassword_operator.model.errors import ClusterAbsentError, ClusterDeniedError
from onepassword_operator.model.lease import HeldLease, LeaseRecord

_RESOURCE: Final = "leases"


class _LeaseMeta(msgspec.Struct, rename="camel", gc=False):
    resource_version: str
    """Sent back as it came, and never compared with another."""


class _Spec(msgspec.Struct, rename="camel", gc=False):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class _Lease(msgspec.Struct, gc=False):
    metadata: _LeaseMeta
    spec: _Spec | None = None


_LEASES: Final = msgspec.json.Decoder(_Lease)


class KubernetesLease:
    """`LeaseStore` over the API server."""

    def __init__(self, api: KubernetesApi, *, namespace: str, name: str) -> None:
        self._api = api
        self._name = name
        self._namespace = namespace
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"

    async def get(self) -> HeldLease | None:
        """Read the live lease; None if it does not exist."""
        path = f"{self._collection}/{self._name}"
        with self._placed():
            return await self._api.get(path, resource=_RESOURCE, read=_from_json)

    async def write(self, record: LeaseRecord, *, basis: HeldLease | None) -> HeldLease:
        """POST the Lease, or PUT it over exactly the one that was read."""
        metadata = {"name": self._name, "namespace": self._namespace}
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": record.to_spec(),
        }
        with self._placed():
            if basis is None:
                written = await self._api.create(
                    self._collection, body, resource=_RESOURCE, read=_from_json
                )
            else:
                metadata["resourceVersion"] = basis.resource_version
                path = f"{self._collection}/{self._name}"
                written = await self._api.replace(path, body, resource=_RESOURCE, read=_from_json)
        return HeldLease(record, written.resource_version)

    @contextlib.contextmanager
    def _placed(self) -> Iterator[None]:
        try:
            yield
        except (ClusterAbsentError, ClusterDeniedError) as error:
            raise type(error)(
                f'{error}; the Lease belongs in namespace "{self._namespace}", '
                "which --leader-election-namespace changes"
            ) from None


def _from_json(raw: bytes | bytearray) -> HeldLease:
    # A missing member counts as unheld and expired.
    found = _LEASES.decode(raw)
    spec = found.spec or _Spec()
    record = LeaseRecord(
        holder=spec.holder_identity or "",
        lease_seconds=spec.lease_duration_seconds or 0,
        acquired=spec.acquire_time or "",
        renewed=spec.renew_time or "",
        transitions=spec.lease_transitions or 0,
    )
    return HeldLease(record, found.metadata.resource_version)


def home_namespace(chosen: str, environment: Mapping[str, str], *, context: str) -> str:
    """Return the Lease's namespace: configured, else the pod's, the kubeconfig's, or `default`."""
    mounted = SERVICE_ACCOUNT / "namespace"
    return (
        chosen or environment.get("POD_NAMESPACE", "") or _content(mounted) or context or "default"
    )


def _content(file: pathlib.Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
