"""A watch on Secrets that tells what a test says, by namespace."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Sequence

from onepassword_operator.model.errors import ClusterError
from onepassword_operator.model.secret import SecretSight

End = ClusterError | Callable[[], None] | None
"""How a list or stream ends: by an error, or in good order after something else happens."""


class FakeSecretWatch:
    """`SecretWatch` in memory: lists and streams in the order in which they are asked for; then it says nothing for ever."""

    def __init__(self) -> None:
        self.lists: dict[str, deque[tuple[Sequence[SecretSight], End]]] = defaultdict(deque)
        self.streams: dict[str, deque[tuple[Sequence[SecretSight], End]]] = defaultdict(deque)
        self.asked: list[str] = []
        self.waiting: set[str] = set()
        """Namespaces whose watch has nothing more to say."""
        self._changed = asyncio.Event()

    def listed(self, namespace: str) -> AsyncIterator[SecretSight]:
        self.asked.append(f"list {namespace}")
        return self._say(namespace, self.lists)

    def changes(self, namespace: str, *, since: int) -> AsyncIterator[SecretSight]:
        self.asked.append(f"watch {namespace} since {since}")
        return self._say(namespace, self.streams)

    async def _say(self, namespace: str, scripts: dict[str, deque[tuple[Sequence[SecretSight], End]]]) -> AsyncIterator[SecretSight]:
        if not scripts[namespace]:
            self.waiting.add(namespace)
            self._changed.set()
            await asyncio.Event().wait()
        sights, end = scripts[namespace].popleft()
        for sight in sights:
            await asyncio.sleep(0)
            yield sight
        if isinstance(end, ClusterError):
            raise end
        if end:
            end()

    async def until_silent(self, *namespaces: str) -> None:
        """Wait until there is nothing more to say of these."""
        async with asyncio.timeout(5):
            while not set(namespaces) <= self.waiting:
                self._changed.clear()
                await self._changed.wait()
