"""Workloads that the watch and the resync show → the Secrets that need a reconcile.

Three things about a workload matter: the Secrets it asks for by annotation, the Secrets it uses
(it co-owns those that workloads asked for), and whether the official operator's finalizer holds it
up. Everything else, every step of a rollout included, ends here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final

from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue
from onepassword_operator.service.watch.observe import Observe

_DROPPED: Final = 1000


class ObserveWorkloads:
    """Records workloads as they are seen, and queues the Secrets that they change."""

    def __init__(
        self,
        *,
        index: Index,
        queue: WorkQueue[SecretKey],
        observe: Observe,
        remove_finalizer: Callable[[ObjectRef], None],
    ) -> None:
        self._claims = index.claims
        self._conflicts = index.conflicts
        self._queue = queue
        self._observe = observe
        self._remove_finalizer = remove_finalizer
        self._dropped: OrderedDict[str, int] = OrderedDict()

    def seen(self, workload: Workload) -> None:
        """Record a workload that exists, and queue the Secrets that need a reconcile."""
        for key, priority in self.record(workload).items():
            self._queue.add(key, priority)

    def record(self, workload: Workload) -> dict[SecretKey, Priority]:
        """Remember a workload, and return which Secrets need a reconcile, and how urgently.

        Late events are ignored.
        """
        former = self._claims.workload(workload.ref)
        newest = former.resource_version if former else self._dropped.get(workload.uid, 0)
        if newest > workload.resource_version or self._observe.is_gone(workload.uid):
            return {}
        if former and former.uid != workload.uid:
            self._observe.note_gone(former.uid)
        if workload.advice and (former is None or former.advice != workload.advice):
            self._observe.advise(workload)
        asked = former.claims if former else ()
        asks = {claim.key for claim in workload.claims}
        for claim in asked:
            if claim.key not in asks:
                self._observe.let_go(claim)
        self._claims.put_workload(workload)
        if former and self._claims.workload(workload.ref) is None:
            self._drop(workload)
        due = dict.fromkeys(self._co_owned(former, workload), Priority.LOW)
        if workload.has_legacy_finalizer and self._note_finalizer(former, workload):
            due |= dict.fromkeys(asks, Priority.LOW)
        return due | dict.fromkeys(_changed(asked, workload.claims), Priority.NEW)

    def _drop(self, workload: Workload) -> None:
        # It does not matter any more, so nothing is kept of it but that older news of it are late:
        # a LIST takes seconds.
        self._dropped[workload.uid] = workload.resource_version
        if len(self._dropped) > _DROPPED:
            self._dropped.popitem(last=False)

    def _note_finalizer(self, former: Workload | None, workload: Workload) -> bool:
        put_back = self._conflicts.note_finalizer(workload.uid, workload.resource_version)
        if not workload.claims or workload.terminating:
            self._remove_finalizer(workload.ref)
        return put_back or former is None or not former.has_legacy_finalizer

    def gone(self, ref: ObjectRef, uid: str) -> None:
        """Forget a workload that was deleted."""
        self._observe.note_gone(uid)
        held = self._claims.workload(ref)
        if held is None or held.uid != uid:
            return
        for claim in held.claims:
            self._observe.let_go(claim)
        self._claims.remove_workload(ref)

    def _co_owned(self, former: Workload | None, workload: Workload) -> list[SecretKey]:
        # Secrets whose owners change; only those that a workload asked for, others live and die
        # with their resource.
        was = (
            former.secrets
            if former and former.uid == workload.uid and not former.terminating
            else frozenset()
        )
        lasting = workload.keeps_secrets and not workload.terminating
        now = workload.secrets if lasting else frozenset()
        keys = [SecretKey(workload.namespace, name) for name in was ^ now]
        return [
            key
            for key in keys
            if any(not c.is_resource and c.uid != workload.uid for c in self._claims.alive(key))
        ]


def _changed(asked: Iterable[Claim], asks: Iterable[Claim]) -> list[SecretKey]:
    former = {claim.key: claim for claim in asked}
    return [
        claim.key
        for claim in asks
        if not (claim.key in former and former[claim.key].asks_the_same_as(claim))
    ]
