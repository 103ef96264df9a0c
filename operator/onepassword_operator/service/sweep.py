"""The sweep: complete LISTs of resources and of our Secrets. At the start it is the synced signal; later it finds what watches missed."""

from __future__ import annotations

import logging

from onepassword_operator.model.secret import SecretKey
from onepassword_operator.ports import ClaimStore, SecretStore
from onepassword_operator.service.follow_index import FollowIndex
from onepassword_operator.service.observe import Observe
from onepassword_operator.service.work_queue import Priority, WorkQueue

_log = logging.getLogger(__name__)


class Sweep:
    """Compares everything with everything, by page."""

    def __init__(self, *, secrets: SecretStore, claim_store: ClaimStore, observe: Observe, index: FollowIndex, queue: WorkQueue) -> None:
        self._secrets = secrets
        self._claims = claim_store
        self._observe = observe
        self._index = index
        self._queue = queue

    async def sweep(self) -> None:
        """One full pass.

        Raises:
            ClusterError: a LIST could not be completed; nothing is concluded from a part.
        """
        known = set(self._index.claims)
        unseen: dict[SecretKey, Priority] = {}
        listed: set[SecretKey] = set()
        async for claim in self._claims.list_all():
            listed.add(claim.key)
            self._observe.take_in(claim)
            unseen[claim.key] = Priority.SWEEP if claim.key in known else Priority.NEW
        async for observed in self._secrets.list_managed():
            held = self._index.claims.get(observed.key)
            if held is not None and self._observe.is_settled(held, observed):
                unseen.pop(observed.key, None)
        await self._confirm_gone(known - listed)
        for key, priority in unseen.items():
            self._queue.add(key, priority)
        _log.debug("sweep done", extra={"resources": len(listed), "to_look_at": len(unseen)})

    async def _confirm_gone(self, absent: set[SecretKey]) -> None:
        # A watch may have shown a resource after the LIST was made; only a live look tells.
        for key in absent:
            held = self._index.claims.get(key)
            live = await self._claims.get(key) if held else None
            if held and (live is None or live.uid != held.uid):
                self._observe.claim_gone(key, held.uid)
            if live is not None:
                self._observe.claim_seen(live)
