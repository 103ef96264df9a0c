"""A due Event × the object's earlier Events → a new Event, an earlier one counted up, or none.

The rules and numbers are those of Kubernetes' client library (client-go, EventCorrelator). A
repeated Event raises the count of the first one. More than ten similar Events in ten minutes are
combined in one. An object may have 25 Events at once, and one more every five minutes. One rule is
our own: a Warning equal to the last Event is counted, but written at most every half hour. A
lasting failure comes up once per polling interval, and the API server deletes an Event that nobody
updates for an hour.
"""

from __future__ import annotations

import dataclasses
from typing import Final, NamedTuple

SIMILAR: Final = 10
SIMILAR_SECONDS: Final = 600.0
BURST: Final = 25
REFILL_SECONDS: Final = 300.0
REMINDER_SECONDS: Final = 1800.0
REMEMBERED: Final = 16
"""Events remembered for one object: the similar ones of a reason, the one that combines them, and a
few others.
"""
LONGEST_MESSAGE: Final = 1024
"""The API's limit, in characters."""
COMBINED: Final = "(combined from similar events): "
_COMBINED_DIGEST: Final = hash(COMBINED)


class Note(NamedTuple):
    """The content of an Event: "Normal" or "Warning", a CamelCase reason, and a message."""

    kind: str
    reason: str
    message: str


class Moment(NamedTuple):
    """A time, for intervals (seconds on a monotonic clock) and for people (RFC 3339 UTC)."""

    seconds: float
    stamp: str


@dataclasses.dataclass(frozen=True, slots=True)
class CountedEvent:
    """An Event to write: a new one if its count is 1, else an earlier one with a later time."""

    name: str
    note: Note
    count: int
    first: str
    last: str


@dataclasses.dataclass(slots=True, eq=False)
class _Former:
    kind: str
    reason: str
    digest: int
    """Hash of the message, so that no message is kept; `_COMBINED_DIGEST` for the combined Event.
    """
    name: str
    first: str
    count: int
    seen: float
    written: float

    def is_like(self, note: Note) -> bool:
        return self.kind == note.kind and self.reason == note.reason


@dataclasses.dataclass(slots=True)
class History:
    """The Events of one object, and the tokens left of its burst; only `decide` changes it.

    A list in the order of writing, because there are thousands of histories and most have one
    Event.
    """

    formers: list[_Former] = dataclasses.field(default_factory=list)
    tokens: float = BURST
    filled_at: float | None = None


def decide(history: History, note: Note, *, now: Moment, name: str) -> CountedEvent | None:
    """Return the Event to write, or None.

    It counts as written from then on; if the write fails, the next PATCH gets a 404 and posts it.

    Args:
        history: the history of the object that the note is about.
        note: the content of the Event.
        now: the present time.
        name: the name for a new Event.
    """
    # Half a surrogate pair could not be sent.
    text = note.message[:LONGEST_MESSAGE].encode("utf-8", "replace")
    note, digest = note._replace(message=text.decode()), hash(text)
    former = _find(history, note, digest=digest)
    if not former and _is_one_too_many(history, note, now=now.seconds):
        note, digest = (
            note._replace(message=(COMBINED + note.message)[:LONGEST_MESSAGE]),
            _COMBINED_DIGEST,
        )
        former = _find(history, note, digest=digest)
    if former:
        former.count, former.seen = former.count + 1, now.seconds
        is_last = former is history.formers[-1]
        if note.kind == "Warning" and is_last and now.seconds - former.written < REMINDER_SECONDS:
            return None
    if not _has_token(history, now=now.seconds):
        return None
    former = former or _Former(
        note.kind, note.reason, digest, name, now.stamp, 1, now.seconds, now.seconds
    )
    former.written = now.seconds
    _remember(history, former)
    return CountedEvent(former.name, note, former.count, former.first, now.stamp)


def _find(history: History, note: Note, *, digest: int) -> _Former | None:
    return next(
        (former for former in history.formers if former.digest == digest and former.is_like(note)),
        None,
    )


def _is_one_too_many(history: History, note: Note, *, now: float) -> bool:
    recent = [
        former
        for former in history.formers
        if former.is_like(note) and now - former.seen < SIMILAR_SECONDS
    ]
    return len(recent) >= SIMILAR or any(former.digest == _COMBINED_DIGEST for former in recent)


def _has_token(history: History, *, now: float) -> bool:
    since = 0.0 if history.filled_at is None else now - history.filled_at
    history.tokens, history.filled_at = min(history.tokens + since / REFILL_SECONDS, BURST), now
    if history.tokens < 1:
        return False
    history.tokens -= 1
    return True


def _remember(history: History, former: _Former) -> None:
    if former in history.formers:
        history.formers.remove(former)
    history.formers.append(former)
    if len(history.formers) > REMEMBERED:
        del history.formers[0]
