"""Remembers which requests reached the API port, so that a test can count reads.

Bodies, headers and tokens are not kept.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter, deque
from typing import Final

KEPT: Final = 2000


@dataclasses.dataclass(slots=True, kw_only=True)
class LoggedRequest:
    """One request.

    `status` is 0 until a complete answer was sent; `replica` is None if there is only one.
    """

    at: float
    method: str
    route: str
    path: str
    user_agent: str
    status: int = 0
    replica: int | None = None


class RequestLog:
    """Counts all `/v1` requests since the last reset, and keeps the last 2,000 of them."""

    def __init__(self) -> None:
        self.total = 0
        self.by_route: Counter[str] = Counter()
        self.item_reads: Counter[str] = Counter()
        self.by_replica: Counter[int] = Counter()
        self.entries: deque[LoggedRequest] = deque(maxlen=KEPT)
        self._arrival = asyncio.Event()

    def arrived(self, request: LoggedRequest, *, item_read: str | None = None) -> None:
        """Count a request on arrival, so that requests without an answer count too."""
        self.total += 1
        self.by_route[request.route] += 1
        self.by_replica[request.replica or 0] += 1
        if item_read is not None:
            self.item_reads[item_read] += 1
        self.entries.append(request)
        self._arrival.set()

    async def reached(self, total: int) -> None:
        """Wait until this many requests have arrived since the last reset."""
        while self.total < total:
            self._arrival.clear()
            await self._arrival.wait()

    def clear(self) -> None:
        """Start counting from zero."""
        self.total = 0
        self.by_route.clear()
        self.item_reads.clear()
        self.by_replica.clear()
        self.entries.clear()
