"""A rate limiter for restarts, each of which is a PATCH here and a rollout in the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from onepassword_operator.ports import Clock


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
