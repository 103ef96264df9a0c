"""Keeps kopf from remembering objects.

Only daemons, timers, indices and memos need its memories, and the operator has none of them. They
would be the larger part of the memory that a resource costs.
"""

from __future__ import annotations

from typing import Any

# kopf takes memories as a parameter, and exports no class of them.
from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory


class NoMemories(ResourceMemories):
    """Makes a new memory for every event and keeps none.

    kopf still pauses after an event that it fails on.
    """

    async def recall(
        self, raw_body: Any, *, ephemeral: bool = True, **options: Any
    ) -> ResourceMemory:
        """Return a memory that nobody keeps."""
        del ephemeral
        return await super().recall(raw_body, ephemeral=True, **options)
