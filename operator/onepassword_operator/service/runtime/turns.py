"""The order of keys that wait: turns shared among namespaces, and more of them for urgent keys.

Weighted fair queuing: a namespace's keys of one priority are a line of their own, and a key that
runs sets its line back by what its priority costs. So urgent keys come first, but however many come
from one namespace, the others have their turns in between.
"""

from __future__ import annotations

import heapq
import itertools
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, Protocol, TypeVar


class Key(Hashable, Protocol):
    """A key of the queue; it belongs to a namespace."""

    @property
    def namespace(self) -> str:
        """The namespace of the key."""


K = TypeVar("K", bound=Key)

_SLACK: Final = 1_000


class _Line(Generic[K]):
    """The keys of one namespace and priority, in the order in which they were added."""

    def __init__(self, namespace: str, priority: int, *, start: int) -> None:
        self.name = namespace, priority
        self.keys: OrderedDict[K, None] = OrderedDict()
        self.start = start
        """When its turn starts, in units of a turn's cost: what its keys have used so far."""

    @property
    def end(self) -> int:
        """When its turn ends; the line whose turn ends first is the next."""
        return self.start + self.name[1] + 1


class Turns(Generic[K]):
    """The keys that wait for a worker; adding and taking one costs O(log n)."""

    def __init__(self, *, crowds: Callable[[str], bool]) -> None:
        """Keep the parameter: `crowds` tells which namespaces let the others pass."""
        self._crowds = crowds
        self._now = 0
        """The latest start of a turn; a line that is new starts here."""
        self._order = itertools.count()
        self._lines: dict[tuple[str, int], _Line[K]] = {}
        self._heap: list[tuple[int, int, int, _Line[K]]] = []
        """Every line once. An empty one stays until its turn, so that its use is not forgotten."""
        self._size = 0

    def add(self, key: K, priority: int) -> None:
        """Add a key that does not wait yet; of two priorities the lower one is the more urgent."""
        name = key.namespace, priority
        line = self._lines.get(name)
        if line is None:
            line = self._lines[name] = _Line(*name, start=self._now)
            self._push(line)
        line.keys[key] = None
        self._size += 1
        if len(self._lines) > _SLACK + 2 * self._size:  # nobody takes keys of a standby
            self._lines = {name: line for name, line in self._lines.items() if line.keys}
            self._heap = [entry for entry in self._heap if entry[-1].keys]
            heapq.heapify(self._heap)

    def remove(self, key: K, priority: int) -> None:
        """Remove a key that waits with this priority."""
        del self._lines[key.namespace, priority].keys[key]
        self._size -= 1

    def take(self, may_run: Callable[[K], bool]) -> K | None:
        """Remove and return the next key that may run; those before it are removed, too."""
        crowding: list[_Line[K]] = []
        taken: K | None = None
        while taken is None and self._heap:
            line = heapq.heappop(self._heap)[-1]
            if line.keys and self._crowds(line.name[0]):
                crowding.append(line)
            else:
                taken = self._first(line, may_run)
        for line in crowding:
            if taken is None:
                taken = self._first(line, may_run)
            else:
                self._push(line)
        return taken

    def _first(self, line: _Line[K], may_run: Callable[[K], bool]) -> K | None:
        while line.keys:
            key, _ = line.keys.popitem(last=False)
            self._size -= 1
            if may_run(key):
                self._now = max(self._now, line.start)
                line.start = line.end
                self._push(line)
                return key
        del self._lines[line.name]
        return None

    def _push(self, line: _Line[K]) -> None:
        heapq.heappush(self._heap, (line.end, line.name[1], next(self._order), line))
