"""The admin port's endpoints for tokens: mint, revoke, restore."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from onepassword_operator.devconnect.admin.answers import done, json_reply, read_object, read_text
from onepassword_operator.devconnect.auth.tokens import EVERY_VAULT, MODES, Access, Tokens
from onepassword_operator.devconnect.errors import bad_request
from onepassword_operator.devconnect.events.feed import EventFeed
from onepassword_operator.devconnect.events.tokens import EventTokens
from onepassword_operator.devconnect.store.editing import Editor


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mint:
    """Makes the tokens of a server, and records each in the events."""

    tokens: Tokens
    event_tokens: EventTokens
    editor: Editor
    feed: EventFeed

    def for_vaults(
        self, vaults: Mapping[str, object] | None = None, *, expires_in_seconds: float | None = None
    ) -> str:
        """Make a token for vaults by name or id with mode `r`, `w` or `rw`; none means all vaults.

        Raises:
            ApiError: a vault is unknown.
            ValueError: a mode is unknown.
        """
        scope: Mapping[str, int] = {EVERY_VAULT: MODES["rw"]}
        if vaults is not None:
            scope = {
                self.editor.find_vault(vault).id: _mask(mode) for vault, mode in vaults.items()
            }
        return self._made(self.tokens.mint(scope, expires_in_seconds=expires_in_seconds))

    def for_events(self, features: list[str], *, expires_in_seconds: float | None = None) -> str:
        """Make a token of the Events API, or raise ValueError for an unknown feature."""
        return self._made(self.event_tokens.mint(features, expires_in_seconds=expires_in_seconds))

    def _made(self, token: str) -> str:
        self.feed.changed_token(self.tokens.token_id(token), "create")
        return token


def _mask(mode: object) -> Access:
    if not isinstance(mode, str) or mode not in MODES:
        raise ValueError("a vault's mode is r, w or rw")
    return MODES[mode]


class TokenActions:
    """Endpoints for tokens of a running server."""

    def __init__(self, mint: Mint) -> None:
        self._mint = mint
        self._tokens = mint.tokens
        self._feed = mint.feed

    def routes(self) -> list[web.RouteDef]:
        """List the routes."""
        return [
            web.post("/tokens", self.mint),
            web.post("/tokens/revoke", self.revoke),
            web.post("/tokens/restore", self.restore),
            web.delete("/tokens/{id}", self.revoke_by_id),
        ]

    async def mint(self, request: web.Request) -> web.Response:
        """Make a token: with `features` one of the Events API, else one of Connect."""
        body = await read_object(request)
        seconds = body.get("expires_in_seconds")
        if seconds is not None and (
            isinstance(seconds, bool) or not isinstance(seconds, int | float)
        ):
            raise bad_request("expires_in_seconds must be a number")
        try:
            token = self._minted(body, seconds)
        except ValueError as error:
            raise bad_request(str(error)) from None
        return json_reply({"token": token, "id": self._tokens.token_id(token)})

    def _minted(self, body: Mapping[str, Any], seconds: float | None) -> str:
        vaults, features = body.get("vaults"), body.get("features")
        if features is None:
            if vaults is not None and not isinstance(vaults, Mapping):
                raise bad_request('vaults must be an object such as {"Prod apps": "r"}')
            return self._mint.for_vaults(vaults, expires_in_seconds=seconds)
        if vaults is not None:
            raise bad_request(
                "a token is for vaults or for features of the Events API, not for both"
            )
        is_list = isinstance(features, list)
        if not is_list or not all(isinstance(feature, str) for feature in features):
            raise bad_request('features must be a list such as ["auditevents"]')
        return self._mint.for_events(features, expires_in_seconds=seconds)

    async def revoke(self, request: web.Request) -> web.Response:
        """Refuse a token from now on."""
        self._revoke(await self._token_id(request))
        return done()

    async def restore(self, request: web.Request) -> web.Response:
        """Accept a revoked token again."""
        token_id = await self._token_id(request)
        self._tokens.restore(token_id)
        self._feed.changed_token(token_id, "restore")
        return done()

    async def revoke_by_id(self, request: web.Request) -> web.Response:
        """Refuse the token with this id from now on."""
        self._revoke(request.match_info["id"])
        return done()

    def _revoke(self, token_id: str) -> None:
        self._tokens.revoke(token_id)
        self._feed.changed_token(token_id, "revoke")

    async def _token_id(self, request: web.Request) -> str:
        return self._tokens.token_id(read_text(await read_object(request), "token"))
