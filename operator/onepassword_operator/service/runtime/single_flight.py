"""One call at a time for each key, whose answer or error all callers of that time share.

An error is kept for a second, so that hundreds of callers for the same key don't try one after the
other.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from onepassword_operator.model.errors import OperatorError
from onepassword_operator.ports import Clock

FAILURE_SECONDS: Final = 1.0
"""Seconds for which an error answers further callers."""
_FAILURES: Final = 1000

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Calls in flight and recent errors, by key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: dict[K, asyncio.Future[T]] = {}
        self._failed: OrderedDict[K, tuple[float, OperatorError]] = OrderedDict()

    async def run(self, key: K, call: Callable[[], Awaitable[T]], *, anew: bool = False) -> T:
        """Return the answer of the call in flight, or of a new one.

        Args:
            key: identifies the call.
            call: makes the call if none is in flight.
            anew: make a new call even after a recent error.

        Raises:
            OperatorError: the call failed, now or within the last second.
        """
        flight = self._under_way.get(key)
        # One that has ended in this turn of the event loop answers nobody who came after it.
        if flight is None or flight.done():
            if not anew and (failure := self._failure(key)):
                raise failure.anew()
            flight = self._begin(key, call)
        # Shielded: if one of the waiting callers is cancelled, the others still need the answer.
        return await asyncio.shield(flight)

    def forget(self, key: K) -> None:
        """Drop a call in flight and a recent error, so that the next caller makes a new call."""
        self._under_way.pop(key, None)
        self._failed.pop(key, None)

    def _begin(self, key: K, call: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        flight = asyncio.ensure_future(call())
        self._under_way[key] = flight
        flight.add_done_callback(lambda ended: self._end(key, ended))
        return flight

    def _end(self, key: K, flight: asyncio.Future[T]) -> None:
        if self._under_way.get(key) is flight:
            del self._under_way[key]
        self._failed.pop(key, None)
        if flight.cancelled() or not isinstance(error := flight.exception(), OperatorError):
            return
        error = error.anew()  # without the frames of the call, and what they hold
        self._failed[key] = (self._clock.monotonic(), error)
        asyncio.get_running_loop().call_later(FAILURE_SECONDS, self._drop, key, error)
        if len(self._failed) > _FAILURES:
            self._failed.popitem(last=False)

    def _drop(self, key: K, error: OperatorError) -> None:
        # The last raise has left its frames in the traceback.
        if self._failed.get(key, (0.0, None))[1] is error:
            del self._failed[key]

    def _failure(self, key: K) -> OperatorError | None:
        at, error = self._failed.get(key, (0.0, None))
        return error if error and self._clock.monotonic() - at < FAILURE_SECONDS else None
