"""Tunes the garbage collector and TLS buffers for a long-lived process.

Most of its objects live for ever, and most of its connections are quiet.
"""

from __future__ import annotations

import asyncio.sslproto
import gc
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""New objects between two collections.

A vault's list makes thousands of short-lived objects, and with Python's default of 700 the
collector would go through them dozens of times.
"""

TLS_BUFFER_BYTES: Final = 32 * 1024
"""Two TLS records; asyncio's default of 256 KiB is five MiB for twenty connections."""


def set_aside_less_for_tls() -> None:
    """Shrink the read buffers of later TLS connections by asyncio's constant; it has no option."""
    asyncio.sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES


def collect_less_often() -> None:
    """Let the garbage collector run only after 10,000 new objects."""
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


def keep_what_is_there() -> None:
    """Exempt all present objects from collection.

    With 5,000 resources each full collection takes a tenth of a second.
    """
    gc.collect()
    gc.freeze()
