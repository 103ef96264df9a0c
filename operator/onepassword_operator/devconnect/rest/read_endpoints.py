"""Endpoints that read vaults, items and the activity log."""

from __future__ import annotations

from aiohttp import web

from onepassword_operator.devconnect import json_codec
from onepassword_operator.devconnect.items import rendering
from onepassword_operator.devconnect.rest import filters
from onepassword_operator.devconnect.rest.calls import Call
from onepassword_operator.devconnect.rest.replies import json_response


async def list_vaults(call: Call) -> web.Response:
    """Answer `GET /v1/vaults`: the vaults in the token's scope."""
    vaults = [vault for vault in call.visible.vaults() if call.grant.access_to(vault.id)]
    wanted = call.query("filter")
    if wanted:
        predicate = filters.parse(
            wanted, attributes=filters.VAULT_ATTRIBUTES, behaviour=call.behaviour
        )
        vaults = [vault for vault in vaults if predicate(filters.vault_subject(vault))]
    return json_response(json_codec.encode([rendering.vault(vault) for vault in vaults]))


async def get_vault(call: Call) -> web.Response:
    """Answer `GET /v1/vaults/{v}`."""
    return json_response(json_codec.encode(rendering.vault(call.visible.vault(call.vault_id))))


async def list_items(call: Call) -> web.Response:
    """Answer `GET /v1/vaults/{v}/items`: summaries of the items that lists show."""
    wanted = call.query("filter")
    if not wanted:
        return json_response(call.visible.listing(call.vault_id))
    items = call.visible.items(call.vault_id)
    predicate = filters.parse(wanted, attributes=filters.ITEM_ATTRIBUTES, behaviour=call.behaviour)
    return json_response(
        json_codec.encode(
            [rendering.summary(item) for item in items if predicate(filters.item_subject(item))]
        )
    )


async def get_item(call: Call) -> web.Response:
    """Answer `GET /v1/vaults/{v}/items/{i}`, the only call that shows values."""
    item = call.visible.item(call.vault_id, call.item_id)
    call.item = item
    return json_response(json_codec.encode(rendering.full_item(item, at=call.now)))


async def list_activity(call: Call) -> web.Response:
    """Answer `GET /v1/activity`: any valid token may read it."""
    records, content_range = call.activity.page(call.query("limit"), call.query("offset"))
    body = json_codec.encode([record.show() for record in records])
    return json_response(body, headers={"Content-Range": content_range})
