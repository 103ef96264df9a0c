"""How many objects the next page of a LIST asks for, by what those before weighed: a page is bounded by its bytes, not by its count."""

from __future__ import annotations

from typing import Final

MOST: Final = 100
"""Objects in a page, at most."""

BUDGET_BYTES: Final = 2 * 1024 * 1024
"""What a page is meant to weigh, by the average of the one before it."""

CAP_BYTES: Final = 8 * 1024 * 1024
"""What a page of several objects weighs at most, whatever came before: beyond it the answer is abandoned while it is being read."""

_STEP: Final = 4


def cap(limit: int) -> int | None:
    """The bytes to read of a page's answer; None for a page of one object, which is as small as a page can be."""
    return CAP_BYTES if limit > 1 else None


def after_abandoned(limit: int) -> int:
    """Objects to ask for in place of a page that was beyond the cap."""
    return max(limit // _STEP, 1)


def after_read(limit: int, *, objects: int, size_bytes: int) -> int:
    """Objects to ask for after a page that held so many, which weighed so much."""
    fitting = BUDGET_BYTES * objects // max(size_bytes, 1) if objects else MOST
    return max(min(fitting, limit * _STEP, MOST), 1)
