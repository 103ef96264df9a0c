"""Bytes of the last page of a LIST → objects in the next one: pages are bounded by bytes."""

from __future__ import annotations

from typing import Final

MOST: Final = 100
"""Objects in a page, at most."""

BUDGET_BYTES: Final = 2 * 1024 * 1024
"""Intended size of a page, by the average object size of the page before it."""

CAP_BYTES: Final = 8 * 1024 * 1024
"""Largest size of a page with several objects; a larger answer is abandoned while it is read."""

_STEP: Final = 4


def cap(limit: int) -> int | None:
    """Return the most bytes to read of a page; None if it has one object, the smallest page."""
    return CAP_BYTES if limit > 1 else None


def after_abandoned(limit: int) -> int:
    """Return the number of objects to request instead of a page that was beyond the cap."""
    return max(limit // _STEP, 1)


def after_read(limit: int, *, objects: int, size_bytes: int) -> int:
    """Return the number of objects to request after a page with so many objects and bytes."""
    fitting = BUDGET_BYTES * objects // max(size_bytes, 1) if objects else MOST
    return max(min(fitting, limit * _STEP, MOST), 1)
