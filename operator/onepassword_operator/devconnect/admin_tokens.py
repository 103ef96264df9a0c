"""The admin port's part about tokens: mint, revoke, restore."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from onepassword_operator.devconnect.admin_json import done, json_reply, read_object, read_text
from onepassword_operator.devconnect.editing import Editor
from onepassword_operator.devconnect.errors import bad_request
from onepassword_operator.devconnect.tokens import EVERY_VAULT, MODES, Access, Tokens


def mint(tokens: Tokens, editor: Editor, *, vaults: Mapping[str, object] | None, expires_in_seconds: float | None) -> str:
    """Make a token for vaults by name or id with mode `r`, `w` or `rw`; without vaults, for all of them.

    Raises ApiError for an unknown vault and ValueError for an unknown mode.
    """
    if vaults is None:
        return tokens.mint({EVERY_VAULT: MODES["rw"]}, expires_in_seconds=expires_in_seconds)
    scope = {editor.find_vault(vault).id: _mask(mode) for vault, mode in vaults.items()}
    return tokens.mint(scope, expires_in_seconds=expires_in_seconds)


def _mask(mode: object) -> Access:
    if not isinstance(mode, str) or mode not in MODES:
        raise ValueError("a vault's mode is r, w or rw")
    return MODES[mode]


class TokenActions:
    """Tokens at run time."""

    def __init__(self, tokens: Tokens, editor: Editor) -> None:
        self._tokens: Final = tokens
        self._editor: Final = editor

    def routes(self) -> list[web.RouteDef]:
        """List what is answered here."""
        return [
            web.post("/tokens", self.mint),
            web.post("/tokens/revoke", self.revoke),
            web.post("/tokens/restore", self.restore),
            web.delete("/tokens/{id}", self.revoke_by_id),
        ]

    async def mint(self, request: web.Request) -> web.Response:
        """Make a token."""
        body = await read_object(request)
        vaults, seconds = body.get("vaults"), body.get("expires_in_seconds")
        if vaults is not None and not isinstance(vaults, Mapping):
            raise bad_request('vaults must be an object such as {"Prod apps": "r"}')
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
            raise bad_request("expires_in_seconds must be a number")
        try:
            token = mint(self._tokens, self._editor, vaults=vaults, expires_in_seconds=seconds)
        except ValueError as error:
            raise bad_request(str(error)) from None
        return json_reply({"token": token, "id": self._tokens.token_id(token)})

    async def revoke(self, request: web.Request) -> web.Response:
        """Refuse a token from now on."""
        self._tokens.revoke(await self._token_id(request))
        return done()

    async def restore(self, request: web.Request) -> web.Response:
        """Accept a revoked token again."""
        self._tokens.restore(await self._token_id(request))
        return done()

    async def revoke_by_id(self, request: web.Request) -> web.Response:
        """Refuse the token with this id from now on."""
        self._tokens.revoke(request.match_info["id"])
        return done()

    async def _token_id(self, request: web.Request) -> str:
        return self._tokens.token_id(read_text(await read_object(request), "token"))
