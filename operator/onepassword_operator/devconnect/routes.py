"""The endpoints of the API: for each, the permission it needs and the function that answers it from the store."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import orjson
from aiohttp import web

from onepassword_operator.devconnect import filters, ids, item_input, patches, rendering, routing
from onepassword_operator.devconnect.errors import ApiError, bad_request, not_found
from onepassword_operator.devconnect.records import Item, ItemDraft, Json, StoredFile
from onepassword_operator.devconnect.tokens import Access, Grant
from onepassword_operator.devconnect.vault_store import VaultStore

VERSION: Final = "1.8.1"
INLINE_LIMIT_BYTES: Final = 100 * 1024
_TRUE: Final = frozenset({"true", "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised request: who asks, for which ids, of which data."""

    request: web.BaseRequest
    target: routing.Target
    grant: Grant
    store: VaultStore
    now: float

    @property
    def vault_id(self) -> str:
        """The vault of the path."""
        return self.target.ids[0]

    @property
    def item_id(self) -> str:
        """The item of the path."""
        return self.target.ids[1]

    async def receive(self) -> bytes:
        """Wait for the body; a write receives it before it looks at the store, so that nothing changes in between."""
        return await self.request.read()

    def query(self, name: str) -> str | None:
        """Return a query parameter; a plus sign in it means a space."""
        return self.request.query.get(name) if self.request.query_string else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """An endpoint: what answers it and what a token must allow in the path's vault."""

    answer: Callable[[Call], Awaitable[web.Response]]
    needs: Access = Access.NONE
    action: str = "read"


def json_response(body: bytes, *, status: int = 200) -> web.Response:
    """Answer with serialised JSON."""
    return web.Response(body=body, status=status, content_type="application/json", charset="utf-8")


def error_response(status: int, message: str) -> web.Response:
    """Answer with Connect's error object."""
    return json_response(orjson.dumps({"status": status, "message": message}), status=status)


async def list_vaults(call: Call) -> web.Response:
    """Answer `GET /v1/vaults`: the vaults in the token's scope."""
    vaults = [vault for vault in call.store.visible_vaults() if call.grant.access_to(vault.id)]
    wanted = call.query("filter")
    if wanted:
        predicate = filters.parse(wanted, attributes=filters.VAULT_ATTRIBUTES)
        vaults = [vault for vault in vaults if predicate(filters.vault_subject(vault))]
    return json_response(orjson.dumps([rendering.vault(vault) for vault in vaults]))


async def get_vault(call: Call) -> web.Response:
    """Answer `GET /v1/vaults/{v}`."""
    return json_response(orjson.dumps(rendering.vault(call.store.visible_vault(call.vault_id))))


async def list_items(call: Call) -> web.Response:
    """Answer `GET /v1/vaults/{v}/items`: summaries of the active items."""
    wanted = call.query("filter")
    if not wanted:
        return json_response(call.store.visible_listing(call.vault_id))
    items = call.store.visible_items(call.vault_id)
    predicate = filters.parse(wanted, attributes=filters.ITEM_ATTRIBUTES)
    return json_response(orjson.dumps([rendering.summary(item) for item in items if predicate(filters.item_subject(item))]))


async def get_item(call: Call) -> web.Response:
    """Answer `GET /v1/vaults/{v}/items/{i}`, the only call that shows values."""
    return json_response(orjson.dumps(rendering.full_item(call.store.visible_item(call.vault_id, call.item_id), at=call.now)))


async def create_item(call: Call) -> web.Response:
    """Answer `POST /v1/vaults/{v}/items`."""
    received = await call.receive()
    call.store.vault(call.vault_id)
    body = _json(received)
    item_input.check_addressed(body, vault_id=call.vault_id)
    content = item_input.parse_content(body)
    item_input.check_creatable(content)
    return _written(call, call.store.create_item(call.vault_id, ItemDraft(content=content), editor=ids.INTEGRATION_ID))


async def replace_item(call: Call) -> web.Response:
    """Answer `PUT /v1/vaults/{v}/items/{i}`: what the body omits is gone, files stay."""
    received = await call.receive()
    item = call.store.item(call.vault_id, call.item_id)
    body = _json(received)
    item_input.check_addressed(body, vault_id=call.vault_id, item_id=call.item_id)
    content = item_input.parse_content(body)
    return _written(call, call.store.update_item(item, content, editor=ids.INTEGRATION_ID))


async def patch_item(call: Call) -> web.Response:
    """Answer `PATCH /v1/vaults/{v}/items/{i}`; no operations leave the item and its version as they are."""
    received = await call.receive()
    item = call.store.item(call.vault_id, call.item_id)
    operations = _json(received)
    content = patches.apply(item, operations)
    return _written(call, call.store.update_item(item, content, editor=ids.INTEGRATION_ID) if operations else item)


async def delete_item(call: Call) -> web.Response:
    """Answer `DELETE /v1/vaults/{v}/items/{i}`."""
    call.store.delete_item(call.vault_id, call.item_id)
    return web.Response(status=204)


async def list_files(call: Call) -> web.Response:
    """Answer `GET …/files`."""
    item = call.store.visible_item(call.vault_id, call.item_id)
    inline = _wants_inline(call)
    return json_response(orjson.dumps([_file(item, file, inline=inline) for file in item.files]))


async def get_file(call: Call) -> web.Response:
    """Answer `GET …/files/{f}`."""
    item, file = _find_file(call)
    return json_response(orjson.dumps(_file(item, file, inline=_wants_inline(call))))


async def get_content(call: Call) -> web.Response:
    """Answer `GET …/files/{f}/content`: the bytes as an attachment."""
    _, file = _find_file(call)
    plain = file.name.encode("ascii", "replace").decode().replace("\\", "_").replace('"', "_")
    disposition = f'attachment; filename="{plain}"'
    if plain != file.name:
        disposition += f"; filename*=UTF-8''{quote(file.name, safe='')}"
    return web.Response(body=file.content, content_type="application/octet-stream", headers={"Content-Disposition": disposition})


API_ROUTES: Final[Mapping[tuple[str, str], Route]] = {
    ("GET", routing.VAULTS): Route(answer=list_vaults),
    ("GET", routing.VAULT): Route(answer=get_vault),
    ("GET", routing.ITEMS): Route(answer=list_items, needs=Access.READ),
    ("POST", routing.ITEMS): Route(answer=create_item, needs=Access.CREATE, action="create"),
    ("GET", routing.ITEM): Route(answer=get_item, needs=Access.READ),
    ("PUT", routing.ITEM): Route(answer=replace_item, needs=Access.UPDATE, action="update"),
    ("PATCH", routing.ITEM): Route(answer=patch_item, needs=Access.UPDATE, action="update"),
    ("DELETE", routing.ITEM): Route(answer=delete_item, needs=Access.ARCHIVE, action="delete"),
    ("GET", routing.FILES): Route(answer=list_files, needs=Access.READ),
    ("GET", routing.FILE): Route(answer=get_file, needs=Access.READ),
    ("GET", routing.CONTENT): Route(answer=get_content, needs=Access.READ),
}


def health_response() -> web.Response:
    """Answer `GET /health`: this server has nothing to sync, so every dependency is active."""
    dependencies = [{"service": name, "status": "ACTIVE"} for name in ("sqlite", "sync", "1Password", "account_data")]
    return json_response(orjson.dumps({"name": "1Password Connect API", "version": VERSION, "dependencies": dependencies}))


def _json(received: bytes) -> object:
    # The content type is not looked at, because clients differ in it.
    try:
        body: object = orjson.loads(received)
    except orjson.JSONDecodeError:
        raise bad_request("The body is not valid JSON") from None
    return body


def _written(call: Call, item: Item) -> web.Response:
    # A token without read access must not learn what is stored from the reply to its own write.
    readable = call.grant.access_to(call.vault_id) & Access.READ == Access.READ
    return json_response(orjson.dumps(rendering.full_item(item, at=call.now) if readable else rendering.summary(item)))


def _wants_inline(call: Call) -> bool:
    return (call.query("inline_files") or "").lower() in _TRUE


def _file(item: Item, file: StoredFile, *, inline: bool) -> Json:
    if inline and len(file.content) > INLINE_LIMIT_BYTES:
        path = rendering.content_path(item, file)
        raise ApiError(413, f"The file is too large to be inlined: use {path} to get its content")
    return rendering.file_metadata(item, file, inline=inline)


def _find_file(call: Call) -> tuple[Item, StoredFile]:
    item = call.store.visible_item(call.vault_id, call.item_id)
    file_id = call.target.ids[2]
    for file in item.files:
        if file.id == file_id:
            return item, file
    raise not_found("file", file_id)
