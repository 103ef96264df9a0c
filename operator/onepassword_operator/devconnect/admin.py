"""The admin port: what tests and demos steer and ask; JSON, no authentication, hence loopback by default, and never a value in a reply."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final, Protocol

import orjson
from aiohttp import web

from onepassword_operator.devconnect.editing import Editor
from onepassword_operator.devconnect.errors import ApiError, bad_request
from onepassword_operator.devconnect.faults import FaultError, Faults
from onepassword_operator.devconnect.item_shape import SeedError
from onepassword_operator.devconnect.records import Item, Json, Vault
from onepassword_operator.devconnect.replicas import Lag
from onepassword_operator.devconnect.request_log import RequestLog
from onepassword_operator.devconnect.tokens import Tokens
from onepassword_operator.devconnect.vault_store import VaultStore


class Steered(Protocol):
    """The running server, as far as the admin port steers it."""

    store: VaultStore
    editor: Editor
    faults: Faults
    requests: RequestLog

    @property
    def tokens(self) -> Tokens:
        """The server's tokens."""

    def mint(self, *, vaults: Mapping[str, str] | None = None, expires_in_seconds: float | None = None) -> str:
        """Make a token."""


_BODY_LIMIT_BYTES: Final = 64 * 1024 * 1024


def build(server: Steered) -> web.Application:
    """Build the admin application."""
    application = web.Application(middlewares=[_refusals], client_max_size=_BODY_LIMIT_BYTES)
    actions = _Actions(server)
    application.add_routes(
        [
            web.get("/requests", actions.show_requests),
            web.delete("/requests", actions.reset_requests),
            web.get("/vaults", actions.show_vaults),
            web.post("/vaults", actions.create_vault),
            web.patch("/vaults/{vault}", actions.rename_vault),
            web.delete("/vaults/{vault}", actions.delete_vault),
            web.post("/vaults/{vault}/items", actions.create_item),
            web.post("/vaults/{vault}/items/{item}", actions.edit_item),
            web.delete("/vaults/{vault}/items/{item}", actions.delete_item),
            web.post("/tokens", actions.mint),
            web.post("/tokens/revoke", actions.revoke),
            web.post("/tokens/restore", actions.restore),
            web.delete("/tokens/{id}", actions.revoke_by_id),
            web.get("/faults", actions.show_faults),
            web.put("/faults", actions.replace_faults),
            web.delete("/faults", actions.clear_faults),
            web.get("/lag", actions.show_lag),
            web.put("/lag", actions.set_lag),
        ]
    )
    return application


@web.middleware
async def _refusals(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return _json({"status": error.status, "message": error.message}, status=error.status)
    except (SeedError, FaultError) as error:
        return _json({"status": 400, "message": str(error)}, status=400)
    except web.HTTPException as error:
        return _json({"status": error.status, "message": error.reason}, status=error.status)


class _Actions:
    def __init__(self, server: Steered) -> None:
        self._server: Final = server

    async def show_requests(self, _: web.Request) -> web.Response:
        log = self._server.requests
        shown = {
            "total": log.total,
            "by_route": log.by_route,
            "item_reads": log.item_reads,
            "log": [asdict(entry) for entry in log.entries],
        }
        return _json(shown)

    async def reset_requests(self, _: web.Request) -> web.Response:
        self._server.requests.clear()
        return _done()

    async def show_vaults(self, _: web.Request) -> web.Response:
        store = self._server.store
        return _json([{**_vault(vault), "items": [_item(item) for item in store.items(vault.id)]} for vault in store.vaults()])

    async def create_vault(self, request: web.Request) -> web.Response:
        return _json(_vault(self._server.editor.create_vault(_text(await _body(request), "name"))))

    async def rename_vault(self, request: web.Request) -> web.Response:
        name = _text(await _body(request), "name")
        return _json(_vault(self._server.editor.rename_vault(request.match_info["vault"], name)))

    async def delete_vault(self, request: web.Request) -> web.Response:
        self._server.editor.delete_vault(request.match_info["vault"])
        return _done()

    async def create_item(self, request: web.Request) -> web.Response:
        shape = await _body(request)
        return _json(_item(self._server.editor.create_item(request.match_info["vault"], shape)))

    async def edit_item(self, request: web.Request) -> web.Response:
        edit = await _body(request)
        return _json(_item(self._server.editor.edit_item(request.match_info["vault"], request.match_info["item"], edit=edit)))

    async def delete_item(self, request: web.Request) -> web.Response:
        self._server.editor.delete_item(request.match_info["vault"], request.match_info["item"])
        return _done()

    async def mint(self, request: web.Request) -> web.Response:
        body = await _body(request)
        vaults, seconds = body.get("vaults"), body.get("expires_in_seconds")
        if vaults is not None and not isinstance(vaults, Mapping):
            raise bad_request('vaults must be an object such as {"Prod apps": "r"}')
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
            raise bad_request("expires_in_seconds must be a number")
        try:
            token = self._server.mint(vaults=vaults, expires_in_seconds=seconds)
        except (ValueError, TypeError):
            raise bad_request("a vault's mode is r, w or rw") from None
        return _json({"token": token, "id": self._server.tokens.token_id(token)})

    async def revoke(self, request: web.Request) -> web.Response:
        self._server.tokens.revoke(await self._token_id(request))
        return _done()

    async def restore(self, request: web.Request) -> web.Response:
        self._server.tokens.restore(await self._token_id(request))
        return _done()

    async def revoke_by_id(self, request: web.Request) -> web.Response:
        self._server.tokens.revoke(request.match_info["id"])
        return _done()

    async def show_faults(self, _: web.Request) -> web.Response:
        return _json(self._server.faults.show())

    async def replace_faults(self, request: web.Request) -> web.Response:
        rules = await _any_body(request)
        if not isinstance(rules, list):
            raise bad_request("write a list of rules")
        await self._server.faults.replace(rules)
        return _json(self._server.faults.show())

    async def clear_faults(self, _: web.Request) -> web.Response:
        await self._server.faults.clear()
        return _done()

    async def show_lag(self, _: web.Request) -> web.Response:
        return _json(asdict(self._server.store.lag))

    async def set_lag(self, request: web.Request) -> web.Response:
        body = await _body(request)
        known = {field.name for field in fields(Lag)}
        if not set(body) <= known or any(
            isinstance(value, bool) or not isinstance(value, int | float) or value < 0 for value in body.values()
        ):
            raise bad_request(f"write numbers of seconds for {', '.join(sorted(known))}")
        self._server.store.set_lag(Lag(**body))
        return _json(asdict(self._server.store.lag))

    async def _token_id(self, request: web.Request) -> str:
        return self._server.tokens.token_id(_text(await _body(request), "token"))


def _vault(vault: Vault) -> Json:
    return {"id": vault.id, "name": vault.name, "content_version": vault.content_version}


def _item(item: Item) -> Json:
    return {"id": item.id, "title": item.content.title, "version": item.version}


async def _any_body(request: web.Request) -> object:
    try:
        body: object = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise bad_request("the body is not valid JSON") from None
    return body


async def _body(request: web.Request) -> Json:
    body = await _any_body(request)
    if not isinstance(body, dict):
        raise bad_request("write a JSON object")
    return body


def _text(body: Mapping[str, Any], name: str) -> str:
    text = body.get(name)
    if not isinstance(text, str) or not text:
        raise bad_request(f"{name} must be a text that is not empty")
    return text


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


def _done() -> web.Response:
    return web.Response(status=204)
