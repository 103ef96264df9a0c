"""The workers: a limited number of reconciles at once, and up to three times as many if slow.

A slow reconcile goes on while its worker takes the next key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic

from onepassword_operator.service.runtime.internal_errors import InternalErrors
from onepassword_operator.service.runtime.slots import Slots
from onepassword_operator.service.runtime.work_queue import K, Priority, WorkQueue

SLOW_PER_WORKER: Final = 2
"""Slow reconciles that may go on beside each worker."""


class Workers(Generic[K]):
    """Loops that reconcile keys from the queue."""

    def __init__(
        self,
        queue: WorkQueue[K],
        work: Callable[[K], Awaitable[None]],
        *,
        count: int,
        begin: asyncio.Event,
        errors: InternalErrors[K],
    ) -> None:
        """Keep the parameters: `count` keys at once, after `begin` is set."""
        self._queue = queue
        self._work = work
        self._slots = Slots(count, slow=SLOW_PER_WORKER * count)
        self._begin = begin
        self._errors = errors
        self.loops = count + SLOW_PER_WORKER * count
        """The number of tasks to start with `run`."""

    async def run(self) -> None:
        """Reconcile keys until cancelled, or until all fail by a bug."""
        await self._begin.wait()
        while True:
            async with self._slots.slot() as slot:
                key = await self._queue.take()
                slot.start()
                try:
                    delay = await self._errors.run(key, self._work)
                finally:
                    self._queue.done(key)
                if delay:
                    self._queue.add_later(key, Priority.LOW, delay_seconds=delay)
