"""A semaphore whose slow holders make room for others, up to a limit."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, Protocol

SLOW_SECONDS: Final = 2.0
"""Seconds until a holder counts as slow, so that others need not wait for it."""


class Timer(Protocol):
    """A scheduled call of `_call_later`."""

    def cancel(self) -> None:
        """Cancel the call."""


def _call_later(seconds: float, function: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(seconds, function)


class Slots:
    """A semaphore for tasks that may be slow.

    A holder that is slow loses its slot to the next one, but goes on with its work.
    """

    def __init__(
        self,
        count: int,
        *,
        slow: int,
        later: Callable[[float, Callable[[], None]], Timer] = _call_later,
    ) -> None:
        """Make `count` slots; at most `slow` holders go on without a slot."""
        self._free = asyncio.Semaphore(count)
        self._room = slow
        self._later = later

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """Wait for a slot and hold it until the end of the block, or until its holder is slow.

        Slowness counts from `start`.
        """
        await self._free.acquire()
        slot = Slot(self)
        try:
            yield slot
        finally:
            self._leave(slot)

    def start(self, slot: Slot) -> None:
        """Start the time after which the holder of the slot is slow."""
        slot.timer = self._later(SLOW_SECONDS, lambda: self._release_early(slot))

    def _release_early(self, slot: Slot) -> None:
        if not self._room:
            self.start(slot)  # too many others are slow; try again later
            return
        self._room -= 1
        slot.timer = None
        slot.released = True
        self._free.release()

    def _leave(self, slot: Slot) -> None:
        if slot.timer:
            slot.timer.cancel()
        if slot.released:
            self._room += 1
        else:
            self._free.release()


class Slot:
    """A slot of `Slots`, held by one task."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self.timer: Timer | None = None
        self.released = False

    def start(self) -> None:
        """Start the time after which the holder is slow."""
        self._slots.start(self)
