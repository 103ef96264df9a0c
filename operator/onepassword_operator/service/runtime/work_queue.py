"""The work queue: bounded by the number of keys, de-duplicating, prioritised, one pass per key at a time.

New Secrets before drift before changed items before resyncs. A key that is added while its pass runs is run again afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import heapq
import itertools
from collections import Counter
from collections.abc import Hashable
from typing import Any, Final, Generic, Protocol, TypeVar

ASIDE_SECONDS: Final = 1.0
"""How often an idle worker looks whether what keeps keys waiting has got well."""


class Priority(enum.IntEnum):
    """Lower runs first."""

    NEW = 0
    DRIFT = 1
    CHANGED = 2
    LOW = 3


class Key(Hashable, Protocol):
    """What a queue can hold: something in a namespace."""

    @property
    def namespace(self) -> str:
        """The namespace it lives in."""


K = TypeVar("K", bound=Key)
K_contra = TypeVar("K_contra", contravariant=True)
_Entry = tuple[int, int, K]


class Share(Protocol[K_contra]):
    """Who may hold how many workers."""

    def held_up(self, key: K_contra) -> Hashable | None:
        """What keeps the key waiting although a worker is free; None if nothing does."""

    def room(self, target: Any) -> int:  # noqa: ANN401  whatever `held_up` named
        """How many more passes may run for what kept keys waiting."""

    def began(self, key: K_contra) -> None:
        """A pass over the key begins."""

    def ended(self, key: K_contra) -> None:
        """It has ended."""


class _Unlimited:
    def held_up(self, key: object) -> None:
        pass

    def room(self, target: object) -> int:
        del target
        return 1

    def began(self, key: object) -> None:
        pass

    def ended(self, key: object) -> None:
        pass


class WorkQueue(Generic[K]):
    """Keys to be looked at, now or later."""

    def __init__(self, *, share: Share[K] | None = None) -> None:
        self._share: Share[K] = share or _Unlimited()
        self._aside: dict[Hashable, dict[K, _Entry[K]]] = {}
        """Keys whose turn has come and passed, by what keeps them waiting."""
        self._kept_by: dict[K, Hashable] = {}
        self._order = itertools.count()
        self._heap: list[_Entry[K]] = []
        self._waiting: dict[K, Priority] = {}
        self._running: set[K] = set()
        self._again: dict[K, Priority] = {}
        self._later: dict[K, asyncio.TimerHandle] = {}
        self._per_namespace: Counter[str] = Counter()
        self._idle: dict[str, list[asyncio.Future[None]]] = {}
        self._ready = asyncio.Event()

    def add(self, key: K, priority: Priority) -> None:
        """Have the key looked at as soon as its turn comes; a waiting retry is brought forward."""
        self._forget_later(key)
        if key in self._running:
            self._again[key] = min(priority, self._again.get(key, priority))
            return
        held, aside = self._waiting.get(key), self._take_back(key)
        if held is not None and held <= priority:
            if not aside:
                return
            priority = held
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
                entry = heapq.heappop(self._heap)
                priority, _, key = entry
                if self._waiting.get(key) != priority:
                    continue
                if (target := self._share.held_up(key)) is not None:
                    self._aside.setdefault(target, {})[key] = entry
                    self._kept_by[key] = target
                    continue
                del self._waiting[key]
                self._running.add(key)
                self._share.began(key)
                return key
            self._ready.clear()
            await self._more()

    def done(self, key: K) -> None:
        """End a pass; whatever was added meanwhile gets its turn."""
        self._running.discard(key)
        self._share.ended(key)
        self._bring_back()
        self._per_namespace[key.namespace] -= 1
        again = self._again.pop(key, None)
        if again is not None:
            self.add(key, again)
        if not self._per_namespace[key.namespace]:
            del self._per_namespace[key.namespace]
            for waiter in self._idle.pop(key.namespace, ()):
                if not waiter.done():
                    waiter.set_result(None)

    async def _more(self) -> None:
        # The end of a pass makes room for what was put aside, and so does recovery, of which nobody tells.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ASIDE_SECONDS if self._aside else None):
                await self._ready.wait()
        self._bring_back()

    def _bring_back(self) -> None:
        for target in list(self._aside):
            for entry in heapq.nsmallest(max(self._share.room(target), 0), self._aside[target].values()):
                self._take_back(entry[2])
                heapq.heappush(self._heap, entry)
                self._ready.set()

    def _take_back(self, key: K) -> bool:
        # Whether it was put aside; its turn comes again.
        if key not in self._kept_by:
            return False
        target = self._kept_by.pop(key)
        del self._aside[target][key]
        if not self._aside[target]:
            del self._aside[target]
        return True

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
