"""How many requests a minute one credential may cost, and who comes first when there are more: polls, then lists, then items.

Whoever has to wait is not told, and neither is anybody else: a request that waits its turn is nobody's failure.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Mapping
from typing import Final

from onepassword_operator.ports import Clock

MINUTE_SECONDS: Final = 60.0
AT_ONCE: Final = 0.1
"""The part of a minute's requests that may go out in a moment, after a quiet time; the rest come evenly."""
RANKS: Final[Mapping[str, int]] = {"GET /v1/vaults": 0, "GET /v1/vaults/:uuid/items": 1}
"""By route; every other one comes after these."""
_ROUNDING: Final = 1e-6


def _call_later(seconds: float, function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, function)


class Budget:
    """At most so many requests in any minute; 0 means no limit."""

    def __init__(self, per_minute: int, clock: Clock, *, later: Callable[[float, Callable[[], None]], None] = _call_later) -> None:
        self._limited = per_minute > 0
        self._burst = max(1.0, per_minute * AT_ONCE)
        # What is saved up and what comes in meanwhile make up a minute's requests, so that no minute sees more.
        self._per_second = (per_minute - self._burst) / MINUTE_SECONDS
        self._clock = clock
        self._later = later
        self._left, self._at = self._burst, clock.monotonic()
        self._order = itertools.count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._called = False

    async def turn(self, route: str) -> float:
        """Return when the request may go out; returns the seconds that took."""
        if not self._limited or (not self._waiting and self._take()):
            return 0.0
        asked = self._clock.monotonic()
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (RANKS.get(route, len(RANKS)), next(self._order), mine))
        self._call()
        await mine
        return self._clock.monotonic() - asked

    def waiting(self) -> int:
        """Requests that wait their turn."""
        return sum(not mine.done() for _, _, mine in self._waiting)

    def _take(self) -> bool:
        now = self._clock.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0 - _ROUNDING:
            return False
        self._left -= 1.0
        return True

    def _call(self) -> None:
        if not self._called:
            self._called = True
            self._later(max(1.0 - self._left, 0.0) / self._per_second, self._serve)

    def _serve(self) -> None:
        self._called = False
        while self._waiting:
            if self._waiting[0][2].done():  # whoever waited has been cancelled
                heapq.heappop(self._waiting)
            elif self._take():
                heapq.heappop(self._waiting)[2].set_result(None)
            else:
                self._call()
                return
