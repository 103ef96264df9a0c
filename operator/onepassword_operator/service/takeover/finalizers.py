"""Takes the official operator's finalizer from objects, once their Secrets go with them by ownerReference.

Its operator deletes Secrets by a finalizer, so without it every object that it has ever seen would hang in deletion.
"""

from __future__ import annotations

import logging

from onepassword_operator.model.secret import ObservedSecret, OwnerReference, SecretKey
from onepassword_operator.model.target import Claim, Source
from onepassword_operator.model.workload import Workload
from onepassword_operator.ports import FinalizerStore, SecretStore
from onepassword_operator.rules import claims, seal
from onepassword_operator.rules import finalizer as release
from onepassword_operator.service.index.followed import FollowIndex
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue

_log = logging.getLogger(__name__)


class ReleaseObjects:
    """One pass per object."""

    def __init__(
        self, *, secrets: SecretStore, finalizers: FinalizerStore, index: FollowIndex, queue: WorkQueue[SecretKey], sealer: seal.Sealer
    ) -> None:
        self._secrets = secrets
        self._finalizers = finalizers
        self._index = index
        self._queue = queue
        self._sealer = sealer

    async def run(self, source: Source) -> None:
        """One pass.

        Raises:
            ClusterError: the object is still held up.
        """
        holder = self._index.claims.holder(source)
        if holder is None or not holder.awaits_release:
            return
        # Kubernetes lets nobody put a finalizer on an object that is being deleted, so there is nothing to dispute any more.
        if not holder.terminating and not self._index.contests.may_try(holder.uid):
            return
        claim = holder.claim if isinstance(holder, Workload) else holder
        if claim is not None:
            await self._hand_over(claim)
        released = await self._finalizers.release(holder.source, holder.uid)
        if released is None:
            return
        _log.info("the official operator's finalizer removed", extra={"object": str(source)})
        self._index.contests.released(holder.uid, released)
        self._index.claims.note_released(source, holder.uid, resource_version=released)
        self._take_in_overtaking_news(source, holder.uid)

    def _take_in_overtaking_news(self, source: Source, uid: str) -> None:
        # The watch may have shown the finalizer back in its place before the answer came. It does not show it a second time.
        holder = self._index.claims.holder(source)
        if holder is None or holder.uid != uid or not holder.awaits_release:
            return
        put_back = self._index.contests.finalizer_seen(uid, holder.resource_version)
        claim = holder.claim if isinstance(holder, Workload) else holder
        if put_back and claim is not None:
            self._queue.add(claim.key, Priority.SWEEP)

    async def _hand_over(self, claim: Claim) -> None:
        observed = await self._secrets.get(claim.key)
        ruler = claims.ruling(self._index.claims.alive(claim.key), observed)
        if not claim.terminating and ruler is not None and ruler.uid != claim.uid:
            return  # the first owner rules the Secret: that must not be whoever is let go first
        verdict = self._sealer.verify(observed) if observed else seal.Verdict.BROKEN
        decided = release.decide(claim, observed, verdict=verdict, heirs=self._heirs(claim, observed))
        if observed and decided.owners is not None:
            await self._secrets.own(observed, decided.owners)

    def _heirs(self, claim: Claim, observed: ObservedSecret | None) -> tuple[OwnerReference, ...]:
        others = [other for other in self._index.claims.alive(claim.key) if other.uid != claim.uid]
        ruler = claims.ruling(others, observed)
        others.sort(key=lambda other: other is not ruler)
        partners = self._index.claims.partners(claim, others, observed=observed)
        return tuple(owner for owner in partners.owner_references if owner.uid != claim.uid)
