"""The operator's own HTTP endpoints: `/healthz`, `/readyz`, `/metrics`.

Any pod of the cluster may connect to them, and an HTTP server for the Internet allows each client
megabytes and minutes. This one knows GET of a few pages, and bounds what all clients take together.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import http
import logging
import math
import os
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final, NamedTuple

from onepassword_operator.model.errors import InternalError

CONNECTIONS: Final = 50
"""Open connections of one address. One more closes the oldest, so that idle ones shut no kubelet
out.
"""

ACCEPTED: Final = CONNECTIONS // 5
"""Connections that one turn of the event loop accepts. Whoever sends its request at once is
answered within three turns, long before so many newcomers made it the oldest; and a flood of them
takes a small part of each turn.
"""

WAITING: Final = 100
"""Connections that wait in the kernel for their turn; any more have to try again."""

HEAD_BYTES: Final = 8 * 1024
"""Size of a request, at most; none has a body."""

KEPT_SECONDS: Final = 0.25
"""How long the page of metrics is kept. It takes milliseconds to render, and anybody may ask."""

STEP_SECONDS: Final = 5.0
"""Seconds for each step of a client: handshake, whole request, and reading of the answer."""

_END: Final = b"\r\n\r\n"

_log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """A page as it is at the moment."""

    body: bytes
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"


Check = Callable[[], str]
"""Returns the present problem; an empty text if there is none."""

Pages = Mapping[str, Callable[[], Answer]]
"""By path, what answers a GET."""


@contextlib.asynccontextmanager
async def serve(
    address: tuple[str, int] | None,
    pages: Pages,
    *,
    flag: str,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    """Serve pages on an address, over HTTPS if there is a TLS context; nowhere if None.

    A connection ends with its first answer, so that nobody queues up requests: the kubelet asks for
    that, and Prometheus comes back later than an idle connection should be kept.

    Raises:
        OSError: the address, which is that of the flag, can't be bound.
    """
    if address is None:
        yield
        return
    connections = _Connections(pages, tls)
    try:
        server = await asyncio.start_server(
            connections.accept,
            address[0] or None,
            address[1],
            limit=HEAD_BYTES,
            backlog=ACCEPTED,
        )
    except OSError as error:
        said = os.strerror(error.errno) if error.errno else "it is no address of this machine"
        raise OSError(
            f"{flag}: can't listen on {address[0]}:{address[1]} ({said}); "
            "choose another address, or 0 for none"
        ) from None
    for listening in server.sockets:
        # asyncio accepts in one turn as many as it lets wait; these are two numbers here.
        with socket.socket(fileno=os.dup(listening.fileno())) as same:
            same.listen(WAITING)
    try:
        yield
    finally:
        server.close()
        await connections.close()


class _Connections:
    """The open connections of one address, oldest first."""

    def __init__(self, pages: Pages, tls: ssl.SSLContext | None) -> None:
        self._pages = pages
        self._tls = tls
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a new connection, and close the oldest one if they are too many."""
        task = asyncio.create_task(self._converse(reader, writer))
        self._open[task] = writer
        task.add_done_callback(self._forget)
        if len(self._open) > CONNECTIONS:
            self._end(next(iter(self._open)))

    async def close(self) -> None:
        """Close all connections."""
        tasks = list(self._open)
        for task in tasks:
            self._end(task)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, task: asyncio.Task[None]) -> None:
        # A task that is cancelled before its first step closes nothing.
        self._open.pop(task).transport.abort()
        task.cancel()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._open.pop(task, None)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # Such clients come and go: none of their troubles is worth a line in the log.
            with contextlib.suppress(OSError, EOFError):  # a TimeoutError is an OSError
                if self._tls:
                    # Here, not while the connection is accepted: handshakes count as connections.
                    await writer.start_tls(self._tls, ssl_handshake_timeout=STEP_SECONDS)
                writer.write(await self._reply(reader))
                async with asyncio.timeout(STEP_SECONDS):
                    writer.close()
                    await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def _reply(self, reader: asyncio.StreamReader) -> bytes:
        async with asyncio.timeout(STEP_SECONDS):
            try:
                head = await reader.readuntil(_END)
            except asyncio.LimitOverrunError:
                head = b""
        answer = self._answer(head) if head else _refusal(431)
        return _encoded(answer, body=not head.startswith(b"HEAD "))

    def _answer(self, head: bytes) -> Answer:
        line = head.decode("latin-1").partition("\r\n")[0]
        method, target, version, *rest = [*line.split(" "), "", "", ""]
        if not version.startswith("HTTP/1.") or any(rest):
            return _refusal(400)
        if method not in {"GET", "HEAD"}:
            return _refusal(405)
        page = self._pages.get(target.partition("?")[0])
        return _rendered(page) if page else _refusal(404)


def _rendered(page: Callable[[], Answer]) -> Answer:
    try:
        return page()
    except Exception as error:  # noqa: BLE001  a bug may raise anything
        _log.error("internal error", exc_info=InternalError.of(error))
        return _refusal(500)


def _refusal(status: int) -> Answer:
    return Answer(f"{status}: {http.HTTPStatus(status).phrase}".encode(), status)


def _encoded(answer: Answer, *, body: bool) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {http.HTTPStatus(answer.status).phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {len(answer.body)}",
        f"Date: {email.utils.formatdate(usegmt=True)}",
        "Connection: close",
    )
    return "\r\n".join(head).encode() + _END + (answer.body if body else b"")


def probe(check: Check) -> Callable[[], Answer]:
    """Make a probe: 200 `ok`, or 503 with the problem."""

    def answer() -> Answer:
        trouble = check()
        return Answer((trouble or "ok").encode(), 503 if trouble else 200)

    return answer


def exposition(
    render: Callable[[], bytes], content_type: str, *, now: Callable[[], float] = time.monotonic
) -> Callable[[], Answer]:
    """Make the endpoint of the metrics, which renders them once per `KEPT_SECONDS` at most."""
    page, stale_at = Answer(b""), -math.inf

    def answer() -> Answer:
        nonlocal page, stale_at
        if now() >= stale_at:
            page = _rendered(lambda: Answer(render(), content_type=content_type))
            stale_at = now() + KEPT_SECONDS
        return page

    return answer
