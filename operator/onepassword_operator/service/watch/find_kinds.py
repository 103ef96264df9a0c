"""Asks for the kinds of workloads that are configured and not served, until they are."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from onepassword_operator.model.errors import ClusterError
from onepassword_operator.ports import Clock, WorkloadStore
from onepassword_operator.service.index.served_kinds import ServedKinds
from onepassword_operator.service.watch.namespaces import Namespaces

INTERVAL_SECONDS: Final = 20.0
NAMESPACES_PER_SECOND: Final = 2.0
"""Of many namespaces: each of them is asked by itself."""

_log = logging.getLogger(__name__)


class FindKinds:
    """Makes a resync due once a kind is served; while all are, it asks nothing."""

    def __init__(
        self,
        workloads: WorkloadStore,
        *,
        kinds: ServedKinds,
        namespaces: Namespaces,
        clock: Clock,
    ) -> None:
        self._clock = clock
        self._workloads = workloads
        self._kinds = kinds
        self._namespaces = namespaces

    async def run(self, namespace: str) -> None:
        """Ask until cancelled."""
        while True:
            count = len(self._namespaces.names)
            seconds = max(INTERVAL_SECONDS, count / NAMESPACES_PER_SECOND)
            await asyncio.sleep(seconds * (0.5 + self._clock.jitter()))
            await self.ask(namespace)

    async def ask(self, namespace: str) -> None:
        """Ask once."""
        for kind in self._kinds.refused(namespace):
            try:
                await self._workloads.check_access(namespace, kind)
            except ClusterError as error:
                fields = {"kind": kind.kind, "namespace": namespace or "all", "error": str(error)}
                _log.debug("workloads are still not served", extra=fields)
            else:
                self._kinds.allow(namespace, kind)
                self._namespaces.resync_in(namespace, seconds=0.0)
