"""Turns at an even pace: what is cheap for us to ask for may be dear for whoever has to carry it out, as a rollout is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from onepassword_operator.ports import Clock


class RateLimiter:
    """Hands out turns, so many a second and never two at once, in the order in which they were asked for."""

    def __init__(self, per_second: float, clock: Clock, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._gap_seconds = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = clock.monotonic()

    async def turn(self) -> None:
        """Return when it is the caller's turn; a quiet time is not saved up."""
        now = self._clock.monotonic()
        mine = max(self._next, now)
        self._next = mine + self._gap_seconds
        if mine > now:
            await self._sleep(mine - now)
