"""What was asked of Connect, in words for people, and why there was no answer.

A route with placeholders is for metrics; a user reads what was asked for, and of which server.
"""

from __future__ import annotations

import errno
import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple

import aiohttp

VAULTS: Final = "GET /v1/vaults"
ITEMS: Final = "GET /v1/vaults/:uuid/items"
ITEM: Final = "GET /v1/vaults/:uuid/items/:uuid"
FILE: Final = "GET /v1/vaults/:uuid/items/:uuid/files/:uuid/content"
HEALTH: Final = "GET /health"

_WORDS: Final[Mapping[str, str]] = {
    VAULTS: "the vault list",
    ITEMS: "the item list of a vault",
    ITEM: "an item",
    FILE: "a file of an item",
    HEALTH: "the health page",
}
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"})
"""OpenSSL's words for bytes that are no TLS."""
_NO_WAY: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH})


class Asked(NamedTuple):
    """One call: its route, and the server's URL."""

    route: str
    server: str

    def __str__(self) -> str:
        return f"{_WORDS[self.route]} from {self.server}"

    @property
    def of_item(self) -> bool:
        """Whether it is about one item."""
        return self.route in {ITEM, FILE}


def through_proxy(error: aiohttp.ClientError, proxy: str | None) -> str:
    """Say in words, with the remedy, why a proxy did not connect."""
    status = getattr(error, "status", None)
    said = f"it answered {status}" if status else _unreachable(error) or "the connection failed"
    return (
        f"the proxy {proxy} does not connect ({said}); check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
    )


def no_answer(error: Exception, asked: Asked) -> str:
    """Say in words, with the remedy, why a server gave no usable answer."""
    if isinstance(error, aiohttp.ClientSSLError):
        return _no_tls(error)
    if found := _unreachable(error):
        return f"{found}; check OP_CONNECT_HOST, and whether Connect runs there"
    if isinstance(error, TimeoutError):
        return "no answer in time; check whether Connect is up, or overloaded"
    # Whoever speaks TLS closes a connection that begins otherwise.
    plain = asked.server.startswith("http://")
    return "the answer broke off, or is no HTTP; trying again" + (
        "; if it stays so and the port serves TLS, begin OP_CONNECT_HOST with https://"
        if plain
        else ""
    )


def _unreachable(error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the host's name does not resolve"
    if code == errno.ECONNREFUSED:
        return "the connection is refused"
    if code in _NO_WAY:
        return "no route leads to the host"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no connection in time, as behind a firewall or NetworkPolicy"
    return "no connection" if isinstance(error, aiohttp.ClientConnectorError) else ""


def _no_tls(error: aiohttp.ClientSSLError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        found = getattr(error, "certificate_error", None)
        said = getattr(found, "verify_message", "") or "it is not trusted"
        return (
            f"TLS failed over the server's certificate: {said}; "
            "renew it, or set SSL_CERT_FILE if its authority is your own"
        )
    cause = getattr(error, "os_error", None)
    reason = str(cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
    if reason in _NO_TLS:
        return "TLS failed, because the port is no TLS port; set OP_CONNECT_HOST to http://"
    said = f" ({reason.lower().replace('_', ' ')})" if reason else ""
    return f"TLS failed{said}; check the server's certificate, and SSL_CERT_FILE"
