"""Runs kopf for the watches, and starts it again when a watch ends.

kopf gives up after its own retries, or at once on an error inside a stream, and 5xx answers of the
API server must not end the process. A resync after each start finds the changes in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import kopf

from onepassword_operator.handlers.memories import NoMemories
from onepassword_operator.handlers.registry import build_settings
from onepassword_operator.model.names import COMPONENT
from onepassword_operator.ports import Clock

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
END_SECONDS: Final = 5.0
CALM_SECONDS: Final = 60.0
"""Watches that ran for this long do not count as failing in a row."""

_log = logging.getLogger(__name__)


class Offspring:
    """Collects the tasks that are created within a block, and all their descendants.

    They are known by their context, which a task inherits from its creator.
    """

    _within: Final[contextvars.ContextVar[bool]] = contextvars.ContextVar(
        "offspring", default=False
    )

    def __init__(self) -> None:
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Collect the tasks that are created in this block."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(self._create)
        token = self._within.set(True)
        try:
            yield
        finally:
            self._within.reset(token)

    def _create(
        self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        if self._within.get():
            self._tasks.add(task)
        return task

    async def end(self) -> None:
        """Cancel the remaining tasks, wait a while, and log the name of each that does not stop."""
        left = {task for task in self._tasks if not task.done()}
        for task in left:
            task.cancel()
        if left:
            ended, stubborn = await asyncio.wait(left, timeout=END_SECONDS)
            for task in ended:
                # asyncio would log an exception that is never read
                task.cancelled() or task.exception()
            for task in stubborn:
                _log.warning(
                    "a task of kopf's did not stop in time", extra={"task": task.get_name()}
                )


async def run_kopf(**options: Any) -> None:
    """Run `kopf.operator`, and end its remaining tasks afterwards.

    When a watch has failed, kopf itself cancels all tasks that began after it, ours too, because it
    can't tell whose they are; and it waits for ever for a task of its own that does not stop.
    """
    tasks = Offspring()
    try:
        with tasks.noted():
            roots = await kopf.spawn_tasks(**options)
        ended, _ = await asyncio.wait(roots, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await tasks.end()
    for task in ended:
        task.result()


class Watches:
    """Runs kopf, and starts it again after a pause that grows with failures in a row."""

    def __init__(
        self,
        *,
        registry: Callable[[], kopf.OperatorRegistry],
        namespaces: Sequence[str],
        started: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._namespaces = tuple(namespaces)
        self._started = started
        self._clock = clock

    async def run(self) -> None:
        """Watch until cancelled.

        It returns only if kopf caught a signal before `started` took the signals back.
        """
        failures = 0
        while True:
            began = self._clock.monotonic()
            failed = await self._once()
            if not failed:
                return
            failures = 1 if self._clock.monotonic() - began > CALM_SECONDS else failures + 1
            pause = min(
                FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE_SECONDS
            ) * (0.5 + self._clock.jitter() / 2)
            _log.warning(
                "watches ended, starting them again",
                extra={"error": failed, "pause": round(pause, 1)},
            )
            await asyncio.sleep(pause)

    async def _once(self) -> str:
        ready = asyncio.Event()
        waiting = asyncio.create_task(self._report(ready), name="watches-started")
        try:
            await run_kopf(
                registry=self._registry(),
                settings=build_settings(),
                memories=NoMemories(),
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                standalone=True,
                # by default kopf asks for the user's name, and a pod's user may have none
                identity=COMPONENT,
                ready_flag=ready,
            )
        # kopf's errors have no common base; only the name is logged, the text is the server's
        except Exception as error:  # noqa: BLE001
            return f"{type(error).__name__} {getattr(error, 'status', '')}".strip()
        finally:
            waiting.cancel()
        return ""

    async def _report(self, ready: asyncio.Event) -> None:
        await ready.wait()
        self._started()
