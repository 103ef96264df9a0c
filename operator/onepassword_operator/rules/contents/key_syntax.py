"""Label → Secret key or object name, byte for byte as 1Password's own operator does it."""

from __future__ import annotations

import re
from typing import Final

_MAXIMUM: Final = 253  # bytes, for keys and for object names alike
_VALID_KEY: Final = re.compile(rf"(?!\.\Z|\.\.)[-._a-zA-Z0-9]{{1,{_MAXIMUM}}}\Z")
_INVALID_RUN: Final = re.compile(r"[^-._a-zA-Z0-9]+")
_TO_LAST_VALID: Final = re.compile(r".*[-._a-zA-Z0-9]", re.DOTALL)
_INVALID_NAME_RUN: Final = re.compile(r"[^-.a-z0-9]+")


def is_valid_key(text: str) -> bool:
    """Whether the API server accepts this as a key of a Secret."""
    return _VALID_KEY.match(text) is not None


def secret_key(label: str) -> str:
    """Convert a field label, URL label or file name to a key.

    It may be empty or still invalid: the caller skips and reports it.
    """
    if is_valid_key(label):
        return label
    # No more runs than the key may have characters: a label may be as long as the item.
    key = _INVALID_RUN.sub("-", _strip_invalid_ends(label), count=_MAXIMUM)
    return key[:_MAXIMUM]


def _strip_invalid_ends(label: str) -> str:
    start = _INVALID_RUN.match(label)
    body = _TO_LAST_VALID.match(label, start.end() if start else 0)
    return body[0] if body else ""


def secret_name(text: str) -> str:
    """Convert an `item-name` annotation to a Secret name; a DNS-1123 subdomain stays as it is."""
    # Lower-casing the dotted capital I gives two characters in Python and one in Go.
    return _INVALID_NAME_RUN.sub("-", text.replace("\u0130", "i").lower())[:_MAXIMUM].strip("-.")
