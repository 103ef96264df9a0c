"""Changes of Secrets' metadata, from watches → Secrets to read, and Secrets that are gone.

Most changes are ignored: of Secrets that no object asks for, which any user may create, and our own
writes.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Final

from onepassword_operator.model.errors import ClusterError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.ports import Clock, Meter, SecretStore
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.runtime.internal_errors import InternalErrors
from onepassword_operator.service.runtime.retry_loop import RetryLoop
from onepassword_operator.service.runtime.work_queue import WorkQueue
from onepassword_operator.service.watch.observe import Observe

PAUSE_SECONDS: Final = 0.2
"""Seconds to wait before a Secret is read: the change may be our own write, whose answer is on its
way.
"""


class SecretNews:
    """Reads the Secrets that others changed, with one GET for several changes.

    The backlog is bounded by the number of claims.
    """

    def __init__(
        self,
        secrets: SecretStore,
        *,
        observe: Observe,
        index: Index,
        clock: Clock,
        meter: Meter,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._secrets = secrets
        self._observe = observe
        self._index = index
        self._newest: dict[SecretKey, int] = {}
        self._reads: RetryLoop[SecretKey] = RetryLoop(
            self._read,
            queue=WorkQueue(),
            clock=clock,
            errors=InternalErrors(clock, meter, namespaces=index.claims.count_namespaces),
            pause_seconds=pause_seconds,
        )

    def seen(self, key: SecretKey, version: int) -> None:
        """Note that the Secret exists, at this resourceVersion."""
        if self._is_news(key, version):
            self._newest[key] = max(version, self._newest.get(key, 0))
            self._reads.wake(key)

    def gone(self, key: SecretKey, version: int) -> None:
        """Note that the Secret was deleted, or lost our label, at this resourceVersion."""
        if self._is_news(key, version):
            self._observe.secret_gone(key)

    def listed(self, namespace: str, keys: Container[SecretKey], *, version: int) -> None:
        """Note that of all requested Secrets exactly these existed, at this resourceVersion.

        An empty namespace means all namespaces.
        """
        for key in self._index.claims.keys(namespace):
            state = self._index.states.of(key)
            if key not in keys and state.existed and state.resource_version <= version:
                self._observe.secret_gone(key)

    def asked_for(self, key: SecretKey) -> bool:
        """Whether any object asks for the Secret."""
        return key in self._index.claims

    def _is_news(self, key: SecretKey, version: int) -> bool:
        return self.asked_for(key) and version > self._index.states.of(key).resource_version

    async def run(self) -> None:
        """Read until cancelled.

        Several tasks of this may run, and never read the same Secret at once.
        """
        await self._reads.run()

    def close(self) -> None:
        """Cancel the timers."""
        self._reads.close()

    async def _read(self, key: SecretKey) -> None:
        reported = self._newest.pop(key, 0)
        if not self._is_news(key, reported):
            return
        try:
            observed = await self._secrets.get(key)
        except ClusterError:
            self._newest[key] = max(reported, self._newest.get(key, 0))
            raise
        if observed is not None:
            self._observe.secret_seen(observed)
        else:
            self._observe.secret_gone(key)
