"""Carries out a fault: the broken answers of a proxy, a network or a failing server."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from onepassword_operator.devconnect.faults.rules import Action, FaultRule
from onepassword_operator.devconnect.rest import replies

_DEFAULT_DRIP_SECONDS: Final = 5.0
_PIECES: Final = 16
_PAGE: Final = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    b"<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
)
_MESSAGES: Final = {
    401: "Invalid bearer token",
    403: "Authorization: token does not have access to vault",
    408: "sync did not complete within timeout, please retry the request",
    409: "Conflict: the item was changed at the same time",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Service unavailable",
}


async def perform(
    rule: FaultRule, request: web.BaseRequest, *, answer: Callable[[], Awaitable[web.Response]]
) -> web.StreamResponse:
    """Answer a request as the rule says.

    `answer` gives the right reply, for faults that spoil it.
    """
    if rule.delay_seconds and rule.action is not Action.SLOW:
        await asyncio.sleep(rule.delay_seconds)
    match rule.action:
        case Action.HANG:
            # Ends by cancellation: the client goes away or the server stops.
            await asyncio.get_running_loop().create_future()
            raise AssertionError("a future nobody resolves")
        case Action.RESET:
            return _reset(request)
        case Action.SLOW:
            return await _drip(request, await answer(), seconds=rule.delay_seconds)
        case Action.TRUNCATE:
            return await _truncate(request, await answer())
        case Action.WRONG_LENGTH:
            return _announce_too_little(request, await answer())
        case _:
            return _wrong_answer(rule, request)


def _wrong_answer(rule: FaultRule, request: web.BaseRequest) -> web.Response:
    response = _body_of(rule, request)
    if rule.retry_after is not None:
        response.headers["Retry-After"] = str(rule.retry_after)
    return response


def _body_of(rule: FaultRule, request: web.BaseRequest) -> web.Response:
    match rule.action:
        case Action.HTML:
            return web.Response(status=rule.status or 502, body=_PAGE, content_type="text/html")
        case Action.GARBAGE:
            return replies.json_response(b'[{"id": "\xff\xfe', status=rule.status or 200)
        case Action.REDIRECT:
            return web.Response(
                status=rule.status or 302, headers={"Location": rule.location or "/"}
            )
        case _:
            status = rule.status or _status_of(rule.action, request.method)
            return replies.error_response(
                status, rule.message or _MESSAGES.get(status, "injected fault")
            )


def _status_of(action: Action, method: str) -> int:
    # A real server tells a conflict from a failure everywhere but in deletions.
    return 409 if action is Action.CONFLICT and method != "DELETE" else 500


def _reset(request: web.BaseRequest) -> web.Response:
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        # Zero linger makes the kernel send a reset instead of an orderly end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)


async def _drip(
    request: web.BaseRequest, right: web.Response, *, seconds: float | None
) -> web.StreamResponse:
    body = _bytes_of(right)
    response = await _start(request, right, length=len(body))
    size = max(1, -(-len(body) // _PIECES))
    pause = (_DEFAULT_DRIP_SECONDS if seconds is None else seconds) / _PIECES
    for start in range(0, len(body), size):
        await asyncio.sleep(pause)
        await response.write(body[start : start + size])
    return response


async def _truncate(request: web.BaseRequest, right: web.Response) -> web.StreamResponse:
    body = _bytes_of(right)
    response = await _start(request, right, length=len(body) + 1)
    await response.write(body[: len(body) // 2])
    response.force_close()
    if request.transport is not None:
        request.transport.close()
    return response


def _announce_too_little(request: web.BaseRequest, right: web.Response) -> web.Response:
    # aiohttp would cut the body to the announced length, so the bytes are written by hand.
    body, transport = _bytes_of(right), request.transport
    if transport is not None:
        headers = {**right.headers, "Content-Length": str(len(body) // 2)}
        lines = [
            f"HTTP/1.1 {right.status} {right.reason}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        transport.close()
    return right


async def _start(
    request: web.BaseRequest, right: web.Response, *, length: int
) -> web.StreamResponse:
    response = web.StreamResponse(status=right.status, headers=right.headers)
    response.content_length = length
    await response.prepare(request)
    return response


def _bytes_of(response: web.Response) -> bytes:
    return response.body if isinstance(response.body, bytes) else b""
