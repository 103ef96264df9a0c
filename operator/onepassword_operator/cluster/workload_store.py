"""Deployments in the cluster, of which only the pod template's annotations are patched.

And namespaces' restart settings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterDeniedError
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules.secret import secret_use

_RESOURCE: Final = "deployments"


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
                for raw in page:
                    yield secret_use.workload(raw)

    async def list_namespace(self, namespace: str) -> Sequence[Workload]:
        """List all live Deployments of a namespace, by page."""
        return [
            secret_use.workload(raw)
            async for page in self._api.pages(_collection(namespace), resource=_RESOURCE)
            for raw in page
        ]

    async def get(self, namespace: str, name: str) -> Workload | None:
        """Read a live Deployment; None if it does not exist."""
        raw = await self._api.get(f"{_collection(namespace)}/{name}", resource=_RESOURCE)
        return secret_use.workload(raw) if raw else None

    async def annotate_template(self, workload: Workload, annotations: dict[str, str]) -> None:
        """PATCH the pod template of exactly the Deployment that was read."""
        body = {
            "metadata": {"uid": workload.uid, "resourceVersion": workload.resource_version},
            "spec": {"template": {"metadata": {"annotations": annotations}}},
        }
        await self._api.merge_patch(
            f"{_collection(workload.namespace)}/{workload.name}", body, resource=_RESOURCE
        )

    async def namespace_setting(self, namespace: str) -> str | None:
        """Read the namespace's auto-restart annotation.

        None if RBAC forbids it, so that the operator's own setting decides.
        """
        try:
            raw = await self._api.get(f"/api/v1/namespaces/{namespace}", resource="namespaces")
        except ClusterDeniedError:
            return None
        return ((raw or {}).get("metadata", {}).get("annotations") or {}).get(names.AUTO_RESTART)


def _collection(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"
