"""A semaphore whose slow holders make room for others, up to a limit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

PATIENCE_SECONDS: Final = 2.0
"""Seconds until a holder counts as slow, so that others need not wait for it."""


class Timer(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Cancel the call."""


def _call_later(seconds: float, function: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, function)


class Seats:
    """A semaphore.

    A holder that is slow loses its seat to the next one, but goes on with its work.
    """

    def __init__(
        self,
        count: int,
        *,
        overdue: int,
        later: Callable[[float, Callable[[], None]], Timer] = _call_later,
    ) -> None:
        """Make `count` seats; at most `overdue` holders go on without a seat."""
        self._free = asyncio.Semaphore(count)
        self._room = overdue
        self._later = later

    @contextlib.asynccontextmanager
    async def seat(self) -> AsyncIterator[Seat]:
        """Wait for a seat and hold it until the end of the block, or until its holder is slow.

        Slowness counts from `start`.
        """
        await self._free.acquire()
        seat = Seat(self)
        try:
            yield seat
        finally:
            self._leave(seat)

    def start(self, seat: Seat) -> None:
        """Start the holder's time."""
        seat.timer = self._later(PATIENCE_SECONDS, lambda: self._give_away(seat))

    def _give_away(self, seat: Seat) -> None:
        if not self._room:
            self.start(seat)  # too many others are overdue; try again later
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
    """A seat of `Seats`, held by one task."""

    def __init__(self, seats: Seats) -> None:
        self._seats = seats
        self.timer: Timer | None = None
        self.given_away = False

    def start(self) -> None:
        """Start the time after which the holder is slow."""
        self._seats.start(self)
