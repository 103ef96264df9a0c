"""OnePasswordItems in the cluster: reading them, and writing their status."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

import msgspec

from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterDeniedError
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, Rendering
from onepassword_operator.wire import onepassword_item

_RESOURCE: Final = names.PLURAL
_ROOT: Final = f"/apis/{names.GROUP}/{names.VERSION}"


class _Served(msgspec.Struct, gc=False):
    name: str = ""


class _Discovery(msgspec.Struct, gc=False):
    resources: list[_Served] | None = None


_DISCOVERIES: Final = msgspec.json.Decoder(_Discovery)


class KubernetesResources:
    """`ResourceStore` over the API server."""

    def __init__(self, api: KubernetesApi, *, rendering: Rendering) -> None:
        self._api = api
        self._rendering = rendering

    async def is_served(self) -> bool:
        """Whether the CRD is installed, by discovery, which every authenticated user may ask."""
        discovered = await self._api.get(_ROOT, resource="apigroups", read=_DISCOVERIES.decode)
        return discovered is not None and any(
            served.name == names.PLURAL for served in discovered.resources or ()
        )

    async def get(self, key: SecretKey) -> Claim | None:
        """Read the live resource; None if it does not exist."""
        return await self._api.get(self._path(key), resource=_RESOURCE, read=self._read)

    async def list_all(self, namespace: str) -> AsyncIterator[Claim]:
        """Yield all live resources of a namespace, or of all of them, by page."""
        within = f"/namespaces/{namespace}" if namespace else ""
        async for page in self._api.pages(f"{_ROOT}{within}/{names.PLURAL}", resource=_RESOURCE):
            for claim in page.decoded(self._read):
                yield claim

    async def namespace_exists(self, namespace: str) -> bool:
        """Whether there is such a namespace; True also if RBAC forbids to read it.

        A LIST does not tell: in an absent namespace it is empty.
        """
        path = f"/api/v1/namespaces/{namespace}"
        try:
            found = await self._api.get(path, resource="namespaces", read=bytes)
        except ClusterDeniedError:
            return True
        return found is not None

    async def write_status(
        self, claim: Claim, condition: Condition, *, facts: Mapping[str, object]
    ) -> Claim:
        """PATCH the status.

        The uid in the body makes the API server refuse the write (409) if another object has the
        name by now. A merge patch replaces the whole list, so it repeats others' conditions, and is
        refused if the resource has changed since they were read.
        """
        others = [each for each in claim.conditions if each.type not in {"", condition.type}]
        metadata = {"uid": claim.uid}
        if others:
            metadata["resourceVersion"] = str(claim.resource_version)
        conditions = [
            *({name: said for name, said in each.to_object().items() if said} for each in others),
            condition.to_object(),
        ]
        body = {"metadata": metadata, "status": {**facts, "conditions": conditions}}
        path = f"{self._path(SecretKey(claim.key.namespace, claim.name))}/status"
        return await self._api.merge_patch(
            path, body, resource=f"{_RESOURCE}/status", read=self._read
        )

    def _read(self, raw: bytes | bytearray) -> Claim:
        return onepassword_item.from_json(raw, self._rendering)

    @staticmethod
    def _path(key: SecretKey) -> str:
        return f"{_ROOT}/namespaces/{key.namespace}/{names.PLURAL}/{key.name}"
