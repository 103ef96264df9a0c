"""Tunes the garbage collector and TLS buffers for a long-lived process.

Most of its objects live for ever, and most of its connections are quiet.
"""

from __future__ import annotations

import asyncio.sslproto
import gc
import time
from collections.abc import Callable
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""New objects between two collections.

A vault's list makes thousands of short-lived objects, and with Python's default of 700 the
collector would go through them dozens of times.
"""

ANEW_SECONDS: Final = 86400.0
"""Seconds between two looks at the objects that are exempt from collection."""

TLS_BUFFER_BYTES: Final = 32 * 1024
"""Two TLS records; asyncio's default of 256 KiB is five MiB for twenty connections."""


def set_aside_less_for_tls() -> None:
    """Shrink the read buffers of later TLS connections by asyncio's constant; it has no option."""
    asyncio.sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES


def collect_less_often() -> None:
    """Let the garbage collector run only after 10,000 new objects."""
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)


class KeptObjects:
    """Exempts the objects that are there from collection, and once a day looks at them anew.

    With 5,000 resources each full collection takes a tenth of a second. Objects that refer to each
    other and fell out of use while they were exempt could never be freed.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._looked_at = now()

    def keep(self) -> None:
        """Exempt all present objects."""
        if self._now() - self._looked_at >= ANEW_SECONDS:
            self._looked_at = self._now()
            gc.unfreeze()
        gc.collect()
        gc.freeze()


keep_what_is_there: Final = KeptObjects().keep
