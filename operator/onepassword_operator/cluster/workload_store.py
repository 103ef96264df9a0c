"""Deployments in the cluster, read live and patched in their pod template's annotations only; and the namespace's restart setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterDeniedError
from onepassword_operator.model.workload import Workload

_RESOURCE: Final = "deployments"


class KubernetesWorkloads:
    """`WorkloadStore` over the API server."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def list_namespace(self, namespace: str) -> Sequence[Workload]:
        """All Deployments of a namespace, by page."""
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        return [Workload.from_object(raw) async for page in self._api.pages(path, resource=_RESOURCE) for raw in page]

    async def get(self, namespace: str, name: str) -> Workload | None:
        """One live Deployment."""
        raw = await self._api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}", resource=_RESOURCE)
        return Workload.from_object(raw) if raw else None

    async def annotate_template(self, workload: Workload, annotations: dict[str, str]) -> None:
        """PATCH the pod template of exactly what was read."""
        body = {
            "metadata": {"uid": workload.uid, "resourceVersion": workload.resource_version},
            "spec": {"template": {"metadata": {"annotations": annotations}}},
        }
        path = f"/apis/apps/v1/namespaces/{workload.namespace}/deployments/{workload.name}"
        await self._api.merge_patch(path, body, resource=_RESOURCE)

    async def namespace_setting(self, namespace: str) -> str | None:
        """The namespace's auto-restart annotation. Without the right to read it, the level below decides."""
        try:
            raw = await self._api.get(f"/api/v1/namespaces/{namespace}", resource="namespaces")
        except ClusterDeniedError:
            return None
        return ((raw or {}).get("metadata", {}).get("annotations") or {}).get(names.AUTO_RESTART)
