"""Python's memory, set for what this process is like: most of its objects stay for ever, most of its connections are quiet."""

from __future__ import annotations

import asyncio.sslproto
import gc
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""A vault's list is thousands of objects that are gone a moment later; with Python's own 700 they are looked at dozens of times."""


TLS_BUFFER_BYTES: Final = 32 * 1024
"""Two TLS records. asyncio sets aside 256 KiB for each connection, for as long as it is open: five MiB with twenty of them."""


def set_aside_less_for_tls() -> None:
    """Make the read buffers of later TLS connections smaller; asyncio has no other way to say so."""
    asyncio.sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES


def look_less_often() -> None:
    """Let more objects come into being between two looks."""
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


def keep_what_is_there() -> None:
    """Spare the collector what has been there for a while: with 5,000 resources each look at all of it takes a tenth of a second."""
    gc.collect()
    gc.freeze()
