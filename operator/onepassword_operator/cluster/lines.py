"""Splits a stream of bytes into lines of bounded length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

LONGEST_BYTES: Final = 1024 * 1024
"""Several times the limit of annotations (256 KiB), the largest part of an object's metadata."""


class Lines:
    """Joins pieces into lines. A line beyond the limit is skipped without being kept in memory."""

    def __init__(self, longest_bytes: int = LONGEST_BYTES) -> None:
        self._longest_bytes = longest_bytes
        self._begun = bytearray()
        self._too_long = False

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """Yield the lines that end in this piece, and None for each line that was too long."""
        *ends, beginning = piece.split(b"\n")
        for end in ends:
            self._add(end)
            yield None if self._too_long else bytes(self._begun)
            self._begun.clear()
            self._too_long = False
        self._add(beginning)

    def _add(self, part: bytes) -> None:
        self._too_long = self._too_long or len(self._begun) + len(part) > self._longest_bytes
        if self._too_long:
            self._begun.clear()
        else:
            self._begun += part

    def open(self) -> bool:
        """Whether a line has begun and not ended."""
        return bool(self._begun) or self._too_long
