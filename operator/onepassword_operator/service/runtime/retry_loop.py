"""Runs work for keys until it succeeds; several workers in parallel, but never two on one key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic

from onepassword_operator.model.errors import ClusterError
from onepassword_operator.ports import Clock
from onepassword_operator.rules import retry
from onepassword_operator.service.runtime.internal_errors import InternalErrors
from onepassword_operator.service.runtime.work_queue import K, Priority, WorkQueue


class RetryLoop(Generic[K]):
    """Runs work for each woken key, and again after a delay as long as it raises a ClusterError.

    Work may return True if there is more to do: the key queues up behind the others for it.
    """

    def __init__(
        self,
        work: Callable[[K], Awaitable[bool | None]],
        *,
        queue: WorkQueue[K],
        clock: Clock,
        errors: InternalErrors[K],
        interval_seconds: float = 60.0,
        pause_seconds: float = 0.0,
    ) -> None:
        """Keep the parameters: each key waits for `pause_seconds` before its first try."""
        self._work = work
        self._clock = clock
        self._errors = errors
        self._interval_seconds = interval_seconds
        self._pause_seconds = pause_seconds
        self._queue = queue
        self._attempts: dict[K, int] = {}

    def wake(self, key: K) -> None:
        """Run the work for a key."""
        if self._pause_seconds:
            self._queue.add_later(key, Priority.CHANGED, delay_seconds=self._pause_seconds)
        else:
            self._queue.add(key, Priority.CHANGED)

    async def run(self) -> None:
        """Run the work for woken keys until cancelled."""
        while True:
            await self.run_next()

    async def run_next(self) -> None:
        """Wait for the next key, and run its work once."""
        key = await self._queue.take()
        try:
            delay = await self._errors.run(key, self._try)
        finally:
            self._queue.done(key)
        if delay is not None:
            self._queue.add_later(key, Priority.CHANGED, delay_seconds=delay)

    async def _try(self, key: K) -> float | None:
        try:
            if await self._work(key):
                self._queue.add(key, Priority.CHANGED)
            else:
                self._attempts.pop(key, None)
        except ClusterError as error:
            attempt = self._attempts[key] = self._attempts.get(key, 0) + 1
            delay = retry.delay_seconds(
                error,
                attempt=attempt,
                interval_seconds=self._interval_seconds,
                jitter=self._clock.jitter(),
            )
            return self._interval_seconds if delay is None else delay
        return None

    def depth(self) -> int:
        """Return the number of keys that wait or are being worked on."""
        return self._queue.depth()

    def close(self) -> None:
        """Cancel the timers."""
        self._queue.close()
