"""Posts Events in the background, a few at once.

The namespaces take turns, and within one the Events are posted one by one, in order. An Event is
dropped if it can't be written or if the queue is full; the log says so at most once a minute.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.page import ignored
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterAbsentError, ClusterDeniedError, ClusterError
from onepassword_operator.ports import Clock
from onepassword_operator.rules.event_correlation import CountedEvent

SENDERS: Final = 3
"""Events in flight: a small part of the writes that may run at once, so that Secrets go first."""
MOST_WAITING: Final = 5000
"""Queued Events: enough for a cold start with as many resources.

They take a few MiB; at worst 20, because messages have at most 1,024 characters.
"""
FLUSH_SECONDS: Final = 2.0
"""How long Events are still sent after everything else has ended."""
_QUIET_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class About(NamedTuple):
    """The object that an Event is about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str


class Outgoing(NamedTuple):
    """An Event in the queue, with the object it is about."""

    about: About
    reported: CountedEvent

    def body(self, instance: str) -> dict[str, Any]:
        """Render the core/v1 Event; `instance` is its reporting instance."""
        about, reported = self.about, self.reported
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": reported.name, "namespace": about.namespace},
            "involvedObject": {
                "apiVersion": about.api_version,
                "kind": about.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": about.uid,
            },
            "type": reported.note.kind,
            "reason": reported.note.reason,
            "source": {"component": names.COMPONENT},
            "reportingComponent": names.COMPONENT,
            "reportingInstance": instance,
            "firstTimestamp": reported.first,
        } | self.changes()

    def changes(self) -> dict[str, Any]:
        """Render the members that a repeated Event changes: count, message, last time."""
        return {
            "count": self.reported.count,
            "lastTimestamp": self.reported.last,
            "message": self.reported.note.message,
        }


class EventSender:
    """The queue of Events and the tasks that empty it."""

    def __init__(
        self,
        api: KubernetesApi,
        *,
        clock: Clock,
        new_name: Callable[[About], str],
        instance: str,
        dropped: Callable[[int], None],
    ) -> None:
        """Keep the parameters.

        `new_name` makes the name of an Event; `dropped` is called with the number of Events dropped
        untried.
        """
        self._api = api
        self._new_name = new_name
        self._instance = instance
        self._dropped = dropped
        self._lines: dict[str, deque[Outgoing]] = {}
        self._turns: asyncio.Queue[str] = asyncio.Queue()
        self._waiting = 0
        self._empty = asyncio.Event()
        self._reported_patch = False
        self._full = _Seldom(clock, "Events are dropped: too many are waiting")
        self._failed = _Seldom(clock, "Event could not be posted")

    def waiting(self) -> int:
        """Count the Events that wait or are being sent."""
        return self._waiting

    def put(self, event: Outgoing) -> None:
        """Queue an Event; drop it if 5,000 are waiting."""
        if self._waiting >= MOST_WAITING:
            self._dropped(1)
            self._full.say({"waiting": self._waiting})
            return
        namespace = event.about.namespace
        if namespace not in self._lines:
            self._lines[namespace] = deque()
            self._turns.put_nowait(namespace)
        self._lines[namespace].append(event)
        self._waiting += 1
        self._empty.clear()

    async def run(self) -> None:
        """Send until cancelled.

        An Event in flight at that moment is sent again by `flush`; its name keeps it from existing
        twice.
        """
        async with asyncio.TaskGroup() as group:
            for number in range(SENDERS):
                group.create_task(self._send_in_turn(), name=f"events-{number}")

    async def flush(self) -> None:
        """Send Events for at most two more seconds after `run` has ended, and drop the rest."""
        if self._waiting:
            running = asyncio.create_task(self.run(), name="last-events")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), FLUSH_SECONDS)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        if self._waiting:
            self._dropped(self._waiting)
            _log.info("Events are dropped: the operator stops", extra={"count": self._waiting})

    async def _send_in_turn(self) -> None:
        while True:
            namespace = await self._turns.get()
            line = self._lines[namespace]
            try:
                await self._send(line[0])
                line.popleft()
                self._waiting -= 1
            finally:
                self._next(namespace)

    def _next(self, namespace: str) -> None:
        if self._lines[namespace]:
            self._turns.put_nowait(namespace)
        else:
            del self._lines[namespace]
            if not self._lines:
                self._empty.set()

    async def _send(self, event: Outgoing) -> None:
        about, reported = event
        try:
            if reported.count == 1:
                await self._post(event)
            else:
                await self._patch(event)
        except ClusterError as error:
            self._failed.say(
                {"object": f"{about.kind} {about.namespace}/{about.name}", "reason": error.reason}
            )

    async def _patch(self, event: Outgoing) -> None:
        about, reported = event
        path = f"/api/v1/namespaces/{about.namespace}/events/{reported.name}"
        try:
            await self._api.merge_patch(path, event.changes(), resource="events", read=ignored)
        except ClusterAbsentError:
            await self._post(event)  # the API server forgets Events, after an hour as a rule
        except ClusterDeniedError as error:
            if not self._reported_patch:
                self._reported_patch = True
                _log.warning(
                    "repeated Events are posted as new ones, "
                    "because RBAC does not allow patching them",
                    extra={"detail": str(error)},
                )
            await self._post(
                Outgoing(about, dataclasses.replace(reported, name=self._new_name(about)))
            )

    async def _post(self, event: Outgoing) -> None:
        path = f"/api/v1/namespaces/{event.about.namespace}/events"
        body = event.body(self._instance)
        await self._api.create(path, body, resource="events", read=ignored)


class _Seldom:
    """Logs one message at most once a minute, with the number of times that it was due."""

    def __init__(self, clock: Clock, text: str) -> None:
        self._clock = clock
        self._text = text
        self._said_at: float | None = None
        self._count = 0

    def say(self, extra: dict[str, Any]) -> None:
        """Count the message, and log it unless it was logged within the last minute."""
        self._count += 1
        now = self._clock.monotonic()
        if self._said_at is None or now - self._said_at >= _QUIET_SECONDS:
            _log.info(self._text, extra=extra | {"count": self._count})
            self._said_at, self._count = now, 0
