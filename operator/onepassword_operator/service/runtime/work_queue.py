"""The work queue: prioritised, without duplicates, one reconcile per key at a time.

New Secrets come before drift before changed items before resyncs, as long as no namespace takes
more than its share of turns (`turns.py`). A key that is added during its reconcile runs again
afterwards.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import heapq
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, Final, Generic, Protocol, TypeVar

from onepassword_operator.service.runtime.turns import Key, Turns

RECHECK_SECONDS: Final = 1.0
"""Seconds between an idle worker's checks whether the targets that block keys have recovered."""


class Priority(enum.IntEnum):
    """The order of keys: the lower value runs first, and its turn costs less."""

    NEW = 0
    DRIFT = 1
    CHANGED = 2
    LOW = 3


K = TypeVar("K", bound=Key)
K_contra = TypeVar("K_contra", contravariant=True)


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
        self._blocked: dict[Hashable, dict[K, Priority]] = {}
        """Keys that may not run although it is their turn, by the target that blocks them."""
        self._blocked_by: dict[K, Hashable] = {}
        self._turns: Turns[K] = Turns(crowds=self._crowds)
        self._waiting: dict[K, Priority] = {}
        """The keys that have turns, and the blocked ones."""
        self._running: set[K] = set()
        self._running_in: Counter[str] = Counter()
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
        if held is None:
            self._per_namespace[key.namespace] += 1
        elif held <= priority and not blocked:
            return
        else:
            priority = min(held, priority)
            if not blocked:
                self._turns.remove(key, held)
        self._waiting[key] = priority
        self._turns.add(key, priority)
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
        while (key := self._turns.take(self._may_run)) is None:
            self._ready.clear()
            await self._more()
        del self._waiting[key]
        self._running.add(key)
        self._running_in[key.namespace] += 1
        self._limits.begin(key)
        return key

    def _may_run(self, key: K) -> bool:
        if (target := self._limits.blocked_by(key)) is None:
            return True
        self._blocked.setdefault(target, {})[key] = self._waiting[key]
        self._blocked_by[key] = target
        return False

    def _crowds(self, namespace: str) -> bool:
        # Slow writes hold workers for longer than their turns tell.
        return 2 * self._running_in[namespace] > len(self._running)

    def done(self, key: K) -> None:
        """End the reconcile of a key; queue the key again if it was added meanwhile."""
        self._running.discard(key)
        self._running_in[key.namespace] -= 1
        if not self._running_in[key.namespace]:
            del self._running_in[key.namespace]
        self._limits.end(key)
        self._unblock_some()
        again = self._again.pop(key, None)
        if again is not None:
            self.add(key, again)
        self._leave(key)

    def discard(self, key: K) -> None:
        """Drop a key that nobody asks for any more, unless it is running."""
        self._forget_later(key)
        if (held := self._waiting.pop(key, None)) is not None:
            if not self._unblock(key):
                self._turns.remove(key, held)
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
            keys, room = self._blocked[target], max(self._limits.room(target), 0)
            for key in heapq.nsmallest(room, keys, key=keys.__getitem__):
                self._unblock(key)
                self._turns.add(key, self._waiting[key])
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
