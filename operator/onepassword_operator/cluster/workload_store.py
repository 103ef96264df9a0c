"""Workloads in the cluster, and the restart settings of namespaces.

Only the pod template's annotations of a workload are ever patched.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from onepassword_operator.cluster import page as pages
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterDeniedError
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import KINDS
from onepassword_operator.wire.metadata import texts
from onepassword_operator.wire.workload import from_json


class _NamespaceMeta(msgspec.Struct, gc=False):
    annotations: object = None


class _Namespace(msgspec.Struct, gc=False):
    metadata: _NamespaceMeta


_NAMESPACES: Final = msgspec.json.Decoder(_Namespace)


class KubernetesWorkloads:
    """`WorkloadStore` over the API server."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def list_namespace(self, namespace: str) -> Sequence[Workload]:
        """List all live workloads of a namespace, by page."""
        return [workload async for workload in self.list_all(namespace)]

    async def list_all(self, namespace: str) -> AsyncIterator[Workload]:
        """Yield all live workloads of a namespace, or of all of them, by page."""
        for kind in KINDS.values():
            path = kind.url_path(namespace)
            read = functools.partial(from_json, kind=kind)
            async for page in self._api.pages(path, resource=kind.plural):
                for workload in page.decoded(read):
                    yield workload

    async def get(self, ref: ObjectRef) -> Workload | None:
        """Read a live workload; None if it does not exist."""
        kind = KINDS[ref.kind]
        path = kind.url_path(ref.namespace, ref.name)
        read = functools.partial(from_json, kind=kind)
        return await self._api.get(path, resource=kind.plural, read=read)

    async def annotate_template(self, workload: Workload, annotations: dict[str, str]) -> None:
        """PATCH the pod template of exactly the workload that was read."""
        kind = workload.kind
        body = {
            "metadata": {"uid": workload.uid, "resourceVersion": str(workload.resource_version)},
            **kind.restart_patch(annotations),
        }
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
