"""A watch that passes the Kubernetes proxy event by event, and that rules can hold back or cut."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import aiohttp

from harness.proxy.ledger import Request
from harness.proxy.rules import CutWatches, HoldEvents, Rule

Split = Callable[[bytes], tuple[list[bytes], bytes]]
"""Takes whole events off the front of what has been read, and returns them with the rest."""


def lines(text: bytes) -> tuple[list[bytes], bytes]:
    """Events in JSON end with a line feed."""
    *whole, rest = text.split(b"\n")
    return [line + b"\n" for line in whole], rest


def frames(content: bytes) -> tuple[list[bytes], bytes]:
    """Events in protobuf, which Go clients ask for, begin with their length in four bytes."""
    whole = []
    while len(content) >= 4 and len(content) >= (end := 4 + int.from_bytes(content[:4], "big")):
        whole.append(content[:end])
        content = content[end:]
    return whole, content


def split_of(content_type: str) -> Split:
    """How the events of a watch with this Content-Type are told apart."""
    return frames if "protobuf" in content_type else lines


class Stream:
    """The events of one open watch; used in the proxy's thread only.

    The API server's side is read at once, also while events are held back, because the API server ends watches of clients that don't read.
    """

    def __init__(self, request: Request, split: Split) -> None:
        self.request = request
        self._split = split
        self.broken = False  # the API server's connection failed, in contrast to a watch that ended
        self._pending: deque[bytes] = deque()
        self._holds: set[Rule] = set()
        self._ended = False
        self._cut = False
        self._changed = asyncio.Event()

    def apply(self, rule: Rule, *, just_opened: bool) -> None:
        """Put the rule's action into effect, if it is one for watches."""
        match rule.action:
            case HoldEvents():
                self._holds.add(rule)
            case CutWatches(lifetime=lifetime):
                asyncio.get_running_loop().call_later(lifetime if just_opened else 0, self.cut)

    def let_go(self, rule: Rule) -> None:
        self._holds.discard(rule)
        self._changed.set()

    def cut(self) -> None:
        """End it for the client, whatever is pending."""
        self._cut = True
        self._changed.set()

    async def read(self, upstream: aiohttp.ClientResponse) -> None:
        """Take in the API server's events until its end."""
        rest = b""
        try:
            async for chunk in upstream.content.iter_any():
                whole, rest = self._split(rest + chunk)
                self._pending.extend(whole)
                self._changed.set()
        except (aiohttp.ClientError, OSError):
            self.broken = True
        if rest:
            self._pending.append(rest)
        self._ended = True
        self._changed.set()

    async def events(self) -> AsyncIterator[bytes]:
        """What the client may see, when it may see it."""
        while not self._over():
            while self._pending and not self._holds and not self._cut:
                yield self._pending.popleft()
            if not self._over():
                await self._changed.wait()
                self._changed.clear()

    def _over(self) -> bool:
        return self._cut or (self._ended and not self._pending and not self._holds)
