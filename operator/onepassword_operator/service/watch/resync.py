"""The resync of a namespace: complete LISTs of resources and workloads, and a check of Secrets.

The first one makes the operator ready; later ones find the changes that watches missed.
"""

from __future__ import annotations

import logging
from typing import Final

from onepassword_operator.model.errors import ClusterAbsentError, ClusterDeniedError, ClusterError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.model.workload_kind import WorkloadKind
from onepassword_operator.ports import ResourceStore, WorkloadStore
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue
from onepassword_operator.service.watch.observe import Observe
from onepassword_operator.service.watch.observe_workloads import ObserveWorkloads
from onepassword_operator.service.watch.secret_scan import SecretScan

_OF_THE_KIND: Final = (ClusterAbsentError, ClusterDeniedError)
"""Errors that say nothing about the API server."""

_log = logging.getLogger(__name__)


class Resync:
    """Lists all objects by page, and queues each Secret that a reconcile would change."""

    def __init__(
        self,
        *,
        resources: ResourceStore,
        workloads: WorkloadStore,
        scan: SecretScan,
        observe: Observe,
        observe_workloads: ObserveWorkloads,
        index: Index,
        queue: WorkQueue[SecretKey],
    ) -> None:
        self._resources, self._workloads = resources, workloads
        self._scan = scan
        self._observe = observe
        self._observe_workloads = observe_workloads
        self._index = index
        self._queue = queue

    async def run(self, namespace: str = "") -> None:
        """Resync a namespace once, or all of them.

        Raises:
            ClusterAbsentError: there is no such namespace, or no CRD.
            ClusterError: a LIST could not be completed; nothing is concluded from a part.
        """
        unseen = await self._resync_resources(namespace)
        empty = not unseen
        for key, priority in (await self._resync_workloads(namespace)).items():
            unseen[key] = min(priority, unseen.get(key, priority))
        for key in await self._scan.settled(namespace, asked=unseen):
            unseen.pop(key, None)
        for key, priority in unseen.items():
            self._queue.add(key, priority)
        _log.debug(
            "resync done", extra={"resources": len(self._index.claims), "queued": len(unseen)}
        )
        if namespace and empty and not await self._resources.namespace_exists(namespace):
            raise ClusterAbsentError(
                f"the namespace {namespace} does not exist; "
                "create it, or take it out of WATCH_NAMESPACE"
            )

    async def _resync_resources(self, namespace: str) -> dict[SecretKey, Priority]:
        known = self._index.claims.resources(namespace)
        listed: set[ObjectRef] = set()
        unseen: dict[SecretKey, Priority] = {}
        async for claim in self._resources.list_all(namespace):
            listed.add(claim.ref)
            demand = self._observe.record(claim)
            unseen[claim.key] = (
                Priority.LOW if claim.ref in known and demand is not Priority.NEW else Priority.NEW
            )
        for ref in known - listed:
            # A watch may have shown a resource after the LIST was made; only a GET tells.
            held = self._index.claims.resource(ref)
            live = await self._resources.get(SecretKey(ref.namespace, ref.name)) if held else None
            if held and (live is None or live.uid != held.uid):
                self._observe.claim_gone(ref, held.uid)
            if live is not None:
                self._observe.claim_seen(live)
        return unseen

    async def _resync_workloads(self, namespace: str) -> dict[SecretKey, Priority]:
        unseen: dict[SecretKey, Priority] = {}
        failed: list[tuple[WorkloadKind, ClusterError]] = []
        kinds = self._index.kinds.of(namespace)
        for kind in kinds:
            try:
                for key, priority in (await self._resync_kind(namespace, kind)).items():
                    unseen[key] = min(priority, unseen.get(key, priority))
            except ClusterError as error:
                failed.append((kind, error))
        for kind, trouble in failed:
            if len(failed) == len(kinds) and not isinstance(trouble, _OF_THE_KIND):
                raise trouble  # the trouble is the API server's, and no kind's
            self._index.kinds.refuse(namespace, kind, error=trouble)
        return unseen

    async def _resync_kind(self, namespace: str, kind: WorkloadKind) -> dict[SecretKey, Priority]:
        known = self._known(namespace, kind)
        listed: set[ObjectRef] = set()
        unseen: dict[SecretKey, Priority] = {}
        try:
            async for workload in self._workloads.list_all(namespace, kind):
                listed.add(workload.ref)
                unseen |= self._observe_workloads.record(workload)
                for claim in workload.claims:
                    unseen.setdefault(claim.key, Priority.LOW)
        except ClusterAbsentError:
            await self._forget_gone(known)
            raise
        await self._forget_gone(known - listed)
        return unseen

    def _known(self, namespace: str, kind: WorkloadKind) -> set[ObjectRef]:
        return {ref for ref in self._index.claims.workloads(namespace) if ref.kind == kind.kind}

    async def _forget_gone(self, unlisted: set[ObjectRef]) -> None:
        for ref in unlisted:
            held = self._index.claims.workload(ref)
            live = await self._workloads.get(ref) if held else None
            if held and (live is None or live.uid != held.uid):
                self._observe_workloads.gone(ref, held.uid)
            if live is not None:
                self._observe_workloads.seen(live)
