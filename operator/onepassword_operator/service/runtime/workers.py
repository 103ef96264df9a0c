"""The workers: passes over Secrets, so many at once. A pass that takes long goes on, and its worker takes the next one meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic

from onepassword_operator.service.runtime.seats import Seats
from onepassword_operator.service.runtime.work_queue import K, WorkQueue

OVERDUE: Final = 2
"""For each worker, so many passes may go on without one."""


class Workers(Generic[K]):
    """Loops that take keys from the queue."""

    def __init__(self, queue: WorkQueue[K], work: Callable[[K], Awaitable[None]], *, count: int, begin: asyncio.Event) -> None:
        """Work on `count` keys at once, from `begin` on."""
        self._queue = queue
        self._work = work
        self._seats = Seats(count, overdue=OVERDUE * count)
        self._begin = begin
        self.loops = count + OVERDUE * count
        """How often `run` is to be started."""

    async def run(self) -> None:
        """Take and work until cancelled; nothing else than an error of ours ends it."""
        await self._begin.wait()
        while True:
            async with self._seats.seat() as seat:
                key = await self._queue.take()
                seat.start()
                try:
                    await self._work(key)
                finally:
                    self._queue.done(key)
