"""Selects the proxy for a connection of the operator, and authenticates to it.

The rules are those of Go's HTTP client, because the environment was written for a Go program.
aiohttp's own option for the environment (`trust_env`) stays off: it also reads netrc, and would
send its password instead of the token.
"""

from __future__ import annotations

import base64
import dataclasses
import logging
import ssl
from typing import Final
from urllib.parse import unquote, urlsplit

import aiohttp

from onepassword_operator.net.tls import Trust
from onepassword_operator.rules.http_proxy import Proxies

_log = logging.getLogger(__name__)

PROXY_AUTHORIZATION: Final = "Proxy-Authorization"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The route to one origin: direct or through a proxy, and the TLS to use."""

    proxy: str | None = None
    """URL of the proxy, without credentials: aiohttp would show them in its errors, and kopf logs
    those.
    """
    proxy_authorization: str = dataclasses.field(default="", repr=False)
    tls: Trust | None = None

    def trust(self) -> ssl.SSLContext | bool:
        """Return the `ssl` argument for aiohttp: the current TLS context, or its default."""
        return self.tls() if self.tls else True

    async def authenticate(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Authenticate to the proxy, and to no other server; an aiohttp middleware."""
        if self.proxy_authorization and request.is_ssl():
            request.update_proxy(
                request.proxy, None, {PROXY_AUTHORIZATION: self.proxy_authorization}
            )
        elif self.proxy_authorization:
            request.headers[PROXY_AUTHORIZATION] = self.proxy_authorization
        return await handler(request)


DIRECT: Final = Route()


def route_to(url: str, proxies: Proxies, *, tls: Trust | None = None) -> Route:
    """Find the route to a URL's origin.

    Calls `tls` at once, so that it has a context to fall back on, but only if HTTPS is used at all.
    """
    proxy = proxies.for_url(url)
    if tls and "https" in {urlsplit(url).scheme, urlsplit(proxy or "").scheme}:
        tls()
    else:
        tls = None
    if not proxy:
        return Route(tls=tls)
    parts = urlsplit(proxy)
    credentials, _, address = parts.netloc.rpartition("@")
    authorization = ""
    if credentials:
        named = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(named.encode()).decode()
    address = f"{parts.scheme}://{address}"
    _log.info("connecting through a proxy", extra={"url": url, "proxy": address})
    return Route(proxy=address, proxy_authorization=authorization, tls=tls)
