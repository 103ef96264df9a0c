"""The API: checks route, token and scope in this order, and turns refusals into replies."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Final

from aiohttp import web

from onepassword_operator.devconnect import ids, json_codec
from onepassword_operator.devconnect.auth.tokens import Grant, Tokens
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError, bad_request, not_found
from onepassword_operator.devconnect.events.activity import Activity, ActivityLog
from onepassword_operator.devconnect.events.feed import EventFeed
from onepassword_operator.devconnect.events.records import Origin
from onepassword_operator.devconnect.faults import replies as fault_replies
from onepassword_operator.devconnect.faults.injection import Faults
from onepassword_operator.devconnect.faults.rules import Action
from onepassword_operator.devconnect.rest import replies, routes, routing
from onepassword_operator.devconnect.rest.balancing import Balancer
from onepassword_operator.devconnect.rest.calls import Call, Route
from onepassword_operator.devconnect.rest.events_api import EventsApi
from onepassword_operator.devconnect.rest.metrics import ApiMetrics
from onepassword_operator.devconnect.rest.request_log import LoggedRequest, RequestLog
from onepassword_operator.devconnect.rest.upstream import Upstream
from onepassword_operator.devconnect.store.vault_store import VaultStore

_log: Final = logging.getLogger(__name__)
_NOUNS: Final = ("Vault", "Item", "File")
_VERSION_HEADER: Final = "1Password-Connect-Version"
# Sent only if there are several replicas; no real server sends it.
_REPLICA_HEADER: Final = "Dev-Connect-Replica"
# Replies of a proxy in front do not have the server's header.
_BY_A_PROXY: Final = frozenset({Action.HTML, Action.REDIRECT})


@dataclasses.dataclass(slots=True, kw_only=True)
class Parts:
    """The parts that answer requests."""

    store: VaultStore
    balancer: Balancer
    tokens: Tokens
    faults: Faults
    requests: RequestLog
    activity: ActivityLog
    metrics: ApiMetrics
    upstream: Upstream
    behaviour: Behaviour
    clock: Callable[[], float]
    feed: EventFeed
    events: EventsApi


class ConnectApi:
    """Answers the requests of the API port."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, correctly or as a fault rule says."""
        parts, started = self._parts, perf_counter()
        path = request.path
        target = routing.resolve(path)
        route = f"{request.method} {target.template}"
        replica = parts.balancer.pick(request.transport)
        logged = self._note(request, target, replica=replica)
        if parts.faults.latency_seconds:
            await asyncio.sleep(parts.faults.latency_seconds)
        answer = partial(self._answer, request, target, replica=replica)
        rule = parts.faults.take(route=route, path=path)
        response = (
            await answer()
            if rule is None
            else await fault_replies.perform(rule, request, answer=answer)
        )
        if rule is not None and rule.action not in _BY_A_PROXY and not response.prepared:
            self._stamp(response, replica)
        if request.transport is not None and not request.transport.is_closing():
            logged.status = response.status
        if target.template in routes.TEMPLATES:
            parts.metrics.observe(request.method, target.template, seconds=perf_counter() - started)
        return response

    def _note(
        self, request: web.BaseRequest, target: routing.Target, *, replica: int
    ) -> LoggedRequest:
        parts, path = self._parts, request.path
        logged = LoggedRequest(
            at=parts.clock(),
            method=request.method,
            route=f"{request.method} {target.template}",
            path=path,
            user_agent=_user_agent(request),
            replica=replica if parts.balancer.replicas > 1 else None,
        )
        if path.startswith("/v1"):
            is_item_read = request.method == "GET" and target.template == routing.ITEM
            parts.requests.arrived(logged, item_read="/".join(target.ids) if is_item_read else None)
        return logged

    async def _answer(
        self, request: web.BaseRequest, target: routing.Target, *, replica: int
    ) -> web.Response:
        try:
            response = await self._answer_or_refuse(request, target, replica=replica)
        except ApiError as error:
            response = replies.error_response(error.status, error.message)
        except Exception as error:  # noqa: BLE001 - a bug here must look to the client like a failing Connect
            # The error's text could hold a value; its type can't.
            _log.error(
                "a request failed unexpectedly: %s on %s", type(error).__name__, target.template
            )
            response = replies.error_response(500, "Something went wrong")
        self._stamp(response, replica)
        return response

    def _stamp(self, response: web.StreamResponse, replica: int) -> None:
        if self._parts.balancer.replicas > 1:
            response.headers[_REPLICA_HEADER] = str(replica)
        if self._parts.behaviour.version:
            response.headers[_VERSION_HEADER] = self._parts.behaviour.version

    async def _answer_or_refuse(
        self, request: web.BaseRequest, target: routing.Target, *, replica: int
    ) -> web.Response:
        if target.template in routing.OPEN and request.method == "GET":
            return self._answer_openly(request, target.template)
        if (request.method, target.template) in routes.EVENT_ROUTES:
            return await self._parts.events.answer(request, target.template)
        route = routes.API_ROUTES.get((request.method, target.template))
        if route is None:
            return self._refuse_route(target.template)
        parts = self._parts
        if parts.behaviour.malformed_id == "before-token":
            _check_ids(target)
        origin = Origin(user_agent=_user_agent(request), address=request.remote or "")
        grant = self._sign_in(request, origin)
        await parts.upstream.ready()
        call = Call(
            request=request,
            target=target,
            grant=grant,
            origin=origin,
            store=parts.store,
            visible=parts.store.replicas[replica],
            behaviour=parts.behaviour,
            activity=parts.activity,
            now=parts.clock(),
        )
        return await self._answer_and_record(call, route)

    def _sign_in(self, request: web.BaseRequest, origin: Origin) -> Grant:
        authorization = request.headers.get("Authorization")
        try:
            grant = self._parts.tokens.verify(authorization)
        except ApiError:
            if authorization:
                self._parts.feed.turned_away(origin)
            raise
        self._parts.feed.signed_in(grant.id, origin)
        return grant

    async def _answer_and_record(self, call: Call, route: Route) -> web.Response:
        denied = False
        try:
            _check_ids(call.target)
            if call.target.ids:
                self._check_scope(call.grant, call.vault_id)
                call.grant.check(call.vault_id, route.needs, action=route.action)
            response = await route.answer(call)
            if call.item is not None and (call.stored or route.action == "read"):
                self._parts.feed.answered(call.item, action=route.action, origin=call.origin)
            return response
        except ApiError as error:
            denied = error.status == 403  # noqa: PLR2004 - Forbidden
            raise
        finally:
            self._record(call, denied=denied)

    def _check_scope(self, grant: Grant, vault_id: str) -> None:
        if self._parts.behaviour.out_of_scope == "missing" and not grant.access_to(vault_id):
            raise not_found("vault", vault_id)

    def _record(self, call: Call, *, denied: bool) -> None:
        activity = self._parts.activity
        activity.add(
            Activity(
                number=activity.arrived,
                at=call.now,
                method=call.request.method,
                ids=call.target.ids,
                about_items="items" in call.target.template,
                item_version=None if call.item is None else call.item.version,
                token_id=call.grant.id,
                user_agent=call.origin.user_agent,
                address=call.origin.address,
                denied=denied,
            )
        )

    def _answer_openly(self, request: web.BaseRequest, template: str) -> web.Response:
        parts = self._parts
        if template == routing.HEARTBEAT:
            return web.Response(text=".")
        if template == routing.METRICS:
            return web.Response(
                body=parts.metrics.text().encode(),
                headers={"Content-Type": parts.metrics.CONTENT_TYPE},
            )
        # Readiness probes get their 200 even with an invalid token.
        with contextlib.suppress(ApiError):
            parts.tokens.verify(request.headers.get("Authorization"))
            parts.upstream.unlock()
        health = {
            "name": "1Password Connect API",
            "version": parts.behaviour.version,
            "dependencies": parts.upstream.dependencies(),
        }
        return replies.json_response(json_codec.encode(health))

    def _refuse_route(self, template: str) -> web.Response:
        known = template in routes.TEMPLATES
        refusal = ApiError(405, "method not allowed") if known else ApiError(404, "route not found")
        response = replies.no_route(refusal, form=self._parts.behaviour.unknown_route)
        if known:
            response.headers["Allow"] = routes.methods(template)
        return response


def _check_ids(target: routing.Target) -> None:
    for noun, identifier in zip(_NOUNS, target.ids, strict=False):
        if not ids.is_well_formed(identifier):
            raise bad_request(f"Invalid {noun} UUID")


def _user_agent(request: web.BaseRequest) -> str:
    # Bytes that are not UTF-8 arrive as lone surrogates, which JSON can't hold.
    return request.headers.get("User-Agent", "").encode(errors="replace").decode()
