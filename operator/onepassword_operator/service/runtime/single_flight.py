"""One call at a time for one thing: whoever asks while it is under way gets its answer, and its failure too.

A failure is remembered for seconds, so that hundreds who need the same thing don't try it one after the other.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from onepassword_operator.model.errors import OperatorError
from onepassword_operator.ports import Clock

FAILURE_SECONDS: Final = 1.0
"""How long a failure answers whoever asks next."""
_FAILURES: Final = 1000

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class SingleFlight(Generic[K, T]):
    """Calls under way, and failures of a moment ago, by key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: dict[K, asyncio.Future[T]] = {}
        self._failed: OrderedDict[K, tuple[float, OperatorError]] = OrderedDict()

    async def run(self, key: K, call: Callable[[], Awaitable[T]], *, anew: bool = False) -> T:
        """The answer of the call under way, or of one that is made now.

        Args:
            key: what is asked for.
            call: how it is asked for.
            anew: ask although it failed a moment ago.

        Raises:
            OperatorError: the call failed, now or a moment ago.
        """
        flight = self._under_way.get(key)
        if flight is None:
            if not anew and (failure := self._failure(key)):
                raise failure.anew()
            flight = self._begin(key, call)
        # Of those who wait one may be cancelled, and the others still want the answer.
        return await asyncio.shield(flight)

    def forget(self, key: K) -> None:
        """The next one who asks gets an answer to a call of its own."""
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
        # Whoever raised it last has left its frames with it.
        if self._failed.get(key, (0.0, None))[1] is error:
            del self._failed[key]

    def _failure(self, key: K) -> OperatorError | None:
        at, error = self._failed.get(key, (0.0, None))
        return error if error and self._clock.monotonic() - at < FAILURE_SECONDS else None
