"""The work queue: prioritised, without duplicates, one reconcile per key at a time.

New Secrets come before drift before changed items before resyncs. A key that is added during its
reconcile runs again afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, Protocol, TypeVar

RECHECK_SECONDS: Final = 1.0
"""Seconds between an idle worker's checks whether the targets that block keys have recovered."""


class Priority(enum.IntEnum):
    """The order of keys: the lower value runs first."""

    NEW = 0
    DRIFT = 1
    CHANGED = 2
    LOW = 3


class Key(Hashable, Protocol):
    """A key of the queue; it belongs to a namespace."""

    @property
    def namespace(self) -> str:
        """The namespace of the key."""


_SLACK: Final = 1_000

K = TypeVar("K", bound=Key)
K_contra = TypeVar("K_contra", contravariant=True)
_Entry = tuple[Priority, int, K]


class Limits(Protocol[K_contra]):
    """Limits the workers of unhealthy targets (`fair_share.py`)."""

    def blocked_by(self, key: K_contra) -> Hashable | None:
        """Return the target that blocks the key although a worker is free; None if none does."""

    def room(self, target: Any) -> int:  # noqa: ANN401  whatever `blocked_by` named
        """Return how many more reconciles may run for a target that blocked keys."""

    def begin(self, key: K_contra) -> None:
        """Note that a reconcile of the key begins."""

    def end(self, key: K_contra) -> None:
        """Note that the reconcile of the key has ended."""


class _Unlimited:
    def blocked_by(self, key: object) -> None:
        pass

    def room(self, target: object) -> int:
        del target
        return 1

    def begin(self, key: object) -> None:
        pass

    def end(self, key: object) -> None:
        pass


class WorkQueue(Generic[K]):
    """Keys to reconcile, now or later."""

    def __init__(self, *, limits: Limits[K] | None = None) -> None:
        self._limits: Limits[K] = limits or _Unlimited()
        self._blocked: dict[Hashable, dict[K, _Entry[K]]] = {}
        """Keys that may not run although it is their turn, by the target that blocks them."""
        self._blocked_by: dict[K, Hashable] = {}
        self._order = itertools.count()
        self._heap: list[_Entry[K]] = []
        self._waiting: dict[K, _Entry[K]] = {}
        """The one entry of each key that counts; the heap may hold older ones."""
        self._running: set[K] = set()
        self._again: dict[K, Priority] = {}
        self._later: dict[K, asyncio.TimerHandle] = {}
        self._per_namespace: Counter[str] = Counter()
        self._when_idle: dict[str, Callable[[], None]] = {}
        self._ready = asyncio.Event()

    def add(self, key: K, priority: Priority) -> None:
        """Queue a key; it replaces a delayed retry."""
        self._forget_later(key)
        if key in self._running:
            self._again[key] = min(priority, self._again.get(key, priority))
            return
        held, blocked = self._waiting.get(key), self._unblock(key)
        if held is not None and held[0] <= priority:
            if not blocked:
                return
            priority = held[0]
        if held is None:
            self._per_namespace[key.namespace] += 1
        self._waiting[key] = entry = (priority, next(self._order), key)
        heapq.heappush(self._heap, entry)
        if len(self._heap) > _SLACK + 2 * len(self._waiting):  # nobody takes keys of a standby
            counting = {id(held) for held in self._waiting.values()}
            self._heap = [held for held in self._heap if id(held) in counting]
            heapq.heapify(self._heap)
        self._ready.set()

    def add_later(self, key: K, priority: Priority, *, delay_seconds: float) -> None:
        """Queue a key after a delay, unless `add` does so before.

        Of two delays the one that ends first counts.
        """
        loop, held = asyncio.get_running_loop(), self._later.get(key)
        if (
            key in self._waiting
            or key in self._again
            or (held and held.when() <= loop.time() + delay_seconds)
        ):
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
        """Wait for the next key; its reconcile must end with `done`."""
        while True:
            while self._heap:
                entry = heapq.heappop(self._heap)
                key = entry[2]
                if self._waiting.get(key) is not entry:
                    continue
                if (target := self._limits.blocked_by(key)) is not None:
                    self._blocked.setdefault(target, {})[key] = entry
                    self._blocked_by[key] = target
                    continue
                del self._waiting[key]
                self._running.add(key)
                self._limits.begin(key)
                return key
            self._ready.clear()
            await self._more()

    def done(self, key: K) -> None:
        """End the reconcile of a key; queue the key again if it was added meanwhile."""
        self._running.discard(key)
        self._limits.end(key)
        self._unblock_some()
        again = self._again.pop(key, None)
        if again is not None:
            self.add(key, again)
        self._leave(key)

    def discard(self, key: K) -> None:
        """Drop a key that nobody asks for any more, unless it is running."""
        self._forget_later(key)
        if self._waiting.pop(key, None):
            self._unblock(key)
            self._leave(key)

    def lower(self, key: K, priority: Priority) -> None:
        """Lower the priority of a key that waits."""
        if key in self._waiting:
            self.discard(key)
            self.add(key, priority)

    def _leave(self, key: K) -> None:
        self._per_namespace[key.namespace] -= 1
        if not self._per_namespace[key.namespace]:
            del self._per_namespace[key.namespace]
            if call := self._when_idle.pop(key.namespace, None):
                call()

    async def _more(self) -> None:
        # Blocked keys may run when a reconcile ends, or when their target recovers, which nothing
        # signals.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RECHECK_SECONDS if self._blocked else None):
                await self._ready.wait()
        self._unblock_some()

    def _unblock_some(self) -> None:
        for target in list(self._blocked):
            for entry in heapq.nsmallest(
                max(self._limits.room(target), 0), self._blocked[target].values()
            ):
                self._unblock(entry[2])
                heapq.heappush(self._heap, entry)
                self._ready.set()

    def _unblock(self, key: K) -> bool:
        # Return whether the key was blocked; if so, it gets its turn again.
        if key not in self._blocked_by:
            return False
        target = self._blocked_by.pop(key)
        del self._blocked[target][key]
        if not self._blocked[target]:
            del self._blocked[target]
        return True

    def is_running(self, key: K) -> bool:
        """Whether a reconcile of the key is running."""
        return key in self._running

    def when_idle(self, namespace: str, call: Callable[[], None]) -> None:
        """Call once no key of the namespace is queued or running; delayed retries do not count.

        Of several calls for a namespace the last one is made.
        """
        if namespace in self._per_namespace:
            self._when_idle[namespace] = call
        else:
            call()

    def depth(self) -> int:
        """Return the number of keys that are queued or running."""
        return len(self._waiting) + len(self._running)

    def delayed(self) -> int:
        """Return the number of delayed keys."""
        return len(self._later)

    def close(self) -> None:
        """Cancel the timers."""
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()
