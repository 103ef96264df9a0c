"""`ItemSource` over 1Password Connect's REST API.

Every call has a deadline and is retried within it. All calls keep a delay that Connect asks one of
them for. Bodies have a size limit, redirects are not followed, and the token goes to one origin
only. Errors name what was asked for, never the content of a body.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp

from onepassword_operator.connect import schema
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.answers import pause_seconds, to_error
from onepassword_operator.connect.asked import (
    FILE,
    HEALTH,
    ITEM,
    ITEMS,
    VAULTS,
    Asked,
    no_answer,
    through_proxy,
)
from onepassword_operator.connect.listing import decode_items
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import (
    BackendAnswerError,
    BackendDeniedError,
    BackendError,
    BackendForbiddenError,
    BackendUnavailableError,
    OperatorError,
    Retry,
    SecretTooLargeError,
)
from onepassword_operator.model.item import File, Item, ItemSummary, Vault
from onepassword_operator.model.item_path import looks_like_id
from onepassword_operator.net.proxy import DIRECT, Route

TIMEOUT_SECONDS: Final = 15.0
"""Until the first byte. A starting server takes up to ten seconds, or its OP_SYNC_TIMEOUT."""
FIRST_CALL: Final = 4.0
"""Factor for the deadline of the first call: the server may have started with the operator."""
TRIES: Final = 4
FILE_TRIES: Final = 5
"""Tries for a file's content: a 500 means that Connect is still fetching it from 1Password."""
REFUSALS: Final = {BackendDeniedError: 2, BackendForbiddenError: 3}
"""Tries until a token counts as refused: Connect 1.7 sometimes refuses valid tokens."""
CONNECT_SECONDS: Final = 5.0
"""Until a connection is open, or a pooled one is free."""
CONNECTIONS: Final = 16
"""More than the calls in flight, which `breaker.py` limits."""
IDLE_SECONDS: Final = 30.0
"""Shorter than load balancers keep idle connections, so that a dropped one is never used."""
ITEM_BYTES: Final = 4 * 1024 * 1024
LIST_BYTES: Final = 32 * 1024 * 1024
FILES_BYTES: Final = 1024 * 1024

Observer = Callable[[str, int, float], None]
"""Called after every request with its route template, status code (0: no answer) and seconds."""

_log = logging.getLogger(__name__)


def _nobody(route: str) -> None:
    del route


async def _at_once(route: str) -> float:
    del route
    return 0.0


class ConnectSource:
    """One Connect server, called with one token. Raises BackendError and ItemLookupError only."""

    def __init__(
        self,
        *,
        host: str,
        token: ConnectToken,
        user_agent: str,
        observer: Observer,
        retried: Callable[[str], None] = _nobody,
        turn: Callable[[str], Awaitable[float]] = _at_once,
        timeout_seconds: float = TIMEOUT_SECONDS,
        way: Route = DIRECT,
    ) -> None:
        self._base = base_url(host)
        self._token = token
        self._user_agent = user_agent
        self._observer = observer
        self._way = way
        self._timeout_seconds = timeout_seconds
        self._fresh = True
        self._not_before = 0.0
        self._asked: BackendError = BackendUnavailableError("no pause was asked for")
        self._session: aiohttp.ClientSession | None = None
        self._retried = retried
        self._turn = turn
        self._skipped: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
            # No compression: a small compressed reply could expand far beyond the size limits.
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "identity"},
            auto_decompress=False,
            proxy=self._way.proxy,
            middlewares=(self._way.authenticate,),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connection pool."""
        if self._session:
            await self._session.close()

    async def list_vaults(self) -> Sequence[Vault]:
        """Request `GET /v1/vaults`."""
        asked = self._asking(VAULTS)
        body = await self._get("/v1/vaults", asked=asked, cap=LIST_BYTES)
        return [wire.to_model() for wire in schema.decode_list(schema.WireVault, body, asked=asked)]

    async def list_items(self, vault_id: str) -> Sequence[ItemSummary]:
        """Request `GET /v1/vaults/{v}/items`, all of it: one list serves every lookup."""
        asked = self._asking(ITEMS)
        body = await self._get(
            f"/v1/vaults/{_identity(vault_id)}/items", asked=asked, cap=LIST_BYTES
        )
        items, vaults = decode_items(body, asked=asked)
        fits = {"", vault_id}
        own = (
            items
            if fits.issuperset(vaults)
            else [item for item, named in zip(items, vaults, strict=True) if named in fits]
        )
        if items and not own:
            raise _mixed_up(asked)
        if (skipped := len(items) - len(own)) != self._skipped.get(vault_id, 0):
            self._skipped[vault_id] = skipped
            _log.warning(
                "items of other vaults skipped", extra={"vault": vault_id, "items": skipped}
            )
        return own

    async def get_item(self, vault_id: str, item_id: str) -> Item:
        """Request `GET /v1/vaults/{v}/items/{i}` and the content of each of its files."""
        path = f"/v1/vaults/{_identity(vault_id)}/items/{_identity(item_id)}"
        asked = self._asking(ITEM)
        wire = schema.decode_one(
            schema.WireItem, await self._get(path, asked=asked, cap=ITEM_BYTES), asked=asked
        )
        if (wire.id, wire.vault.id) != (item_id, vault_id):
            raise _mixed_up(asked)
        return wire.to_model(await self._files(wire, path))

    async def health(self) -> schema.WireHealth:
        """Request `GET /health`, without a token: version and state of the dependencies.

        Raises:
            BackendError: the server gave no usable answer.
        """
        asked = self._asking(HEALTH)
        await self._wait_as_asked(time.monotonic() + self._timeout_seconds)
        limits = self._limits(self._timeout_seconds, first_byte=self._timeout_seconds)
        return schema.decode_one(
            schema.WireHealth,
            await self._once("/health", asked=asked, cap=ITEM_BYTES, limits=limits),
            asked=asked,
        )

    async def _files(self, wire: schema.WireItem, path: str) -> tuple[File, ...]:
        described = wire.files or []
        if (announced := sum(int(file.size or 0) for file in described)) > FILES_BYTES:
            raise SecretTooLargeError(
                f'item "{(wire.title or "")[:100]}" has {announced} bytes of attached files '
                f"and a Secret holds at most {FILES_BYTES}; "
                "remove or shrink a file"
            )
        files, room = [], FILES_BYTES
        for file in described:
            content = await self._file(file, path, room=room)
            room -= len(content)
            files.append(file.to_model(Confidential(bytes(content)), wire.section_labels))
        return tuple(files)

    async def _file(self, file: schema.WireFile, path: str, *, room: int) -> bytearray:
        asked = self._asking(FILE)
        path = f"{path}/files/{_identity(file.id)}/content"
        first = await self._get(path, asked=asked, cap=room, tries=FILE_TRIES)
        if file.size is None or len(first) == int(file.size):
            return first
        # The download was cut short, or the announced size is older than the file. Accept two
        # identical downloads, unless they are shorter than announced.
        second = await self._get(path, asked=asked, cap=room, tries=FILE_TRIES)
        if len(second) == int(file.size) or (second == first and len(second) > int(file.size)):
            return second
        raise BackendAnswerError(
            f"{asked}: Connect delivers {len(second)} bytes of a file "
            f"that it announces with {int(file.size)}; trying again"
        )

    async def _get(self, path: str, *, asked: Asked, cap: int, tries: int = TRIES) -> bytearray:
        first_byte = self._timeout_seconds * (FIRST_CALL if self._fresh else 1.0)
        deadline = time.monotonic() + max(first_byte, 2 * self._timeout_seconds)
        refusals = 0
        try:
            for attempt in itertools.count(1):
                # Waiting for a turn does not count against the deadline.
                deadline += await self._turn(asked.route)
                await self._wait_as_asked(deadline)
                limits = self._limits(
                    max(deadline - time.monotonic(), 0.001), first_byte=first_byte
                )
                try:
                    return await self._once(path, asked=asked, cap=cap, limits=limits)
                except BackendUnavailableError as error:
                    pause = pause_seconds(attempt, error)
                    if attempt >= tries or time.monotonic() + pause >= deadline:
                        raise
                except (BackendDeniedError, BackendForbiddenError) as error:
                    refusals += 1
                    pause = pause_seconds(1, error)
                    if refusals >= REFUSALS[type(error)] or time.monotonic() + pause >= deadline:
                        raise
                self._retried(asked.route)
                await asyncio.sleep(pause)
        finally:
            self._fresh = False
        raise AssertionError("unreachable")

    def _limits(self, seconds: float, *, first_byte: float) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(
            total=seconds, connect=min(CONNECT_SECONDS, self._timeout_seconds), sock_read=first_byte
        )

    async def _wait_as_asked(self, deadline: float) -> None:
        # Connect asks one call to wait, but for the server's sake, so all calls keep the delay.
        wait = self._not_before - time.monotonic()
        if self._not_before >= deadline:
            raise self._asked.anew(delay_seconds=wait)
        if wait > 0:
            await asyncio.sleep(wait)

    async def _once(
        self, path: str, *, asked: Asked, cap: int, limits: aiohttp.ClientTimeout
    ) -> bytearray:
        if self._session is None:
            raise BackendUnavailableError("the connection to Connect is not open")
        started, code = time.monotonic(), 0
        headers = {"Accept": "*/*"} | (
            {"Authorization": self._token.authorization()} if path.startswith("/v1/") else {}
        )
        try:
            async with self._session.get(
                self._base + path,
                headers=headers,
                timeout=limits,
                ssl=self._way.trust(),
                allow_redirects=False,
            ) as response:
                code = response.status
                if code == 200:  # noqa: PLR2004
                    return await _capped(response, cap, asked=asked)
                raise self._noted(to_error(code, response.headers, asked=asked))
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
            said = through_proxy(error, self._way.proxy)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            said = no_answer(error, asked)
        finally:
            self._observer(asked.route, code, time.monotonic() - started)
        raise BackendUnavailableError(f"{asked}: {said}")

    def _asking(self, route: str) -> Asked:
        return Asked(route, self._base)

    def _noted(self, error: OperatorError) -> OperatorError:
        if isinstance(error, BackendError) and error.delay_seconds is not None:
            self._not_before, self._asked = time.monotonic() + error.delay_seconds, error
        return error


def base_url(host: str) -> str:
    """Normalise `OP_CONNECT_HOST` to a base for paths, without a trailing slash or `/v1`.

    Raises:
        ValueError: not an http or https URL, or one with credentials in it.
    """
    parts = urlsplit(host.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("OP_CONNECT_HOST must be a URL such as http://onepassword-connect:8080")
    if parts.username or parts.password:
        raise ValueError(
            "OP_CONNECT_HOST must not contain credentials; the token goes into OP_CONNECT_TOKEN"
        )
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _too_long(cap: int, asked: Asked) -> OperatorError:
    if not asked.of_item:
        return BackendAnswerError(f"{asked}: the reply exceeds {cap} bytes")
    # The reply was not read to its end: it may be a broken one, so the item need not change.
    message = (
        f"{asked}: the reply exceeds {cap} bytes, more than a Secret could hold; "
        "shrink a field or an attached file"
    )
    return SecretTooLargeError(message, retry=Retry.LATER)


def _mixed_up(asked: Asked) -> BackendAnswerError:
    return BackendAnswerError(
        f"{asked}: the reply is about another object than requested; "
        "check proxies and caches in between"
    )


def _identity(text: str) -> str:
    # IDs come from Connect, or from a path that has the shape of an ID. The check keeps everything
    # else out of the URL.
    if not looks_like_id(text):
        raise BackendAnswerError(
            "Connect delivered an ID that is not 26 lower-case letters and digits"
        )
    return text


async def _capped(response: aiohttp.ClientResponse, cap: int, *, asked: Asked) -> bytearray:
    body = bytearray()  # joining a list of pieces at the end would need twice the memory
    async for chunk in response.content.iter_any():
        if len(body) + len(chunk) > cap:
            # the error is kept for as long as the trouble lasts, and this frame with it
            body.clear()
            raise _too_long(cap, asked)
        body += chunk
    return body
