"""Replies that all endpoints share: JSON, errors, unknown routes."""

from __future__ import annotations

from aiohttp import web

from onepassword_operator.devconnect import json_codec
from onepassword_operator.devconnect.errors import ApiError


def json_response(
    body: bytes, *, status: int = 200, headers: dict[str, str] | None = None
) -> web.Response:
    """Answer with serialised JSON."""
    return web.Response(
        body=body, status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


def error_response(status: int, message: str) -> web.Response:
    """Answer with Connect's error object."""
    return json_response(json_codec.encode({"status": status, "message": message}), status=status)


def no_route(refusal: ApiError, *, form: str) -> web.Response:
    """Answer an unknown path or method; the body that a real server sends is not known."""
    if form == "object":
        return error_response(refusal.status, refusal.message)
    return web.Response(
        status=refusal.status, text=f"{refusal.status} {refusal.message}" if form == "text" else ""
    )
