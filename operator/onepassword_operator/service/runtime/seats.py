"""So many at once; whoever takes long gives its seat to the next one, as long as not too many have done so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

PATIENCE_SECONDS: Final = 2.0
"""How long something may take before others need not wait for it."""


class Timer(Protocol):
    """Something that will happen, unless it is cancelled."""

    def cancel(self) -> None:
        """It will not."""


def _call_later(seconds: float, function: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, function)


class Seats:
    """A semaphore whose holders lose their seats, not their work, after a while."""

    def __init__(self, count: int, *, overdue: int, later: Callable[[float, Callable[[], None]], Timer] = _call_later) -> None:
        """Make `count` seats; so many more may go on without one."""
        self._free = asyncio.Semaphore(count)
        self._room = overdue
        self._later = later

    @contextlib.asynccontextmanager
    async def seat(self) -> AsyncIterator[Seat]:
        """A seat, for as long as its holder is quick from `start` on."""
        await self._free.acquire()
        seat = Seat(self)
        try:
            yield seat
        finally:
            self._leave(seat)

    def start(self, seat: Seat) -> None:
        """Count the time from now on."""
        seat.timer = self._later(PATIENCE_SECONDS, lambda: self._give_away(seat))

    def _give_away(self, seat: Seat) -> None:
        if not self._room:
            self.start(seat)  # others are overdue already; perhaps they end
            return
        self._room -= 1
        seat.timer = None
        seat.given_away = True
        self._free.release()

    def _leave(self, seat: Seat) -> None:
        if seat.timer:
            seat.timer.cancel()
        if seat.given_away:
            self._room += 1
        else:
            self._free.release()


class Seat:
    """A place among those who work at once."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self.timer: Timer | None = None
        self.given_away = False

    def start(self) -> None:
        """The work begins."""
        self._seats.start(self)
