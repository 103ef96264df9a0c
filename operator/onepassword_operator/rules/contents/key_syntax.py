"""Label → Secret key or object name, byte for byte as 1Password's own operator does it."""

from __future__ import annotations

import re
from typing import Final

_MAXIMUM: Final = 253  # bytes, for keys and for object names alike
_VALID_KEY: Final = re.compile(rf"(?!\.\Z|\.\.)[-._a-zA-Z0-9]{{1,{_MAXIMUM}}}\Z")
_INVALID_RUN: Final = re.compile(r"[^-._a-zA-Z0-9]+")
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
    key = _INVALID_RUN.sub("-", _strip_invalid_ends(label))
    return key[:_MAXIMUM]


def _strip_invalid_ends(label: str) -> str:
    start = _INVALID_RUN.match(label)
    body = label[start.end() :] if start else label
    runs = list(_INVALID_RUN.finditer(body))
    return body[: runs[-1].start()] if runs and runs[-1].end() == len(body) else body


def secret_name(text: str) -> str:
    """Convert an `item-name` annotation to a Secret name; a DNS-1123 subdomain stays as it is."""
    # Lower-casing the dotted capital I gives two characters in Python and one in Go.
    return _INVALID_NAME_RUN.sub("-", text.replace("\u0130", "i").lower())[:_MAXIMUM].strip("-.")
