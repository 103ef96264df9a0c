"""What may stand between the operator and a server, on loopback: an HTTP proxy, and an end of TLS. Both pass bytes on unread."""

import asyncio
import contextlib
import ssl
import threading
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar
from urllib.parse import urlsplit

_T = TypeVar("_T")

Address = tuple[str, int]
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
UNREACHABLE = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Asked(NamedTuple):
    """What a client asked the proxy for."""

    method: str
    target: str  # host:port
    authorization: str  # to the proxy


@dataclass
class ForwardProxy:
    """An HTTP proxy as companies have them; it alone knows where names lead."""

    names: Mapping[str, Address]
    """Where a `host:port` that is asked for really is; nothing else can be reached through it."""
    credentials: str = ""
    """The `Proxy-Authorization` that it insists on, if any."""
    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    def targets(self) -> set[str]:
        return {asked.target for asked in self.asked}

    def cut(self) -> None:
        """Break every connection that is open; from any thread."""
        for task in tuple(self._open):
            task.get_loop().call_soon_threadsafe(task.cancel)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            await self._poll(reader, writer)
        finally:
            self._open.discard(task)

    async def _poll(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request, and pass on what follows it until either side ends."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *headers = head.rstrip().split("\r\n")
        method, wanted, _ = line.split(" ")
        parts = urlsplit(wanted if "://" in wanted else f"//{wanted}")
        authorization = next((h.partition(": ")[2] for h in headers if h.lower().startswith("proxy-authorization:")), "")
        self.asked.append(Asked(method, f"{parts.hostname}:{parts.port or 80}", authorization))
        if authorization != self.credentials:
            writer.write(REFUSED)
        elif (address := self.names.get(self.asked[-1].target)) is None:
            writer.write(UNREACHABLE)
        elif method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await pass_on((reader, writer), address)
        else:
            # One request a connection: what comes next on it might be meant for somebody else.
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            kept = [h for h in headers if not h.lower().startswith(("proxy-", "connection:"))]
            request = "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""])
            await pass_on((reader, writer), address, first=request.encode("latin-1"))


async def pass_on(client: tuple[asyncio.StreamReader, asyncio.StreamWriter], address: Address, *, first: bytes = b"") -> None:
    """Connect to the address, and pass bytes both ways until either side ends."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(first)
    ways = [asyncio.create_task(_copy(client[0], writer)), asyncio.create_task(_copy(reader, client[1]))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        writer.close()  # before any wait: there may be nobody who lets it end
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@contextlib.asynccontextmanager
async def listening(serve: Serve, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve connections on a loopback port until the end."""
    running: set[asyncio.Task[None]] = set()
    transports: weakref.WeakSet[asyncio.WriteTransport] = weakref.WeakSet()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        running.add(task)
        transports.add(writer.transport)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await serve(reader, writer)
                await writer.drain()
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for _ in range(10):  # one that was accepted last shows in a later round, and sockets close in the one after
            for task in tuple(running):
                task.cancel()
            for transport in tuple(transports):
                transport.abort()  # a farewell in TLS would take longer than this loop lives
            await asyncio.sleep(0.01)
        await asyncio.gather(*running, return_exceptions=True)


@contextlib.asynccontextmanager
async def forward_proxy(proxy: ForwardProxy) -> AsyncIterator[ForwardProxy]:
    async with listening(proxy.serve) as port:
        proxy.url = f"http://127.0.0.1:{port}"
        yield proxy


@contextlib.asynccontextmanager
async def tls_end(context: ssl.SSLContext, address: Address) -> AsyncIterator[int]:
    async with listening(lambda reader, writer: pass_on((reader, writer), address), tls=context) as port:
        yield port


@contextlib.contextmanager
def in_thread(opened: AbstractAsyncContextManager[_T]) -> Iterator[_T]:
    """Enter the context in an event loop of its own, for tests that wait in another way."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="relay", daemon=True)
    thread.start()
    try:
        yield asyncio.run_coroutine_threadsafe(opened.__aenter__(), loop).result(10)
    finally:
        asyncio.run_coroutine_threadsafe(opened.__aexit__(None, None, None), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
