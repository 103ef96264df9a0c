"""JSON to bytes and back, with one error for all that is no JSON."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

_LONG: Final = re.compile(rb"\d{19}")
_WHOLE: Final = range(-(2**63), 2**64)


class NotJsonError(ValueError):
    """The bytes are no JSON document, or one nested beyond all sense, or with a whole number of more than 64 bits."""


def encode(value: object) -> bytes:
    """Write a value, dataclasses included."""
    return msgspec.json.encode(value)


def decode(written: bytes | str) -> Any:  # noqa: ANN401  any document at all
    """Read a document, or raise NotJsonError, which says nothing of what was in it."""
    try:
        raw = written.encode() if isinstance(written, str) else written
        document = msgspec.json.decode(raw)
        if _LONG.search(raw) and not _fits(document):
            raise NotJsonError("not a JSON document")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise NotJsonError("not a JSON document") from None
    return document


def _fits(value: object) -> bool:
    # Python's numbers have no end, and those of Connect do: reckoning with them must not fail far from where they were read.
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    return not isinstance(value, int) or value in _WHOLE
