"""The one error of the tour."""

from __future__ import annotations


class TourError(Exception):
    """Something that the tour shows did not happen: what was expected, and what was seen instead.

    Neither holds a value.
    """

    def __init__(self, *, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}; saw {seen}")
        self.expected = expected
        self.seen = seen
