"""Texts of users: as messages show them, for they may hold any white space, and as booleans."""

from __future__ import annotations

import re
from typing import Final

_ODD_SPACE: Final = re.compile(r"[^\S ]")
_BREAKS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


_TRUE: Final = frozenset({"1", "t", "true"})


def is_true(text: str) -> bool:
    """Whether a text means yes, in any case, as in Go; every other one means no."""
    return text.lower() in _TRUE


def one_line(text: str) -> str:
    """Show line breaks and other control characters by their escapes."""
    return _BREAKS.sub(_escape, text)


def visible(text: str) -> str:
    """Show all white space by its escapes, but for the ordinary space."""
    return _ODD_SPACE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return repr(found[0])[1:-1]
