"""A thin client of the Kubernetes API: session, authentication, errors, retries of reads.

About ten verbs over aiohttp and msgspec. Errors come from the Status object's `reason`, never from
its text. The text of a refused write is not passed on, because admission webhooks may echo the
Secret that was sent to them.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import email.utils
import io
import math
import random
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import aiohttp
import msgspec

from onepassword_operator.cluster.api_errors import Status, asked_pause_seconds, to_error
from onepassword_operator.cluster.credentials import ClusterAccess
from onepassword_operator.cluster.page import PAGES, Page
from onepassword_operator.model.errors import ClusterAbsentError, ClusterUnavailableError
from onepassword_operator.net.proxy import DIRECT, Route
from onepassword_operator.rules import page_size
from onepassword_operator.service.runtime.slots import Slots
from onepassword_operator.wire.metadata import Undecodable

TIMEOUT: Final = aiohttp.ClientTimeout(total=30, connect=10)
LIST_TIMEOUT: Final = aiohttp.ClientTimeout(total=60, connect=10)
TRIES: Final = 4
BEGIN_SECONDS: Final = 5.0
"""A write begins within this time after it was decided, or not at all. With its own 30 seconds it
ends within the grace of `rules/restart.py`, which counts from the decision.
"""
CONNECTIONS: Final = 128
WRITES_AT_ONCE: Final = 32
"""Writes in flight: a small part of the requests that an API server serves at once."""
_METHODS: Final = {
    "get": "GET",
    "list": "GET",
    "watch": "GET",
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
}
_BRIEFLY: Final = {"watch": "true", "timeoutSeconds": "1", "resourceVersion": "0"}
_MERGE_PATCH: Final = "application/merge-patch+json"
_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

Read = TypeVar("Read")
Decode = Callable[[bytes | bytearray], Read]
"""Decodes an answer; may raise the errors of decoding."""

Observer = Callable[[str, str, int], None]
"""Called after every request with its verb, resource and status code (0: no answer)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """A request before it is sent.

    A write is sent once, unless the API server rejected it before doing anything (429). The answer
    to a write that succeeded may be lost, so the next reconcile reads the live object and decides
    again.
    """

    verb: str
    path: str
    resource: str
    read: Decode[Any]
    query: Mapping[str, str] | None = None
    body: bytes | None = dataclasses.field(default=None, repr=False)
    limits: aiohttp.ClientTimeout | None = None
    accept: str = "*/*"
    cap: int | None = None
    """Most bytes to read of the answer."""

    @property
    def method(self) -> str:
        return _METHODS[self.verb]

    @property
    def what(self) -> str:
        """The request in words, for error messages."""
        return f"{self.verb} {self.resource}"

    def headers(self) -> dict[str, str]:
        """Content-Type of the body, and Accept."""
        if self.body is None:
            return {"Accept": self.accept}
        return {
            "Accept": self.accept,
            "Content-Type": _MERGE_PATCH if self.verb == "patch" else "application/json",
        }

    def content(self) -> io.BytesIO | None:
        """Return the body as a stream: aiohttp warns of raw bytes beyond 1 MiB."""
        return None if self.body is None else io.BytesIO(self.body)


class KubernetesApi:
    """A connection pool to one API server, with the verbs that the operator needs.

    All of them raise ClusterError only.
    """

    def __init__(
        self,
        access: ClusterAccess,
        *,
        user_agent: str,
        observer: Observer,
        way: Route = DIRECT,
        seconds_left: Callable[[], float] = lambda: math.inf,
    ) -> None:
        """Keep the parameters.

        `seconds_left` is for how long this replica still leads. Without any nothing is written,
        and a write under way is given up when they have passed without a renewal.
        """
        self._seconds_left = seconds_left
        self._access = access
        self._way = way
        self._user_agent = user_agent
        self._observer = observer
        self._session: aiohttp.ClientSession | None = None
        self._connectors: list[aiohttp.TCPConnector] = []
        self._clock_offset = datetime.timedelta(0)
        self._writes = Slots(WRITES_AT_ONCE, slow=WRITES_AT_ONCE)

    @property
    def server(self) -> str:
        """The API server's base URL."""
        return self._access.server

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        self._session = self._new_session(limit=CONNECTIONS)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection pool."""
        if self._session:
            await self._session.close()
        for connector in self._connectors:
            await connector.close()

    def new_session(self) -> aiohttp.ClientSession:
        """Return a session for watches: the same TLS and proxy, and no limit on connections.

        Watches need a pool of their own: a stream holds its connection for minutes, and with many
        namespaces requests would find none free.
        """
        return self._new_session(limit=0)

    def _new_session(self, *, limit: int) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._access.ssl_context or True, limit=limit, keepalive_timeout=50
        )
        self._connectors = [each for each in self._connectors if not each.closed] + [connector]
        return aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": self._user_agent},
            proxy=self._way.proxy,
            middlewares=(self._authorize, self._way.authenticate),
        )

    async def _authorize(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if self._access.authority is not None:
            self._access.authority.check()
        if self._access.token is not None:
            request.headers["Authorization"] = f"Bearer {self._access.token()}"
        return await handler(request)

    def server_time(self, *, ahead: datetime.timedelta = datetime.timedelta(0)) -> str:
        """Return the API server's time by its newest `Date` header, RFC 3339 UTC in seconds."""
        now = datetime.datetime.now(datetime.UTC) + self._clock_offset + ahead
        return now.strftime("%Y-%m-%dT%H:%M:%SZ")

    async def get(self, path: str, *, resource: str, read: Decode[Read]) -> Read | None:
        """Read an object; None if it does not exist."""
        try:
            found: Read = await self._read(
                _Call(verb="get", path=path, resource=resource, read=read)
            )
        except ClusterAbsentError:
            return None
        return found

    async def pages(
        self,
        path: str,
        *,
        resource: str,
        selector: str = "",
        first: int = page_size.MOST,
        metadata_only: bool = False,
    ) -> AsyncIterator[Page]:
        """Yield all objects of a collection, page by page, as of one moment.

        `first` is the size of the first page, in objects.

        Raises:
            ClusterError: a page could not be read, so the pages before it are not the whole
                collection.
        """
        fixed = {"labelSelector": selector} if selector else {}
        accept = _METADATA_ONLY if metadata_only else "application/json"
        limit, token = first, ""
        while True:
            query = {"limit": str(limit)} | fixed | ({"continue": token} if token else {})
            call = _Call(
                verb="list",
                path=path,
                resource=resource,
                query=query,
                limits=LIST_TIMEOUT,
                accept=accept,
                read=PAGES.decode,
            )
            page: Page | None = await self._read(
                dataclasses.replace(call, cap=page_size.cap(limit))
            )
            if page is None:
                limit = page_size.after_abandoned(limit)
                continue
            limit = page_size.after_read(limit, objects=len(page), size_bytes=page.size_bytes())
            token = page.token
            yield page
            if not token:
                return

    async def check_access(self, path: str, *, resource: str) -> None:
        """LIST and WATCH none of a collection's objects, to see whether both are granted."""
        query = {"fieldSelector": "metadata.name=-", "limit": "1"}
        # Nothing is read of the answers: that of a WATCH is a stream, and may be empty.
        for verb, more in (("list", {}), ("watch", _BRIEFLY)):
            call = _Call(verb=verb, path=path, resource=resource, query=query | more, read=bool)
            await self._read(call)

    async def create(
        self, path: str, body: Mapping[str, Any], *, resource: str, read: Decode[Read]
    ) -> Read:
        """POST an object; return it as the API server stored it."""
        written: Read = await self._write(path, body, verb="create", resource=resource, read=read)
        return written

    async def replace(
        self, path: str, body: Mapping[str, Any], *, resource: str, read: Decode[Read]
    ) -> Read:
        """PUT an object that has the resourceVersion which was read.

        Raises:
            ClusterConflictError: it changed since.
        """
        written: Read = await self._write(path, body, verb="update", resource=resource, read=read)
        return written

    async def merge_patch(
        self, path: str, body: Mapping[str, Any], *, resource: str, read: Decode[Read]
    ) -> Read:
        """PATCH an object by JSON merge; return it as the API server stored it."""
        written: Read = await self._write(path, body, verb="patch", resource=resource, read=read)
        return written

    async def _read(self, call: _Call) -> Any:
        for attempt in range(1, TRIES):
            try:
                return await self._request(call)
            except ClusterUnavailableError as error:
                await asyncio.sleep(_pause_seconds(attempt, error))
        return await self._request(call)

    async def _write(
        self, path: str, body: Mapping[str, Any], *, verb: str, resource: str, read: Decode[Any]
    ) -> Any:
        content = msgspec.json.encode(body)
        call = _Call(verb=verb, path=path, resource=resource, read=read, body=content)
        until = asyncio.get_running_loop().time() + BEGIN_SECONDS
        attempt = 1
        while True:
            try:
                return await self._write_once(call, until=until)
            except ClusterUnavailableError as error:
                pause = _pause_seconds(attempt, error)
                late = asyncio.get_running_loop().time() + pause > until
                if not error.turned_away or attempt == TRIES or late:
                    raise
                await asyncio.sleep(pause)
                attempt += 1

    async def _write_once(self, call: _Call, *, until: float) -> Any:
        async with self._writes.slot() as slot:
            slot.start()  # a slow webhook may hold up its own namespace's writes
            if asyncio.get_running_loop().time() > until:
                raise ClusterUnavailableError(
                    f"{call.what}: not sent, because others took too long; trying again"
                )
            try:
                async with self._while_leading():
                    return await self._request(call)
            except TimeoutError:
                raise ClusterUnavailableError(
                    f"{call.what}: given up, because the lease ended"
                ) from None

    @contextlib.asynccontextmanager
    async def _while_leading(self) -> AsyncIterator[None]:
        # The connection may take long, or the process be paused meanwhile.
        loop, timers = asyncio.get_running_loop(), list[asyncio.TimerHandle]()

        def prolong() -> None:
            if (left := self._seconds_left()) > 0:
                limit.reschedule(loop.time() + left)
                timers[:] = [loop.call_later(left / 2, prolong)]

        async with asyncio.timeout(None) as limit:
            prolong()
            try:
                yield
            finally:
                for timer in timers:
                    timer.cancel()

    async def _request(self, call: _Call) -> Any:
        if self._session is None:
            raise ClusterUnavailableError("the connection to the API server is not open")
        if call.body is not None and self._seconds_left() <= 0:
            raise ClusterUnavailableError(
                f"{call.what}: not sent, because this replica does not lead"
            )
        code = 0
        try:
            async with self._session.request(
                call.method,
                self._access.server + call.path,
                params=call.query,
                data=call.content(),
                headers=call.headers(),
                timeout=call.limits or TIMEOUT,
                allow_redirects=False,
            ) as response:
                code = response.status
                self._note_time(response.headers.get("Date"))
                payload = await _body(response, call.cap)
                pause = asked_pause_seconds(response.headers.get("Retry-After"))
            return None if payload is None else self._decoded(call, payload, code=code, pause=pause)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ClusterUnavailableError(
                f"{call.what}: no answer from the API server ({type(error).__name__})"
            ) from None
        finally:
            self._observer(call.verb, call.resource, code)

    def _decoded(self, call: _Call, payload: bytearray, *, code: int, pause: float | None) -> Any:
        if 200 <= code < 300:  # noqa: PLR2004
            with contextlib.suppress(*Undecodable):
                return call.read(payload)
            payload = bytearray()
        raise to_error(code, Status.read(payload), what=call.what).anew(delay_seconds=pause)

    def _note_time(self, date: str | None) -> None:
        if date:
            try:
                server = email.utils.parsedate_to_datetime(date)
            except (ValueError, OverflowError):
                return
            # "-0000" says UTC without a zone, and comes back without one.
            self._clock_offset = server.replace(
                tzinfo=server.tzinfo or datetime.UTC
            ) - datetime.datetime.now(datetime.UTC)


async def _body(response: aiohttp.ClientResponse, cap: int | None) -> bytearray | None:
    """Read the body; None if it exceeds the cap. The rest is dropped with its connection."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if cap is not None and len(body) > cap:
            return None
    return body


def _pause_seconds(attempt: int, error: ClusterUnavailableError) -> float:
    # A little more than the delay that the API server asked for, so that not all requests come back
    # at the same moment.
    return (error.delay_seconds or 0.0) + random.random() * 0.2 * 2.0**attempt  # noqa: S311
