"""The limit of requests a minute for one credential, and the order of those that wait.

Vault lists are few and always go next. Item lists may be due faster than they can be sent, so every
third of the other turns goes to the last in order.

Waiting is no failure, and no status or log line reports it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from onepassword_operator.ports import Clock

MINUTE_SECONDS: Final = 60.0
AT_ONCE: Final = 0.1
"""The burst, as a part of a minute's requests, after a quiet time; the rest is spread evenly."""
RANKS: Final[Mapping[str, int]] = {"GET /v1/vaults": 0, "GET /v1/vaults/:uuid/items": 1}
"""Order by route, lowest first; all other routes come after these."""
TURNS_AHEAD: Final = 2
"""Turns in a row, vault lists not counted, for which the last in order can be passed over."""
_ROUNDING: Final = 1e-6


_Line = deque[asyncio.Future[None]]


def _call_later(seconds: float, function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, function)


class Budget:
    """Delays requests so that no minute has more than `per_minute`; 0 means no limit."""

    def __init__(
        self,
        per_minute: int,
        clock: Clock,
        *,
        later: Callable[[float, Callable[[], None]], None] = _call_later,
    ) -> None:
        self._limited = per_minute > 0
        self._burst = max(1.0, per_minute * AT_ONCE)
        # The burst and the tokens of a minute add up to the limit, so no minute exceeds it.
        self._per_second = (per_minute - self._burst) / MINUTE_SECONDS
        self._clock = clock
        self._later = later
        self._left, self._at = self._burst, clock.monotonic()
        self._waiting: tuple[_Line, ...] = tuple(deque() for _ in range(len(RANKS) + 1))
        self._passed_over = 0
        self._called = False

    async def turn(self, route: str) -> float:
        """Wait until the request may be sent; return the seconds waited."""
        if not self._limited or (not any(self._waiting) and self._take()):
            return 0.0
        asked = self._clock.monotonic()
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[RANKS.get(route, len(RANKS))].append(mine)
        self._call()
        await mine
        return self._clock.monotonic() - asked

    def waiting(self) -> int:
        """Return the number of waiting requests."""
        return sum(not mine.done() for line in self._waiting for mine in line)

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
        while line := self._next():
            if not self._take():
                self._call()
                return
            self._note_turn(line)
            line.popleft().set_result(None)

    def _next(self) -> _Line | None:
        for line in self._waiting:
            while line and line[0].done():  # its caller has been cancelled
                line.popleft()
        polls, *rest = self._waiting
        present = [line for line in rest if line]
        if polls or not present:
            return polls or None
        return present[-1] if self._passed_over >= TURNS_AHEAD else present[0]

    def _note_turn(self, line: _Line) -> None:
        polls, *rest = self._waiting
        if line is not polls:
            last = [other for other in rest if other][-1]
            self._passed_over = 0 if line is last else self._passed_over + 1
