"""The proxy's asyncio side: takes HTTPS requests, applies rules, and passes them on to the kube-apiserver."""

import asyncio
import io
import ssl
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import aiohttp
import yarl
from aiohttp import hdrs, web
from multidict import CIMultiDict

from harness.proxy.ledger import Request, parse
from harness.proxy.rules import Dropped, Rule
from harness.proxy.streams import Stream, split_of

# What concerns one connection and not the message; Content-Length is made anew.
PER_CONNECTION = ("Connection", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Host")
OURS = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.USER_AGENT, hdrs.CONTENT_TYPE)  # only those that the client sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request on its way through the proxy."""

    incoming: web.BaseRequest
    body: bytes
    request: Request
    rules: tuple[Rule, ...]


class Forwarder:
    """Handles requests; created and used in the proxy's event loop."""

    def __init__(self, *, upstream: str, upstream_ca: str) -> None:
        self._upstream = upstream
        self.requests: list[Request] = []
        self._rules: list[Rule] = []
        self._streams: list[Stream] = []
        self._exchanges: set[asyncio.Task[web.Response | None]] = set()
        connector = aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context(cafile=upstream_ca))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False, skip_auto_headers=OURS, cookie_jar=aiohttp.DummyCookieJar()
        )

    def add(self, rule: Rule) -> None:
        """Let the rule take requests from now on, and the watches that are open."""
        self._rules.append(rule)
        if rule.action.watches_only:
            for stream in self._streams:
                if rule.takes(stream.request):
                    stream.apply(rule, just_opened=False)

    def remove(self, rule: Rule) -> None:
        """End the rule and what it holds; a rule that is gone already is fine."""
        self._rules = [kept for kept in self._rules if kept is not rule]
        for stream in self._streams:
            stream.let_go(rule)

    def clear(self) -> None:
        for rule in tuple(self._rules):
            self.remove(rule)

    async def close(self) -> None:
        for stream in self._streams:
            stream.cut()
        for task in self._exchanges:
            task.cancel()
        await asyncio.gather(*self._exchanges, return_exceptions=True)
        await self._session.close()

    async def handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        call = await self._admit(incoming)
        if call.request.verb == "watch":
            answer = await self._watch(call)
        else:
            # A client that dies after sending a write doesn't take the write back, so its end must not cancel the exchange.
            answer = await asyncio.shield(self._keep(self._exchange(call)))
        if answer is None:
            if incoming.transport is not None:
                incoming.transport.abort()
            return web.Response(status=502)  # goes nowhere: the transport is closed
        return answer

    async def _admit(self, incoming: web.BaseRequest) -> Call:
        body = await incoming.content.read()
        request = parse(incoming.method, incoming.raw_path, incoming.headers, body)
        rules = tuple(rule for rule in self._rules if rule.takes(request))
        self.requests.append(request)
        return Call(incoming=incoming, body=body, request=request, rules=rules)

    def _keep(self, work: Coroutine[Any, Any, web.Response | None]) -> asyncio.Task[web.Response | None]:
        task = asyncio.create_task(work)
        self._exchanges.add(task)
        task.add_done_callback(self._exchanges.discard)
        return task

    async def _exchange(self, call: Call) -> web.Response | None:
        """The answer; None means that the client gets none."""
        try:
            if made_up := await self._before(call):
                return made_up
            async with self._send(call) as upstream:
                answer = web.Response(status=upstream.status, headers=passed_on(upstream.headers), body=await upstream.read())
            await self._after(call, upstream.status)
        except (Dropped, aiohttp.ClientError, OSError):
            return None
        return answer

    async def _watch(self, call: Call) -> web.StreamResponse | None:
        """The answer, which has been sent to its end; None means that it broke."""
        try:
            if made_up := await self._before(call):
                return made_up
            async with self._send(call) as upstream:
                if upstream.status != 200:
                    return web.Response(status=upstream.status, headers=passed_on(upstream.headers), body=await upstream.read())
                return await self._stream(call, upstream)
        except (Dropped, aiohttp.ClientError, OSError):
            return None

    async def _stream(self, call: Call, upstream: aiohttp.ClientResponse) -> web.StreamResponse | None:
        stream = Stream(call.request, split_of(upstream.headers.get(hdrs.CONTENT_TYPE, "")))
        self._streams.append(stream)
        for rule in call.rules:
            if rule in self._rules:  # it may have been removed while the API server was asked
                stream.apply(rule, just_opened=True)
        reading = asyncio.create_task(stream.read(upstream))
        try:
            await self._after(call, upstream.status)
            answer = web.StreamResponse(status=upstream.status, headers=passed_on(upstream.headers))
            answer.enable_chunked_encoding()
            await answer.prepare(call.incoming)
            async for event in stream.events():
                await answer.write(event)
            return None if stream.broken else answer
        finally:
            reading.cancel()
            self._streams.remove(stream)

    async def _before(self, call: Call) -> web.Response | None:
        for rule in call.rules:
            if answer := await rule.action.before(call.request):
                call.request.status = answer.status
                return answer
        return None

    async def _after(self, call: Call, status: int) -> None:
        call.request.status, call.request.forwarded = status, True
        for rule in call.rules:
            await rule.action.after(call.request)

    def _send(self, call: Call) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        url = yarl.URL(self._upstream + call.incoming.raw_path, encoded=True)
        headers = passed_on(call.incoming.headers)
        if call.request.verb == "watch":
            headers.popall(hdrs.ACCEPT_ENCODING, None)  # events can't be told apart in a compressed stream
        body = io.BytesIO(call.body) if call.body else None
        return self._session.request(call.incoming.method, url, headers=headers, data=body, allow_redirects=False)


def passed_on(headers: Any) -> CIMultiDict[str]:
    """The headers without those that belong to one connection."""
    kept: CIMultiDict[str] = CIMultiDict(headers)
    for name in PER_CONNECTION:
        kept.popall(name, None)
    return kept
