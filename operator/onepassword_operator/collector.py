"""Python's garbage collector, told what this process is like: most of its objects stay for ever, the others go as they came."""

from __future__ import annotations

import gc
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""A vault's list is thousands of objects that are gone a moment later; with Python's own 700 they are looked at dozens of times."""


def look_less_often() -> None:
    """Let more objects come into being between two looks."""
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


def keep_what_is_there() -> None:
    """Spare the collector what has been there for a while: with 5,000 resources each look at all of it takes a tenth of a second."""
    gc.collect()
    gc.freeze()
