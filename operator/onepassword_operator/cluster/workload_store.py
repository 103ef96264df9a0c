"""Deployments in the cluster, and the restart settings of namespaces.

Of a Deployment only the pod template's annotations are patched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from onepassword_operator.cluster import page as pages
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterDeniedError
from onepassword_operator.model.workload import Workload
from onepassword_operator.wire import deployment
from onepassword_operator.wire.metadata import texts

_RESOURCE: Final = "deployments"


class _NamespaceMeta(msgspec.Struct, gc=False):
    annotations: object = None


class _Namespace(msgspec.Struct, gc=False):
    metadata: _NamespaceMeta


_NAMESPACES: Final = msgspec.json.Decoder(_Namespace)


class KubernetesWorkloads:
    """`WorkloadStore` over the API server."""

    def __init__(self, api: KubernetesApi, *, namespaces: Sequence[str] = ()) -> None:
        self._api = api
        self._namespaces = namespaces

    async def list_all(self) -> AsyncIterator[Workload]:
        """Yield all live Deployments in the watched namespaces, by page."""
        for path in [_collection(namespace) for namespace in self._namespaces] or [
            "/apis/apps/v1/deployments"
        ]:
            async for page in self._api.pages(path, resource=_RESOURCE):
                for workload in page.decoded(deployment.from_json):
                    yield workload

    async def list_namespace(self, namespace: str) -> Sequence[Workload]:
        """List all live Deployments of a namespace, by page."""
        return [
            workload
            async for page in self._api.pages(_collection(namespace), resource=_RESOURCE)
            for workload in page.decoded(deployment.from_json)
        ]

    async def get(self, namespace: str, name: str) -> Workload | None:
        """Read a live Deployment; None if it does not exist."""
        path = f"{_collection(namespace)}/{name}"
        return await self._api.get(path, resource=_RESOURCE, read=deployment.from_json)

    async def annotate_template(self, workload: Workload, annotations: dict[str, str]) -> None:
        """PATCH the pod template of exactly the Deployment that was read."""
        body = {
            "metadata": {"uid": workload.uid, "resourceVersion": str(workload.resource_version)},
            "spec": {"template": {"metadata": {"annotations": annotations}}},
        }
        path = f"{_collection(workload.namespace)}/{workload.name}"
        await self._api.merge_patch(path, body, resource=_RESOURCE, read=pages.ignored)

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


def _collection(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"
