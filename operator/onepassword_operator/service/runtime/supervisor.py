"""Supervises the tasks of the process: none ends unnoticed, and the liveness probe sees them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from onepassword_operator.model.errors import InternalError
from onepassword_operator.ports import Clock

LAG_LIMIT_SECONDS: Final = 30.0
STOP_SECONDS: Final = 8.0
_BEAT_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class Supervisor:
    """Starts tasks, waits for the first one that ends, and stops the others."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._beat = clock.monotonic()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ended = asyncio.Event()

    def start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work`, which should never return, as a task of this name."""

        async def run() -> None:
            await work()

        self._tasks[name] = task = asyncio.create_task(run(), name=name)
        task.add_done_callback(lambda _: self._ended.set())

    async def heartbeat(self) -> None:
        """Measure the lag of the event loop; run it as one of the tasks."""
        while True:
            self._beat = self._clock.monotonic()
            await asyncio.sleep(_BEAT_SECONDS)

    def trouble(self) -> str:
        """Return the problem, a task that ended or an event loop that stood still.

        Empty if there is none.
        """
        ended = [name for name, task in self._tasks.items() if task.done()]
        if ended:
            return f"stopped: {', '.join(ended)}"
        lag = self._clock.monotonic() - self._beat
        return f"the event loop stood still for {lag:.0f} s" if lag > LAG_LIMIT_SECONDS else ""

    async def first_end(self) -> None:
        """Wait for the first task that ends, even one started meanwhile, and raise its error.

        Raises:
            InternalError: a task returned.
        """
        await self._ended.wait()
        done = [task for task in self._tasks.values() if task.done()]
        for task in done:
            task.result()
        raise InternalError(f"ended: {', '.join(sorted(task.get_name() for task in done))}")

    async def stop(self) -> None:
        """Cancel all tasks and wait for them.

        A task that does not stop in time is abandoned and named in the log.
        """
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            _, left = await asyncio.wait(self._tasks.values(), timeout=STOP_SECONDS)
            for task in left:
                _log.warning("a task did not stop in time", extra={"task": task.get_name()})
