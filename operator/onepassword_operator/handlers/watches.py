"""Runs kopf for the watches, and runs it again when a watch ends: an API server that answers 5xx for a while is no reason to die.

kopf gives up after its own retries, or at once when an error arrives inside a stream. What it would have shown in between is found by a
sweep afterwards.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import kopf

from onepassword_operator.handlers.registry import build_settings
from onepassword_operator.ports import Clock

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
CALM_SECONDS: Final = 60.0
"""Watches that lived this long are not counted as failing in a row."""

_log = logging.getLogger(__name__)


class Watches:
    """kopf, again and again."""

    def __init__(
        self,
        *,
        registry: Callable[[], kopf.OperatorRegistry],
        namespaces: Sequence[str],
        started: Callable[[], None],
        resumed: Callable[[], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._namespaces = tuple(namespaces)
        self._started = started
        self._resumed = resumed
        self._clock = clock

    async def run(self) -> None:
        """Watch until cancelled; returns only if kopf caught a signal before `started` took the signals back."""
        failures = 0
        while True:
            began = self._clock.monotonic()
            failed = await self._once()
            if not failed:
                return
            failures = 1 if self._clock.monotonic() - began > CALM_SECONDS else failures + 1
            pause = min(FIRST_PAUSE_SECONDS * 2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS) * (0.5 + self._clock.jitter() / 2)
            _log.warning("watches ended, starting them again", extra={"error": failed, "pause": round(pause, 1)})
            await asyncio.sleep(pause)
            await self._resumed()

    async def _once(self) -> str:
        ready = asyncio.Event()
        # Made before kopf's own tasks: at its end it cancels those that came after its start.
        waiting = asyncio.create_task(self._tell(ready), name="watches-started")
        try:
            await kopf.operator(
                registry=self._registry(),
                settings=build_settings(),
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                standalone=True,
                ready_flag=ready,
            )
        except Exception as error:  # noqa: BLE001  kopf exports no base of its errors; the name is enough, the text is the server's
            return f"{type(error).__name__} {getattr(error, 'status', '')}".strip()
        finally:
            waiting.cancel()
        return ""

    async def _tell(self, ready: asyncio.Event) -> None:
        await ready.wait()
        self._started()
