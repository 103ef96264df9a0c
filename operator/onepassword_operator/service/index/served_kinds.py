"""Which kinds of workloads are served in which namespace.

A kind that the cluster does not serve, that the operator may not list or watch, or whose list fails
concerns nobody else: its trouble is told once, and it is asked for again until it answers.
"""

from __future__ import annotations

import asyncio
import collections
import logging
from collections.abc import Iterable, Mapping, Sequence

from onepassword_operator.model.errors import ClusterAbsentError, ClusterError
from onepassword_operator.model.workload_kind import KINDS, WorkloadKind

_log = logging.getLogger(__name__)


class ServedKinds:
    """The kinds that the settings name, without those that are refused in a namespace."""

    def __init__(self, kinds: Iterable[WorkloadKind]) -> None:
        self._kinds = tuple(kinds)
        self._refused: dict[tuple[str, str], str] = {}
        """Reasons, by namespace and kind."""
        self._changes: dict[str, asyncio.Event] = collections.defaultdict(asyncio.Event)

    @property
    def configured(self) -> Sequence[WorkloadKind]:
        """The kinds that the settings name, served or not."""
        return self._kinds

    def of(self, namespace: str) -> Sequence[WorkloadKind]:
        """Return the kinds that are served; an empty namespace stands for all of them."""
        return [each for each in self._kinds if (namespace, each.kind) not in self._refused]

    def refused(self, namespace: str) -> Sequence[WorkloadKind]:
        """Return the kinds that the settings name and that are not served."""
        return [each for each in self._kinds if (namespace, each.kind) in self._refused]

    def unknown(self, namespace: str) -> frozenset[str]:
        """Return the kinds of which it is not known who uses a Secret of this namespace."""
        served = {each.kind for each in self._kinds if not self._is_refused(namespace, each)}
        return frozenset(KINDS.keys() - served)

    def _is_refused(self, namespace: str, kind: WorkloadKind) -> bool:
        return any((each, kind.kind) in self._refused for each in (namespace, ""))

    def count_refused(self) -> Mapping[str, int]:
        """Count the watched namespaces in which a kind is refused, by kind."""
        return collections.Counter(kind for _, kind in self._refused)

    def refuse(self, namespace: str, kind: WorkloadKind, *, error: ClusterError) -> None:
        """Note that a kind can't be listed or watched; warned of once while that lasts."""
        former = self._refused.get((namespace, kind.kind))
        self._refused[namespace, kind.kind] = error.reason
        if former == error.reason:
            return
        absent = isinstance(error, ClusterAbsentError)
        remedy = f"; install what serves {kind.api_version}" if absent else ""
        _log.warning(
            "workloads are not served",
            extra={
                "kind": kind.kind,
                "namespace": namespace or "all",
                "reason": error.reason,
                "detail": f"{error}{remedy}, or take {kind.kind} out of --workload-kinds",
            },
        )
        self._changes[namespace].set()

    def allow(self, namespace: str, kind: WorkloadKind) -> None:
        """Note that a kind can be listed and watched."""
        if self._refused.pop((namespace, kind.kind), None) is not None:
            fields = {"kind": kind.kind, "namespace": namespace or "all"}
            _log.info("workloads are served again", extra=fields)
            self._changes[namespace].set()

    async def until_other_than(self, kinds: Sequence[WorkloadKind], namespace: str) -> None:
        """Wait until other kinds than these are served."""
        while self.of(namespace) == kinds:
            self._changes[namespace].clear()
            await self._changes[namespace].wait()
