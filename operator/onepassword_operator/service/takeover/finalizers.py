"""Removes the official operator's finalizer once an ownerReference ties the Secret to its object.

The official operator deletes Secrets by that finalizer. Once it is gone, every object with its
finalizer would hang in deletion.
"""

from __future__ import annotations

import logging

from onepassword_operator.model.secret import ObservedSecret, OwnerReference, SecretKey
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.ports import FinalizerStore, SecretStore
from onepassword_operator.rules.secret import claims, handover_owners, owners, seal
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue

_log = logging.getLogger(__name__)


class RemoveFinalizers:
    """Removes the finalizer from one object at a time."""

    def __init__(
        self,
        *,
        secrets: SecretStore,
        finalizers: FinalizerStore,
        index: Index,
        queue: WorkQueue[SecretKey],
        sealer: seal.Sealer,
    ) -> None:
        self._secrets = secrets
        self._finalizers = finalizers
        self._index = index
        self._queue = queue
        self._sealer = sealer

    async def run(self, ref: ObjectRef) -> None:
        """Remove the finalizer from an object, after its Secret has the ownerReferences it needs.

        Raises:
            ClusterError: the object still has the finalizer; try again.
        """
        holder = self._index.claims.holder(ref)
        if holder is None or not holder.has_legacy_finalizer:
            return
        # Kubernetes lets nobody put a finalizer on an object that is being deleted, so there is
        # nothing to dispute any more.
        if not holder.terminating and self._index.conflicts.backoff(holder.uid):
            return
        for claim in _claims(holder):
            await self._hand_over(claim)
        resource_version = await self._finalizers.remove(holder.ref, holder.uid)
        if resource_version is None:
            return
        _log.info("the official operator's finalizer removed", extra={"object": str(ref)})
        self._index.conflicts.note_removal(holder.uid, resource_version)
        self._index.claims.note_finalizer_removed(
            ref, holder.uid, resource_version=resource_version
        )
        self._take_in_overtaking_news(ref, holder.uid)

    def _take_in_overtaking_news(self, ref: ObjectRef, uid: str) -> None:
        # The watch may have shown the finalizer put back before our answer came, and does not show
        # it a second time.
        holder = self._index.claims.holder(ref)
        if holder is None or holder.uid != uid or not holder.has_legacy_finalizer:
            return
        put_back = self._index.conflicts.note_finalizer(uid, holder.resource_version)
        for claim in _claims(holder) if put_back else ():
            self._queue.add(claim.key, Priority.LOW)

    async def _hand_over(self, claim: Claim) -> None:
        observed = await self._secrets.get(claim.key)
        winner = claims.winner(self._index.claims.alive(claim.key), observed)
        if not claim.terminating and winner is not None and winner.uid != claim.uid:
            # the first owner wins the Secret, which must not depend on the order in which
            # finalizers are removed
            return
        verdict = self._sealer.verify(observed) if observed else seal.Verdict.BROKEN
        references = handover_owners.decide(
            claim,
            observed,
            verdict=verdict,
            remaining_owners=self._remaining_owners(claim, observed),
        )
        if observed and references is not None:
            await self._secrets.own(observed, references)

    def _remaining_owners(
        self, claim: Claim, observed: ObservedSecret | None
    ) -> tuple[OwnerReference, ...]:
        others = [other for other in self._index.claims.alive(claim.key) if other.uid != claim.uid]
        winner = claims.winner(others, observed)
        others.sort(key=lambda other: other is not winner)
        co_owners = owners.co_owners(
            claim, others, observed=observed, interested=self._index.claims.interested(claim.key)
        )
        return tuple(owner for owner in co_owners.owner_references if owner.uid != claim.uid)


def _claims(holder: Claim | Workload) -> tuple[Claim, ...]:
    return holder.claims if isinstance(holder, Workload) else (holder,)
