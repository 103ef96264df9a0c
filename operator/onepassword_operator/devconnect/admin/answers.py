"""Reads and writes the admin port's JSON.

Unreadable input is a 400 that names the expected form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from onepassword_operator.devconnect import json_codec
from onepassword_operator.devconnect.errors import bad_request
from onepassword_operator.devconnect.items.records import Json


async def read_any(request: web.Request) -> object:
    """Read any JSON."""
    try:
        body: object = json_codec.decode(await request.read())
    except json_codec.NotJsonError:
        raise bad_request("the body is not valid JSON") from None
    return body


async def read_object(request: web.Request) -> Json:
    """Read an object."""
    body = await read_any(request)
    if not isinstance(body, dict):
        raise bad_request("write a JSON object")
    return body


def read_text(body: Mapping[str, Any], name: str) -> str:
    """Return a member that must be a text, and not empty."""
    text = body.get(name)
    if not isinstance(text, str) or not text:
        raise bad_request(f"{name} must be a text that is not empty")
    return text


def read_seconds(
    body: Mapping[str, Any], name: str, *, default: float, null: float | None = None
) -> float:
    """Return a number of seconds, or the default if absent.

    `null` is the value that null stands for, None if null is an error.
    """
    seconds = body.get(name, default)
    if seconds is None and null is not None:
        return null
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds < 0:
        raise bad_request(
            f"{name} must be a number of seconds{'' if null is None else ', or null for ever'}"
        )
    return seconds


def json_reply(value: object, *, status: int = 200) -> web.Response:
    """Answer with JSON."""
    return web.Response(
        body=json_codec.encode(value), status=status, content_type="application/json"
    )


def done() -> web.Response:
    """Answer a successful change."""
    return web.Response(status=204)
