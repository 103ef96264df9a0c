"""JSON to bytes and back, with one error for all that is no JSON."""

from typing import Any

import msgspec


class NotJsonError(ValueError):
    """The bytes are no JSON document, or one nested beyond all sense."""


def encode(value: object) -> bytes:
    """Write a value, dataclasses included."""
    return msgspec.json.encode(value)


def decode(written: bytes | str) -> Any:  # noqa: ANN401  any document at all
    """Read a document, or raise NotJsonError, which says nothing of what was in it."""
    try:
        return msgspec.json.decode(written)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise NotJsonError("not a JSON document") from None
