"""Secrets in the cluster; reveals their values, because the API wants them in base64."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Container, Sequence
from typing import Any, Final

from onepassword_operator.cluster import page as pages
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.secret import (
    DesiredSecret,
    ObservedSecret,
    OwnerReference,
    SecretKey,
)
from onepassword_operator.wire import secret

FIRST_PAGE: Final = 4
"""Objects in the first page, because a Secret may have 1 MiB. Later pages follow from its size."""

_RESOURCE: Final = "secrets"


def path_of(key: SecretKey) -> str:
    """Return the URL path of a Secret."""
    return f"/api/v1/namespaces/{key.namespace}/secrets/{key.name}"


class KubernetesSecrets:
    """`SecretStore` over the API server."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def get(self, key: SecretKey) -> ObservedSecret | None:
        """Read the live Secret; None if it does not exist."""
        return await self._api.get(path_of(key), resource=_RESOURCE, read=secret.from_json)

    async def list_managed(
        self, namespace: str, *, wanted: Container[SecretKey]
    ) -> AsyncIterator[ObservedSecret]:
        """Yield the wanted Secrets among all with our label; of others decode only the name."""
        path = f"/api/v1/namespaces/{namespace}/secrets" if namespace else "/api/v1/secrets"
        async for page in self._api.pages(
            path, resource=_RESOURCE, selector=names.MANAGED_SELECTOR, first=FIRST_PAGE
        ):
            for raw in page.raw():
                metadata = pages.header(raw)
                if SecretKey(metadata.namespace, metadata.name) in wanted:
                    yield pages.decoded(raw, secret.from_json)

    async def create(self, desired: DesiredSecret) -> ObservedSecret:
        """POST the Secret; ClusterConflictError if it exists."""
        path = f"/api/v1/namespaces/{desired.key.namespace}/secrets"
        return await self._api.create(
            path, to_object(desired), resource=_RESOURCE, read=secret.from_json
        )

    async def replace(self, desired: DesiredSecret, *, basis: ObservedSecret) -> ObservedSecret:
        """PUT the Secret over exactly the one that was read."""
        body = to_object(desired)
        body["metadata"] |= _identity(basis)
        return await self._api.replace(
            path_of(desired.key), body, resource=_RESOURCE, read=secret.from_json
        )

    async def annotate(
        self, basis: ObservedSecret, annotations: dict[str, str | None]
    ) -> ObservedSecret:
        """PATCH annotations of exactly the Secret that was read."""
        return await self._patch(basis, {"annotations": annotations})

    async def own(self, basis: ObservedSecret, owners: Sequence[OwnerReference]) -> ObservedSecret:
        """PATCH the ownerReferences of exactly the Secret that was read."""
        return await self._patch(
            basis, {"ownerReferences": [_owner_object(owner) for owner in owners]}
        )

    async def _patch(self, basis: ObservedSecret, metadata: dict[str, Any]) -> ObservedSecret:
        body = {"metadata": _identity(basis) | metadata}
        return await self._api.merge_patch(
            path_of(basis.key), body, resource=_RESOURCE, read=secret.from_json
        )

    def server_time(self) -> str:
        """Return the API server's time, RFC 3339 UTC."""
        return self._api.server_time()


def _identity(basis: ObservedSecret) -> dict[str, Any]:
    # The API server refuses the write (409) unless the Secret is still exactly this one.
    return {"uid": basis.uid, "resourceVersion": str(basis.resource_version)}


def to_object(desired: DesiredSecret) -> dict[str, Any]:
    """Render the Secret as JSON, with its values in base64."""
    metadata: dict[str, Any] = {
        "name": desired.key.name,
        "namespace": desired.key.namespace,
        "labels": dict(desired.labels),
        "annotations": dict(desired.annotations),
        "ownerReferences": [_owner_object(owner) for owner in desired.owners],
    }
    if desired.finalizers:
        metadata["finalizers"] = list(desired.finalizers)
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": desired.type,
    }
    body["data"] = {
        key: base64.b64encode(value.reveal()).decode() for key, value in desired.data.items()
    }
    if desired.immutable:
        body["immutable"] = True
    return body


def _owner_object(owner: OwnerReference) -> dict[str, Any]:
    return dict(owner.raw) or {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
    }
