"""A rate limiter for restarts, each of which is a PATCH here and a rollout in the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from onepassword_operator.ports import Clock

RESERVE: Final = 0.05
"""The part of the limit that restarts leave unused.

Turns are evenly spaced, but a task that wakes late and a request that takes long bring a patch
closer to the next one: with a limit of ten in a second, eleven arrived within one.
"""


class RateLimiter:
    """Hands out `per_second` turns a second, evenly spaced, in the order of the calls."""

    def __init__(
        self,
        per_second: float,
        clock: Clock,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap_seconds = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = clock.monotonic()

    async def turn(self) -> None:
        """Wait for the caller's turn. Unused turns are not saved up."""
        now = self._clock.monotonic()
        mine = max(self._next, now)
        self._next = mine + self._gap_seconds
        if mine > now:
            await self._sleep(mine - now)
