"""Finds the Secrets that a reconcile would leave as they are.

It reads by one LIST of ours or, if RBAC forbids that, by a GET of each. Without LIST there is no
watch either, so the GETs go on in rounds: every Secret is read within a resync interval.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from onepassword_operator.model.errors import ClusterError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.ports import Clock, SecretStore
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.restarts.rate_limiter import RateLimiter
from onepassword_operator.service.runtime.work_queue import Priority
from onepassword_operator.service.watch.observe import Observe

AT_ONCE: Final = 16
"""GETs in flight while nothing is known yet."""
ROUNDS: Final = 2
"""Rounds in a resync interval: a Secret may be first in one round and last in the next."""

_log = logging.getLogger(__name__)


class SecretScan(Protocol):
    """A resync's check of Secrets."""

    async def settled(
        self, namespace: str, *, asked: Mapping[SecretKey, Priority]
    ) -> set[SecretKey]:
        """Return the requested Secrets that need no reconcile; `asked` has the priority of each.

        Raises:
            ClusterError: a Secret could not be read, so no result is complete.
        """


class ListedSecrets:
    """`SecretScan` by one LIST of the Secrets with our label."""

    def __init__(self, secrets: SecretStore, *, observe: Observe, index: Index) -> None:
        self._secrets = secrets
        self._observe = observe
        self._index = index

    async def settled(
        self, namespace: str, *, asked: Mapping[SecretKey, Priority]
    ) -> set[SecretKey]:
        """Return the Secrets that the LIST shows to be settled."""
        del asked
        asking = self._index.claims
        return {
            observed.key
            async for observed in self._secrets.list_managed(namespace, wanted=asking)
            if self._observe.record_secret(observed)
        }


class PatrolledSecrets:
    """`SecretScan` by a GET of each requested Secret: new ones at once, others in rounds."""

    def __init__(
        self,
        secrets: SecretStore,
        *,
        observe: Observe,
        index: Index,
        clock: Clock,
        interval_seconds: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._secrets = secrets
        self._observe = observe
        self._index = index
        self._clock = clock
        self._round_seconds = interval_seconds / ROUNDS
        self._sleep = sleep

    async def settled(
        self, namespace: str, *, asked: Mapping[SecretKey, Priority]
    ) -> set[SecretKey]:
        """Return the Secrets that a GET shows to be settled, and those left to a round."""
        del namespace
        fresh = [
            key
            for key, priority in asked.items()
            if priority is Priority.NEW or not self._index.states.of(key).existed
        ]
        wrong: set[SecretKey] = set()
        for start in range(0, len(fresh), AT_ONCE):
            batch = fresh[start : start + AT_ONCE]
            found = await asyncio.gather(*(self._record(key) for key in batch))
            wrong |= {key for key, settled in zip(batch, found, strict=True) if not settled}
        return asked.keys() - wrong

    async def _record(self, key: SecretKey) -> bool:
        observed = await self._secrets.get(key)
        return observed is not None and self._observe.record_secret(observed)

    async def patrol(self, namespace: str = "") -> None:
        """Read all requested Secrets of a namespace once, evenly spread over a round's time."""
        keys = self._index.claims.keys(namespace)
        limiter = RateLimiter(
            max(len(keys), 1) / self._round_seconds, self._clock, sleep=self._sleep
        )
        failures = 0
        for key in keys:
            await limiter.turn()
            try:
                self._observe.secret_checked(key, await self._secrets.get(key))
            except ClusterError as error:
                failures += 1
                if failures == 1:
                    fields = {"secret": str(key)} | error.log_fields
                    _log.warning("Secret could not be read", extra=fields)
        if not keys:
            await limiter.turn()
        await limiter.turn()  # the pause after the last one
