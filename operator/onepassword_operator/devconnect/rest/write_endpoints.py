"""Endpoints that change items.

They decide which reply a token without read access gets, and which version a lagging server shows.
"""

from __future__ import annotations

import dataclasses

from aiohttp import web

from onepassword_operator.devconnect import ids, json_codec, json_input
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.items import item_input, patches, rendering
from onepassword_operator.devconnect.items.field_input import NOON_SECONDS, Reading
from onepassword_operator.devconnect.items.records import Item, ItemContent, ItemDraft
from onepassword_operator.devconnect.rest.calls import Call
from onepassword_operator.devconnect.rest.replies import json_response


async def create_item(call: Call) -> web.Response:
    """Answer `POST /v1/vaults/{v}/items`, with 200."""
    received = await _receive(call)
    call.store.vault(call.vault_id)
    body = json_input.parse(received)
    item_input.check_addressed(body, vault_id=call.vault_id)
    content = dataclasses.replace(item_input.parse_content(body, _reading(call)), state=None)
    item_input.check_category(content)
    item = call.store.create_item(
        call.vault_id, ItemDraft(content=content), editor=ids.INTEGRATION_ID
    )
    call.stored = True
    return _written(call, item, fine_times=call.behaviour.create_times == "nanoseconds")


async def replace_item(call: Call) -> web.Response:
    """Answer `PUT /v1/vaults/{v}/items/{i}`: members that the body omits are removed.

    Files and state stay.
    """
    received = await _receive(call)
    item = call.store.item(call.vault_id, call.item_id)
    body = json_input.parse(received)
    item_input.check_addressed(body, vault_id=call.vault_id, item_id=call.item_id)
    content = dataclasses.replace(
        item_input.parse_content(body, _reading(call)), state=item.content.state
    )
    return _update(call, item, content=content)


async def patch_item(call: Call) -> web.Response:
    """Answer `PATCH /v1/vaults/{v}/items/{i}`.

    Without operations the item and its version stay as they are.
    """
    received = await _receive(call)
    item = call.store.item(call.vault_id, call.item_id)
    operations = json_input.parse(received)
    content = patches.apply(
        item,
        operations,
        reading=_reading(call),
        add_replaces=call.behaviour.patch_add_existing == "replace",
    )
    return _update(call, item, content=content) if operations else _written(call, item)


async def delete_item(call: Call) -> web.Response:
    """Answer `DELETE /v1/vaults/{v}/items/{i}`: permanent, without a trash."""
    call.item = call.store.item(call.vault_id, call.item_id)
    call.store.delete_item(call.vault_id, call.item_id)
    call.stored = True
    return web.Response(status=204)


async def _receive(call: Call) -> bytes:
    if not call.may_read and call.behaviour.write_only_reply == "refused":
        raise ApiError(
            403,
            "Authorization: token does not have permission to perform read on vault "
            f"{call.vault_id}",
        )
    return await call.receive()


def _reading(call: Call) -> Reading:
    return Reading(seconds_into_day=NOON_SECONDS if call.behaviour.api_dates == "noon" else 0)


def _update(call: Call, item: Item, *, content: ItemContent) -> web.Response:
    item_input.check_category(content, before=item.content.category)
    if call.behaviour.sshkey_written_back == "string":
        fields = tuple(
            {**field, "type": "STRING"} if field["type"] == "SSHKEY" else field
            for field in content.fields
        )
        content = dataclasses.replace(content, fields=fields)
    updated = call.store.update_item(item, content, editor=ids.INTEGRATION_ID)
    call.stored = True
    return _written(call, updated)


def _written(call: Call, item: Item, *, fine_times: bool = False) -> web.Response:
    call.item = item
    # Until the change has come back from 1Password, the reply carries the version readers see.
    seen = dataclasses.replace(item, version=_visible_version(call, item))
    # A token without read access must not learn stored values from the reply to its own write.
    shown = rendering.full_item(seen, at=call.now) if call.may_read else rendering.summary(seen)
    if fine_times:
        shown |= {
            name: rendering.fine_timestamp(item.created_at) for name in ("createdAt", "updatedAt")
        }
    return json_response(json_codec.encode(shown))


def _visible_version(call: Call, item: Item) -> int:
    try:
        return min(item.version, call.visible.item(call.vault_id, item.id).version)
    except ApiError:
        return item.version
