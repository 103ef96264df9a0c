"""Through which proxy the operator's own connections leave, and how they name themselves to it.

The decisions are those of Go's HTTP client, because the environment was written for a Go program. aiohttp's own reading of the environment
(`trust_env`) stays off: beside the proxies it reads netrc, whose password would go out in place of the token.
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
    """The way to one origin."""

    proxy: str | None = None
    """URL without credentials: what aiohttp knows, it shows in its errors, and kopf logs those."""
    proxy_authorization: str = dataclasses.field(default="", repr=False)
    tls: Trust | None = None

    def trust(self) -> ssl.SSLContext | bool:
        """What aiohttp is to check the server's certificate against, as of now."""
        return self.tls() if self.tls else True

    async def authenticate(self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        """Middleware of a session: names us to the proxy, and to nobody else."""
        if self.proxy_authorization and request.is_ssl():
            request.update_proxy(request.proxy, None, {PROXY_AUTHORIZATION: self.proxy_authorization})
        elif self.proxy_authorization:
            request.headers[PROXY_AUTHORIZATION] = self.proxy_authorization
        return await handler(request)


DIRECT: Final = Route()


def route_to(url: str, proxies: Proxies, *, tls: Trust | None = None) -> Route:
    """The way to a URL's origin. `tls` is asked at once, so that it has something to keep to, and never if nothing on the way is HTTPS."""
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
