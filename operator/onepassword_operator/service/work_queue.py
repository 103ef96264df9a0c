"""The work queue: bounded by the number of keys, de-duplicating, prioritised, one pass per key at a time.

New Secrets before drift before changed items before sweeps. A key that is added while its pass runs is run again afterwards.
"""

from __future__ import annotations

import asyncio
import enum
import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar


def _everything(key: object) -> bool:
    del key
    return True


class Priority(enum.IntEnum):
    """Lower runs first."""

    NEW = 0
    DRIFT = 1
    CHANGED = 2
    SWEEP = 3


class Key(Hashable, Protocol):
    """What a queue can hold: something in a namespace."""

    @property
    def namespace(self) -> str:
        """The namespace it lives in."""


K = TypeVar("K", bound=Key)


class WorkQueue(Generic[K]):
    """Keys to be looked at, now or later."""

    def __init__(self, *, admits: Callable[[K], bool] = _everything) -> None:
        self._admits = admits
        self._order = itertools.count()
        self._heap: list[tuple[int, int, K]] = []
        self._waiting: dict[K, Priority] = {}
        self._running: set[K] = set()
        self._again: dict[K, Priority] = {}
        self._later: dict[K, asyncio.TimerHandle] = {}
        self._per_namespace: Counter[str] = Counter()
        self._idle: dict[str, list[asyncio.Future[None]]] = {}
        self._ready = asyncio.Event()

    def add(self, key: K, priority: Priority) -> None:
        """Have the key looked at as soon as its turn comes; a waiting retry is brought forward. What is not admitted is passed over."""
        if not self._admits(key):
            return
        self._forget_later(key)
        if key in self._running:
            self._again[key] = min(priority, self._again.get(key, priority))
            return
        held = self._waiting.get(key)
        if held is not None and held <= priority:
            return
        if held is None:
            self._per_namespace[key.namespace] += 1
        self._waiting[key] = priority
        heapq.heappush(self._heap, (priority, next(self._order), key))
        self._ready.set()

    def add_later(self, key: K, priority: Priority, *, delay_seconds: float) -> None:
        """Have the key looked at after a delay, unless something brings it forward; of two delays the one that ends first counts."""
        loop, held = asyncio.get_running_loop(), self._later.get(key)
        if key in self._waiting or key in self._again or (held and held.when() <= loop.time() + delay_seconds):
            return
        self._forget_later(key)
        self._later[key] = loop.call_later(delay_seconds, self._due, key, priority)

    def _due(self, key: K, priority: Priority) -> None:
        self._later.pop(key, None)
        self.add(key, priority)

    def _forget_later(self, key: K) -> None:
        if timer := self._later.pop(key, None):
            timer.cancel()

    async def take(self) -> K:
        """The next key; its pass must end with `done`."""
        while True:
            while self._heap:
                priority, _, key = heapq.heappop(self._heap)
                if self._waiting.get(key) == priority:
                    del self._waiting[key]
                    self._running.add(key)
                    return key
            self._ready.clear()
            await self._ready.wait()

    def done(self, key: K) -> None:
        """End a pass; whatever was added meanwhile gets its turn."""
        self._running.discard(key)
        self._per_namespace[key.namespace] -= 1
        again = self._again.pop(key, None)
        if again is not None:
            self.add(key, again)
        if not self._per_namespace[key.namespace]:
            del self._per_namespace[key.namespace]
            for waiter in self._idle.pop(key.namespace, ()):
                if not waiter.done():
                    waiter.set_result(None)

    def is_running(self, key: K) -> bool:
        """Whether a pass over the key is under way."""
        return key in self._running

    async def namespace_idle(self, namespace: str) -> None:
        """Wait until no key of the namespace waits for its turn or runs; retries that wait for their time do not count."""
        while self._per_namespace.get(namespace):
            waiter = asyncio.get_running_loop().create_future()
            self._idle.setdefault(namespace, []).append(waiter)
            await waiter

    def depth(self) -> int:
        """Keys that wait for their turn or run."""
        return len(self._waiting) + len(self._running)

    def delayed(self) -> int:
        """Keys that wait for their time."""
        return len(self._later)

    def close(self) -> None:
        """Drop the timers."""
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()
