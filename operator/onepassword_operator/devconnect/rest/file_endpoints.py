"""Endpoints that read files: decides if one is inlined or too large, and a download's name."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from aiohttp import web

from onepassword_operator.devconnect import json_codec
from onepassword_operator.devconnect.errors import ApiError, not_found
from onepassword_operator.devconnect.items import rendering
from onepassword_operator.devconnect.items.records import Item, Json, StoredFile
from onepassword_operator.devconnect.rest.calls import Call
from onepassword_operator.devconnect.rest.replies import json_response

_TRUE: Final = frozenset({"true", "1", "t"})
_NOT_PLAIN: Final = re.compile(r'[^ -~]|["\\]')


async def list_files(call: Call) -> web.Response:
    """Answer `GET …/files`."""
    item = _find_item(call)
    inline = _wants_inline(call)
    return json_response(
        json_codec.encode([_file(call, item, file=file, inline=inline) for file in item.files])
    )


async def get_file(call: Call) -> web.Response:
    """Answer `GET …/files/{f}`."""
    item, file = _find_file(call)
    return json_response(
        json_codec.encode(_file(call, item, file=file, inline=_wants_inline(call)))
    )


async def get_content(call: Call) -> web.Response:
    """Answer `GET …/files/{f}/content`: the bytes as an attachment."""
    _, file = _find_file(call)
    headers = {"Content-Disposition": disposition(file.name)}
    return web.Response(body=file.content, content_type="application/octet-stream", headers=headers)


def disposition(name: str) -> str:
    """Write the header that names a download.

    A name that is not plain ASCII comes in the form of RFC 5987 too.
    """
    plain = _NOT_PLAIN.sub("_", name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{extended}'


def _wants_inline(call: Call) -> bool:
    return (call.query("inline_files") or "").lower() in _TRUE


def _file(call: Call, item: Item, *, file: StoredFile, inline: bool) -> Json:
    if inline and len(file.content) > call.behaviour.inline_limit_bytes:
        path = rendering.content_path(item, file)
        raise ApiError(413, f"The file is too large to be inlined: use {path} to get its content")
    return rendering.file_metadata(item, file, inline=inline)


def _find_item(call: Call) -> Item:
    item = call.visible.item(call.vault_id, call.item_id)
    call.item = item
    return item


def _find_file(call: Call) -> tuple[Item, StoredFile]:
    item = _find_item(call)
    file_id = call.target.ids[2]
    for file in item.files:
        if file.id == file_id:
            return item, file
    raise not_found("file", file_id)
