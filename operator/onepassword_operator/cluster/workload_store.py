"""Workloads in the cluster, and the restart settings of namespaces.

Only the record of its restarts is ever patched on a workload, and the time of an Argo Rollout's.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

import msgspec

from onepassword_operator.cluster import page as pages
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterDeniedError
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import KINDS, WorkloadKind
from onepassword_operator.wire.metadata import texts
from onepassword_operator.wire.workload import from_json

_AHEAD: Final = datetime.timedelta(seconds=2)
"""Pods restart that are older than the time of a restart, and the times of both are in seconds."""


class _NamespaceMeta(msgspec.Struct, gc=False):
    annotations: object = None


class _Namespace(msgspec.Struct, gc=False):
    metadata: _NamespaceMeta


_NAMESPACES: Final = msgspec.json.Decoder(_Namespace)


class KubernetesWorkloads:
    """`WorkloadStore` over the API server."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def list_namespace(self, namespace: str, kind: WorkloadKind) -> Sequence[Workload]:
        """List all live workloads of a kind in a namespace, by page."""
        return [workload async for workload in self.list_all(namespace, kind)]

    async def list_all(self, namespace: str, kind: WorkloadKind) -> AsyncIterator[Workload]:
        """Yield all live workloads of a kind in a namespace, or in all of them, by page."""
        path = kind.url_path(namespace)
        read = functools.partial(from_json, kind=kind)
        async for page in self._api.pages(path, resource=kind.plural):
            for workload in page.decoded(read):
                yield workload

    async def check_access(self, namespace: str, kind: WorkloadKind) -> None:
        """Ask whether a kind can be listed and watched; see `WorkloadStore`."""
        await self._api.check_access(kind.url_path(namespace), resource=kind.plural)

    async def get(self, ref: ObjectRef) -> Workload | None:
        """Read a live workload; None if it does not exist."""
        kind = KINDS[ref.kind]
        path = kind.url_path(ref.namespace, ref.name)
        read = functools.partial(from_json, kind=kind)
        return await self._api.get(path, resource=kind.plural, read=read)

    async def restart(self, workload: Workload, record: Mapping[str, str]) -> None:
        """PATCH exactly the workload that was read."""
        kind = workload.kind
        body = kind.restart_patch(record, time=self._api.server_time(ahead=_AHEAD))
        read = {"uid": workload.uid, "resourceVersion": str(workload.resource_version)}
        body["metadata"] = body.get("metadata", {}) | read
        path = kind.url_path(workload.namespace, workload.name)
        await self._api.merge_patch(path, body, resource=kind.plural, read=pages.ignored)

    async def namespace_setting(self, namespace: str) -> str | None:
        """Read the namespace's auto-restart annotation; None if it has none.

        If RBAC forbids to read it, the operator's own setting decides.
        """
        try:
            found = await self._api.get(
                f"/api/v1/namespaces/{namespace}", resource="namespaces", read=_NAMESPACES.decode
            )
        except ClusterDeniedError:
            return None
        return texts(found.metadata.annotations).get(names.AUTO_RESTART) if found else None
