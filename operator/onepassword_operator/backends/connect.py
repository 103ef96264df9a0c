"""ItemSource over 1Password Connect's REST API.

Every call has a deadline, reads are retried within it, bodies have caps, redirects are not followed, and the token goes to one origin only.
Errors name the route, never what was in a body.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import random
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiohttp

from onepassword_operator.backends import connect_schema as schema
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import (
    BackendAnswerError,
    BackendDeniedError,
    BackendError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ItemNotFoundError,
    SecretTooLargeError,
    VaultNotFoundError,
)
from onepassword_operator.model.item import File, Item, ItemSummary, Vault
from onepassword_operator.model.item_path import looks_like_id
from onepassword_operator.outbound import DIRECT, Route

TIMEOUT_SECONDS: Final = 15.0
"""Until the first byte of an answer; a cold Connect server keeps its first caller waiting for up to ten."""
TRIES: Final = 4
FIRST_PAUSE_SECONDS: Final = 0.2
RETRY_AFTER_CAP_SECONDS: Final = 300.0
ITEM_BYTES: Final = 4 * 1024 * 1024
LIST_BYTES: Final = 32 * 1024 * 1024
FILES_BYTES: Final = 1024 * 1024

_TRANSIENT: Final = {
    **{code: f"Connect answered {code}" for code in (408, 425, 500, 502, 503, 504)},
    407: "the proxy asks for a password (407); put it into HTTP_PROXY, as http://user:password@host:port",
}

Observer = Callable[[str, int, float], None]
"""Told of every request: route template, status code (0 if there was no answer), seconds."""


class ConnectSource:
    """One Connect server with one token."""

    def __init__(
        self,
        *,
        host: str,
        token: Confidential,
        user_agent: str,
        observer: Observer,
        timeout_seconds: float = TIMEOUT_SECONDS,
        way: Route = DIRECT,
    ) -> None:
        self._base = base_url(host)
        self._token = token
        self._user_agent = user_agent
        self._observer = observer
        self._way = way
        self._deadline_seconds = 2 * timeout_seconds
        self._limits = aiohttp.ClientTimeout(total=self._deadline_seconds, connect=min(5.0, timeout_seconds), sock_read=timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connection pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=10, keepalive_timeout=30, ssl=self._way.tls or True),
            headers={"User-Agent": self._user_agent},
            timeout=self._limits,
            proxy=self._way.proxy,
            middlewares=(self._way.authenticate,),
        )
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connection pool."""
        if self._session:
            await self._session.close()

    async def list_vaults(self) -> Sequence[Vault]:
        """`GET /v1/vaults`."""
        route = "GET /v1/vaults"
        body = await self._get("/v1/vaults", route=route, cap=LIST_BYTES)
        return [wire.to_model() for wire in schema.decode_list(schema.WireVault, body, route=route)]

    async def list_items(self, vault_id: str) -> Sequence[ItemSummary]:
        """`GET /v1/vaults/{v}/items`, unfiltered: one list serves every look-up and shows every version."""
        route = "GET /v1/vaults/:uuid/items"
        body = await self._get(f"/v1/vaults/{_identity(vault_id)}/items", route=route, cap=LIST_BYTES)
        return [wire.to_model() for wire in schema.decode_list(schema.WireSummary, body, route=route)]

    async def get_item(self, vault_id: str, item_id: str) -> Item:
        """`GET /v1/vaults/{v}/items/{i}` and the content of each file."""
        path = f"/v1/vaults/{_identity(vault_id)}/items/{_identity(item_id)}"
        route = "GET /v1/vaults/:uuid/items/:uuid"
        wire = schema.decode_one(schema.WireItem, await self._get(path, route=route, cap=ITEM_BYTES), route=route)
        if (wire.id, wire.vault.id) != (item_id, vault_id):
            raise BackendAnswerError(
                f"{route}: the reply is about another item than the one asked for; check proxies and caches in between"
            )
        return wire.to_model(await self._files(wire, path))

    async def _files(self, wire: schema.WireItem, path: str) -> tuple[File, ...]:
        described = wire.files or []
        announced = sum(int(file.size or 0) for file in described)
        if announced > FILES_BYTES:
            raise SecretTooLargeError(
                f'item "{(wire.title or "")[:100]}" has {announced} bytes of attached files and a Secret holds at most {FILES_BYTES}; '
                "remove or shrink a file"
            )
        files = []
        for file in described:
            body = await self._get(
                f"{path}/files/{_identity(file.id)}/content", route="GET /v1/vaults/:uuid/items/:uuid/files/:uuid/content", cap=FILES_BYTES
            )
            files.append(File(name=file.name or "", content=Confidential(body)))
        return tuple(files)

    async def _get(self, path: str, *, route: str, cap: int) -> bytes:
        refused, started = 0, time.monotonic()
        for attempt in range(1, TRIES + 1):
            try:
                return await self._once(path, route=route, cap=cap)
            except BackendUnavailableError:
                if attempt == TRIES or time.monotonic() - started >= self._deadline_seconds:
                    raise
            except (BackendDeniedError, BackendForbiddenError):
                # Connect 1.7 refuses valid tokens now and then; a second look tells a slip from a refusal.
                refused += 1
                if refused == 2:  # noqa: PLR2004
                    raise
            await asyncio.sleep(FIRST_PAUSE_SECONDS * 2 ** (attempt - 1) * (0.5 + random.random()))  # noqa: S311  spreads retries
        raise AssertionError("unreachable")

    async def _once(self, path: str, *, route: str, cap: int) -> bytes:
        if self._session is None:
            raise BackendUnavailableError("the connection to Connect is not open")
        started, code = time.monotonic(), 0
        headers = {"Authorization": f"Bearer {self._token.reveal().decode()}", "Accept": "*/*"}
        try:
            async with self._session.get(self._base + path, headers=headers, allow_redirects=False) as response:
                code = response.status
                if code == 200:  # noqa: PLR2004
                    return await _capped(response, cap, route=route)
                raise to_error(code, response.headers, route=route)
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError) as error:
            said = f"{type(error).__name__} {getattr(error, 'status', '')}".strip()
            raise BackendUnavailableError(
                f"{route}: the proxy {self._way.proxy} does not connect ({said}); check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
            ) from None
        except aiohttp.ClientSSLError as error:
            raise BackendUnavailableError(
                f"{route}: TLS to the Connect server failed ({type(error).__name__}); check its certificate, and "
                "SSL_CERT_FILE if the authority is your own"
            ) from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise BackendUnavailableError(f"{route}: no usable answer from the Connect server ({type(error).__name__})") from None
        finally:
            self._observer(route, code, time.monotonic() - started)


def base_url(host: str) -> str:
    """`OP_CONNECT_HOST` as a base for paths: no trailing slash, no `/v1` of its own.

    Raises:
        ValueError: not an http or https URL, or one with credentials in it.
    """
    parts = urlsplit(host.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("OP_CONNECT_HOST must be a URL such as http://onepassword-connect:8080")
    if parts.username or parts.password:
        raise ValueError("OP_CONNECT_HOST must not contain credentials; the token goes into OP_CONNECT_TOKEN")
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def to_error(code: int, headers: Mapping[str, str], *, route: str) -> BackendError | ItemNotFoundError | VaultNotFoundError:
    """The error for a status that is not 200; bodies are not looked at."""
    match code:
        case 401:
            return BackendDeniedError(
                f"{route}: Connect refuses the token (401); it may be revoked, expired, cut off, encoded twice, or of another server. "
                "Put a valid one into OP_CONNECT_TOKEN"
            )
        case 403:
            return BackendForbiddenError(f"{route}: the Connect token has no access to this vault (403); issue a token that includes it")
        case 404 if "items/:uuid" in route:
            return ItemNotFoundError(f"{route}: Connect knows no such item (404)")
        case 404 if "vaults/:uuid" in route:
            return VaultNotFoundError(f"{route}: Connect knows no such vault (404)")
        case 429:
            delay = retry_after_seconds(headers.get("Retry-After"))
            return BackendRateLimitedError(f"{route}: Connect asks to slow down (429); next try in {delay:.0f} s", delay_seconds=delay)
        case _ if code in _TRANSIENT:
            return BackendUnavailableError(f"{route}: {_TRANSIENT[code]}")
        case _ if 300 <= code < 400:  # noqa: PLR2004
            return BackendAnswerError(f"{route}: Connect redirects ({code}); set OP_CONNECT_HOST to the final URL")
        case _:
            return BackendAnswerError(f"{route}: unexpected status {code}")


def retry_after_seconds(text: str | None) -> float:
    """`Retry-After` as seconds from now, from either of its forms; between 1 and 300."""
    seconds = 10.0
    if text and text.strip().isdecimal():
        seconds = float(text)
    elif text:
        with contextlib.suppress(ValueError, OverflowError):
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - time.time()
    return min(max(seconds, 1.0), RETRY_AFTER_CAP_SECONDS)


def _identity(text: str) -> str:
    # IDs come from Connect or from a path that matched one; the shape keeps anything else out of the URL.
    if not looks_like_id(text):
        raise BackendAnswerError("Connect delivered an ID that is not 26 lower-case letters and digits")
    return text


async def _capped(response: aiohttp.ClientResponse, cap: int, *, route: str) -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > cap and "items/:uuid" in route:
            raise SecretTooLargeError(f"{route}: the reply exceeds {cap} bytes, more than a Secret could hold; remove or shrink a file")
        if size > cap:
            raise BackendAnswerError(f"{route}: the reply exceeds {cap} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
