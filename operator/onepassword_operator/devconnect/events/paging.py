"""Requests for events: reads a request's body, and writes the cursor of the next page."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Self

from onepassword_operator.devconnect import json_codec
from onepassword_operator.devconnect.errors import ApiError, bad_request
from onepassword_operator.devconnect.events.log import Window

DEFAULT_LIMIT: Final = 100
LARGEST_LIMIT: Final = 1000
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?P<fraction>\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)
_MICROSECONDS: Final = 6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A position in the events of a feature.

    `run` names the numbering that the position belongs to.
    """

    feature: str
    run: str
    position: int = 0
    limit: int = DEFAULT_LIMIT
    start: float | None = None
    end: float | None = None

    @classmethod
    def asked(cls, body: bytes, *, feature: str, run: str) -> Self:
        """Read a request: a cursor continues its sequence, any other body starts a new one.

        Raises 400 for any unreadable part.
        """
        document = _document(body)
        cursor, limit = document.get("cursor"), _limit(document.get("limit"))
        start, end = (_time(document.get(name), name) for name in ("start_time", "end_time"))
        if cursor is not None and cursor != "":
            return cls._resumed(cursor, feature=feature, run=run)
        return cls(feature=feature, run=run, limit=limit, start=start, end=end)

    @classmethod
    def _resumed(cls, cursor: object, *, feature: str, run: str) -> Self:
        reader = cls(**_members(cursor))
        if reader.feature != feature:
            raise bad_request("Invalid cursor: it belongs to another feature")
        if reader.run != run:
            raise bad_request(
                "Invalid cursor: the server has been restarted since; start with a reset cursor"
            )
        return reader

    @property
    def window(self) -> Window:
        """The time that was asked about."""
        return Window(start=self.start, end=self.end)

    def moved(self, position: int) -> Self:
        """Go on to a position."""
        return dataclasses.replace(self, position=position)

    def cursor(self) -> str:
        """Write the cursor that comes back here."""
        return base64.urlsafe_b64encode(json_codec.encode(dataclasses.asdict(self))).decode()


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json_codec.decode(body) if body else {}
    except json_codec.NotJsonError:
        raise bad_request("The body is not valid JSON") from None
    if not isinstance(document, dict):
        raise bad_request(
            "The body must be an object with a cursor, or with limit, start_time and end_time"
        )
    return document


def _members(cursor: object) -> dict[str, Any]:
    members = _decoded(cursor) if isinstance(cursor, str) else None
    if not isinstance(members, dict) or members.keys() != {
        one.name for one in dataclasses.fields(Reader)
    }:
        raise unusable()
    if not all(_fits(value, name) for name, value in members.items()):
        raise unusable()
    return members


def _decoded(cursor: str) -> object:
    try:
        decoded: object = json_codec.decode(
            base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)
        )
    except (binascii.Error, ValueError):
        raise unusable() from None
    return decoded


def _fits(value: object, name: str) -> bool:
    if name in {"feature", "run"}:
        return isinstance(value, str)
    if name in {"start", "end"}:
        return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 1 <= value <= LARGEST_LIMIT if name == "limit" else value >= 0


def _limit(given: object) -> int:
    if given is None:
        return DEFAULT_LIMIT
    if isinstance(given, float) and given.is_integer():  # JSON does not tell 5.0 from 5
        given = int(given)
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= LARGEST_LIMIT:
        raise bad_request(f"Invalid limit: write a whole number from 1 to {LARGEST_LIMIT}")
    return given


def _time(given: object, name: str) -> float | None:
    if given is None:
        return None
    matched = _TIME.fullmatch(given) if isinstance(given, str) else None
    if matched is None or not isinstance(given, str):
        raise _no_time(name)
    fraction = matched["fraction"] or ""
    try:
        return datetime.fromisoformat(
            given.upper().replace(fraction, fraction[: _MICROSECONDS + 1], 1)
        ).timestamp()
    except (ValueError, OverflowError):
        raise _no_time(name) from None


def _no_time(name: str) -> ApiError:
    return bad_request(f"Invalid {name}: write a time such as 2025-06-01T12:00:00Z")


def unusable() -> ApiError:
    """Build the 400 for a cursor that was never given out."""
    return bad_request("Invalid cursor")
