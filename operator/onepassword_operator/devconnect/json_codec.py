"""Encodes and decodes JSON, with one error for everything that is not JSON."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

_LONG: Final = re.compile(rb"\d{19}")
_WHOLE: Final = range(-(2**63), 2**64)


class NotJsonError(ValueError):
    """The bytes are not JSON, nested too deeply, or have an integer of more than 64 bits."""


def encode(value: object) -> bytes:
    """Write a value, dataclasses included."""
    return msgspec.json.encode(value)


def decode(written: bytes | str) -> Any:  # noqa: ANN401  any document at all
    """Read a document, or raise NotJsonError, which never quotes the document."""
    try:
        raw = written.encode() if isinstance(written, str) else written
        document = msgspec.json.decode(raw)
        if _LONG.search(raw) and not _fits(document):
            raise NotJsonError("not a JSON document")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise NotJsonError("not a JSON document") from None
    return document


def _fits(value: object) -> bool:
    # Connect's whole numbers have 64 bits, Python's are unbounded: refuse larger ones here, not
    # later in a calculation.
    if isinstance(value, dict):
        return all(map(_fits, value.values()))
    if isinstance(value, list):
        return all(map(_fits, value))
    return not isinstance(value, int) or value in _WHOLE
