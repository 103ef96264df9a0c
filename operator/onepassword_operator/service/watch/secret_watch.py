"""Keeps the watches on our Secrets running: one for all namespaces, or one for each of a list.

A watch begins with a list. The difference between the list and the known Secrets has all changes
during a gap, so no resync is needed after it. A stream that the API server closed is continued from
its last resourceVersion; after any error there is another list.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from onepassword_operator.model.errors import (
    ClusterDeniedError,
    ClusterError,
    ClusterExpiredError,
)
from onepassword_operator.model.secret import SecretKey, Sight
from onepassword_operator.ports import Clock, SecretWatch
from onepassword_operator.service.watch.namespaces import Access, Namespaces
from onepassword_operator.service.watch.secret_news import SecretNews

READS_AT_ONCE: Final = 4
LONGEST_PAUSE_SECONDS: Final = 30.0
CALM_SECONDS: Final = 60.0
"""A stream that ran for this many seconds does not count as failing in a row."""
_DOUBLINGS: Final = 5

_log = logging.getLogger(__name__)


class SecretWatcher:
    """Watches until it is cancelled."""

    def __init__(
        self,
        watch: SecretWatch,
        *,
        news: SecretNews,
        namespaces: Namespaces,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._watch = watch
        self._news = news
        self._namespaces = namespaces
        self._clock = clock
        self._sleep = sleep

    async def run(self) -> None:
        """Watch, and read changed Secrets, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for namespace in self._namespaces.names:
                    tasks.create_task(
                        self._keep_watching(namespace), name=f"secret-watch-{namespace or 'all'}"
                    )
                for number in range(READS_AT_ONCE):
                    tasks.create_task(self._news.run(), name=f"secret-reads-{number}")
        finally:
            self._news.close()

    async def _keep_watching(self, namespace: str) -> None:
        since, failures, reported = 0, 0, ""
        while True:
            await self._namespaces.until_listed(namespace)
            began, trouble = self._clock.monotonic(), None
            try:
                since = await self._follow(namespace, since or await self._list(namespace))
            except ClusterError as error:
                since, trouble = 0, error
            if self._clock.monotonic() - began >= CALM_SECONDS:
                failures, reported = 0, ""
                if trouble is None:
                    continue
            failures += 1
            reported = self._report(namespace, trouble, reported=reported)
            await self._sleep(self._pause(failures, trouble))

    async def _list(self, namespace: str) -> int:
        there: set[SecretKey] = set()
        state = 0
        async for sight in self._watch.listed(namespace):
            if sight.kind is Sight.UP_TO_HERE:
                state = sight.resource_version
            elif self._news.asked_for(sight.key):
                there.add(sight.key)
                self._news.seen(sight.key, sight.resource_version)
        self._news.listed(namespace, there, version=state)
        return state

    async def _follow(self, namespace: str, since: int) -> int:
        async for sight in self._watch.changes(namespace, since=since):
            self._namespaces.allow(namespace, Access.SECRET_WATCH)
            since = sight.resource_version
            if sight.kind is Sight.SEEN:
                self._news.seen(sight.key, since)
            elif sight.kind is Sight.GONE:
                self._news.gone(sight.key, since)
        self._namespaces.allow(namespace, Access.SECRET_WATCH)
        return since

    def _pause(self, failures: int, trouble: ClusterError | None) -> float:
        pause = min(2.0 ** min(failures - 1, _DOUBLINGS), LONGEST_PAUSE_SECONDS) * (
            0.5 + self._clock.jitter() / 2
        )
        return max(pause, trouble.delay_seconds or 0.0) if trouble else pause

    def _report(self, namespace: str, trouble: ClusterError | None, *, reported: str) -> str:
        # Logs each trouble once while it lasts. An outdated resourceVersion is none: a list
        # follows.
        if trouble is None or isinstance(trouble, ClusterExpiredError) or str(trouble) == reported:
            return reported
        if isinstance(trouble, ClusterDeniedError):
            self._namespaces.refuse(namespace, Access.SECRET_WATCH, error=trouble)
            return reported
        detail = {"namespace": namespace or "all", "reason": trouble.reason, "detail": str(trouble)}
        _log.warning("the watch on Secrets failed and is started again", extra=detail)
        return str(trouble)
