"""What kopf remembers of objects: nothing. Its daemons, timers, indices and memos need a memory of each, and there are none of these here.

It would be the larger part of what a resource costs, for its Secret takes as much again.
"""

from __future__ import annotations

from typing import Any

from kopf._core.reactor.inventory import ResourceMemories, ResourceMemory  # kopf takes one as a parameter and exports no class for it


class NoMemories(ResourceMemories):
    """A new memory for every event, let go with it. An event that kopf itself fails on is still followed by a pause."""

    async def recall(self, raw_body: Any, *, ephemeral: bool = True, **options: Any) -> ResourceMemory:
        """A memory that nobody keeps."""
        del ephemeral
        return await super().recall(raw_body, ephemeral=True, **options)
