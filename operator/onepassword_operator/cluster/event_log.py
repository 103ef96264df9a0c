"""Kubernetes Events on resources and workloads: for people, best effort, posted only when something changed."""

from __future__ import annotations

import datetime
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterError, OperatorError
from onepassword_operator.model.outcome import Change
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules import announce

_REMEMBERED: Final = 10_000
_MAXIMUM_MESSAGE: Final = 1024
_log = logging.getLogger(__name__)


class KubernetesEvents:
    """`EventLog` over the API server (core/v1 Events)."""

    def __init__(self, api: KubernetesApi, *, unique: Callable[[], str], instance: str) -> None:
        self._api = api
        self._unique = unique
        self._instance = instance
        self._last: OrderedDict[str, tuple[str, str]] = OrderedDict()

    async def changed(self, claim: Claim, change: Change, *, message: str) -> None:
        """A Normal event on the object that asks."""
        self._last.pop(claim.uid, None)
        await self._post(_reference(claim), "Normal", reason=change.value, message=message)

    async def refreshed(self, claim: Claim, message: str) -> None:
        """A Normal event on the resource."""
        await self._post(_reference(claim), "Normal", reason="Refreshed", message=message)

    async def failed(self, claim: Claim, error: OperatorError) -> None:
        """A Warning on the object, unless it is the last thing that was said about it."""
        said = announce.warning(claim, error)
        if self._last.get(claim.uid) == said:
            return
        self._last[claim.uid] = said
        if len(self._last) > _REMEMBERED:
            self._last.popitem(last=False)
        await self._post(_reference(claim), "Warning", reason=said[0], message=said[1])

    async def restarted(self, workload: Workload, message: str) -> None:
        """A Normal event on the Deployment."""
        await self._post(_of_workload(workload), "Normal", reason="Restarted", message=message)

    async def reverted(self, workload: Workload, message: str) -> None:
        """A Warning on the Deployment."""
        await self._post(_of_workload(workload), "Warning", reason="RestartReverted", message=message)

    async def _post(self, reference: dict[str, str], kind: str, *, reason: str, message: str) -> None:
        now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        namespace = reference["namespace"]
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{reference['name'][:200].rstrip('.-')}.{self._unique()}", "namespace": namespace},
            "involvedObject": reference,
            "type": kind,
            "reason": reason,
            "message": message[:_MAXIMUM_MESSAGE],
            "source": {"component": names.COMPONENT},
            "reportingComponent": names.COMPONENT,
            "reportingInstance": self._instance,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            await self._api.create(f"/api/v1/namespaces/{namespace}/events", body, resource="events")
        except ClusterError as error:
            _log.info("Event could not be posted", extra={"on": f"{namespace}/{reference['name']}", "reason": error.reason})


def _reference(claim: Claim) -> dict[str, str]:
    owner = claim.owner_reference
    place = {"namespace": claim.key.namespace, "name": claim.name, "uid": claim.uid}
    return {"apiVersion": owner.api_version, "kind": claim.kind} | place


def _of_workload(workload: Workload) -> dict[str, str]:
    place = {"namespace": workload.namespace, "name": workload.name, "uid": workload.uid}
    return {"apiVersion": "apps/v1", "kind": names.DEPLOYMENT} | place
