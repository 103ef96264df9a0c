"""The API: decides the order of checks for a request, from route over token to endpoint, and turns refusals into replies."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from aiohttp import web

from onepassword_operator.devconnect import fault_replies, ids, routes, routing
from onepassword_operator.devconnect.errors import ApiError, bad_request
from onepassword_operator.devconnect.faults import Faults
from onepassword_operator.devconnect.request_log import LoggedRequest, RequestLog
from onepassword_operator.devconnect.tokens import Tokens
from onepassword_operator.devconnect.vault_store import VaultStore

_log: Final = logging.getLogger(__name__)
_NOUNS: Final = ("Vault", "Item", "File")
_TEMPLATES: Final = frozenset(template for _, template in routes.API_ROUTES)
_OPEN: Final = frozenset({routing.HEARTBEAT, routing.HEALTH})


class ConnectApi:
    """Answers the requests of the API port from the store."""

    def __init__(self, *, store: VaultStore, tokens: Tokens, faults: Faults, requests: RequestLog, clock: Callable[[], float]) -> None:
        self._store: Final = store
        self._tokens: Final = tokens
        self._faults: Final = faults
        self._requests: Final = requests
        self._clock: Final = clock

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, rightly or as a fault rule says."""
        path = request.path
        target = routing.resolve(path)
        route = f"{request.method} {target.template}"
        logged = self._note(request, target, route=route)
        if self._faults.latency_seconds:
            await asyncio.sleep(self._faults.latency_seconds)
        answer = partial(self._answer, request, target)
        rule = self._faults.take(route=route, path=path)
        response = await answer() if rule is None else await fault_replies.perform(rule, request, answer=answer)
        if request.transport is not None and not request.transport.is_closing():
            logged.status = response.status
        return response

    def _note(self, request: web.BaseRequest, target: routing.Target, *, route: str) -> LoggedRequest:
        path = request.path
        logged = LoggedRequest(
            at=self._clock(), method=request.method, route=route, path=path, user_agent=request.headers.get("User-Agent", "")
        )
        if path.startswith("/v1"):
            is_item_read = request.method == "GET" and target.template == routing.ITEM
            self._requests.arrived(logged, item_read="/".join(target.ids) if is_item_read else None)
        return logged

    async def _answer(self, request: web.BaseRequest, target: routing.Target) -> web.Response:
        try:
            response = await self._answer_or_refuse(request, target)
        except ApiError as error:
            response = routes.error_response(error.status, error.message)
        except web.HTTPRequestEntityTooLarge:
            response = routes.error_response(413, "The request body is too large")
        except Exception as error:  # noqa: BLE001 - a bug here must look to the client like a failing Connect
            # The error's text could hold a value, its type cannot.
            _log.error("a request failed unexpectedly: %s on %s", type(error).__name__, target.template)
            response = routes.error_response(500, "Something went wrong")
        response.headers["1Password-Connect-Version"] = routes.VERSION
        return response

    async def _answer_or_refuse(self, request: web.BaseRequest, target: routing.Target) -> web.Response:
        if target.template in _OPEN and request.method == "GET":
            return web.Response(text=".") if target.template == routing.HEARTBEAT else routes.health_response()
        route = routes.API_ROUTES.get((request.method, target.template))
        if route is None:
            if target.template in _TEMPLATES or target.template in _OPEN:
                raise ApiError(405, "method not allowed")
            raise ApiError(404, "route not found")
        grant = self._tokens.verify(request.headers.get("Authorization"))
        for noun, identifier in zip(_NOUNS, target.ids, strict=False):
            if not ids.is_well_formed(identifier):
                raise bad_request(f"Invalid {noun} UUID")
        if target.ids:
            grant.check(target.ids[0], route.needs, action=route.action)
        return await route.answer(routes.Call(request=request, target=target, grant=grant, store=self._store, now=self._clock()))
