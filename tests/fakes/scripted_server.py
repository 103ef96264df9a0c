"""A real HTTP server on the loopback interface that answers by a script, however badly."""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from aiohttp import web


class Seen(NamedTuple):
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """Answers by path where a route is given, else one after another; without any left, 200 and `[]`."""

    url: str = ""
    routes: dict[str, Answer] = field(default_factory=dict)
    answers: deque[Answer] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    _known: set[object] = field(default_factory=set)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def script(self, *answers: Answer) -> None:
        self.answers.extend(answers)

    def paths(self) -> list[str]:
        return [request.path for request in self.seen]

    def hang(self) -> Answer:
        """Takes the request and says nothing until the test ends."""

        async def answer(request: web.Request) -> web.StreamResponse:
            del request
            await self.let_go.wait()
            return web.Response()

        return answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self._count(request)
        body = await request.read()
        self.seen.append(Seen(request.method, request.path, dict(request.query), dict(request.headers), body))
        self._arrived.set()
        if route := self.routes.get(request.path):
            return await route(request)
        return await (self.answers.popleft() if self.answers else reply([]))(request)

    def _count(self, request: web.Request) -> None:
        if request.protocol not in self._known:
            self._known.add(request.protocol)
            self.connections += 1

    async def until_seen(self, count: int) -> None:
        while len(self.seen) < count:
            self._arrived.clear()
            await self._arrived.wait()


def reply(body: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A reply; anything but bytes and text is sent as JSON."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else msgspec.json.encode(body)

    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        return web.Response(body=raw, status=status, headers=headers)

    return answer


async def reset(request: web.Request) -> web.StreamResponse:
    """The connection breaks instead of an answer."""
    assert request.transport
    request.transport.abort()
    return web.Response()


async def truncated(request: web.Request) -> web.StreamResponse:
    """The body ends before it is complete."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b"[{")
    assert request.transport
    request.transport.close()
    return response


@contextlib.asynccontextmanager
async def scripted_server() -> AsyncIterator[Server]:
    server = Server()
    application = web.Application(client_max_size=64 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.let_go.set()
        await runner.cleanup()
