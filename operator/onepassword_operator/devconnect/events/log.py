"""The events of one feature in order: decides the events of a page, and where the next page starts.

A position counts every event since the beginning. It names the same event for ever, so pages
neither lose nor repeat an event when others are added between two pages.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.events.records import Event

# Forgetting one by one would move the whole list each time.
_FORGET_AT_ONCE: Final = 1000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A span of time, with its start and without its end."""

    start: float | None = None
    end: float | None = None

    def has(self, at: float) -> bool:
        """Tell whether a moment is in it."""
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Events by position, the position to go on from, and whether an event is there already."""

    events: Sequence[tuple[int, Event]]
    next_position: int
    has_more: bool


class EventLog:
    """The newest events, as many as the behaviour says."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._events: list[Event] = []
        self._first = 0

    @property
    def end(self) -> int:
        """The position of the next event to come."""
        return self._first + len(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def all(self) -> Iterator[tuple[int, Event]]:
        """Yield everything that is remembered, with positions."""
        return enumerate(self._events, self._first)

    def restore(self, position: int, event: Event) -> None:
        """Add an event from the file; the first one sets the start of the numbering."""
        if not self._events:
            self._first = position
        self.add(event)

    def add(self, event: Event) -> None:
        """Take note of an event."""
        self._events.append(event)
        surplus = len(self._events) - self._behaviour.events_kept
        if surplus >= _FORGET_AT_ONCE or surplus >= len(self._events) // 2 > 0:
            del self._events[:surplus]
            self._first += surplus

    def page(self, position: int, *, limit: int, window: Window) -> Page:
        """Return the events from a position on that are in the window."""
        start = max(position, self._first)
        found: list[tuple[int, Event]] = []
        for at, event in enumerate(islice(self._events, start - self._first, None), start):
            if not window.has(event.at):
                continue
            if len(found) == limit:
                return Page(events=found, next_position=at, has_more=True)
            found.append((at, event))
        return Page(events=found, next_position=max(start, self.end), has_more=False)
