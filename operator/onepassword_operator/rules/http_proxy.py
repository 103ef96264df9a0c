"""Whether a connection goes through a proxy, by the rules of Go's HTTP client.

They are those of `golang.org/x/net/http/httpproxy` for the usual variables.

Python's libraries read the same variables differently: they ignore address ranges and ports in
NO_PROXY, and prefer the lower-case names. With a range such as `10.96.0.0/12` ignored, the
cluster's tokens would go to the proxy.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from typing import Final
from urllib.parse import urlsplit

SCHEMES: Final = ("http", "https")
_PORTS: Final = {"http": "80", "https": "443"}

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """The values of HTTP_PROXY, HTTPS_PROXY and NO_PROXY; a proxy's URL may hold a password."""

    http: str = dataclasses.field(default="", repr=False)
    https: str = dataclasses.field(default="", repr=False)
    exceptions: str = ""
    """The value of NO_PROXY."""

    def for_url(self, url: str) -> str:
        """Return the proxy's URL for requests to a URL; empty for a direct connection."""
        parts = urlsplit(url)
        proxy = {"http": self.http, "https": self.https}.get(parts.scheme, "")
        if not proxy or is_direct(
            parts.hostname or "",
            str(parts.port or _PORTS[parts.scheme]),
            exceptions=self.exceptions,
        ):
            return ""
        return with_scheme(proxy)


def with_scheme(proxy: str) -> str:
    """Complete a proxy's URL: a bare `host:port` means http."""
    return proxy if "://" in proxy else f"http://{proxy}"


def is_direct(host: str, port: str, *, exceptions: str) -> bool:
    """Whether NO_PROXY exempts the host; this machine's loopback always is."""
    address = _address(host.partition("%")[0])
    if host == "localhost" or (address and address.is_loopback):
        return True
    entries = [entry for part in exceptions.lower().split(",") if (entry := part.strip())]
    if "*" in entries:
        return True
    return any(
        _covers_address(entry, address, port=port)
        if address
        else _covers_name(entry, _ascii(host), port=port)
        for entry in entries
    )


def _covers_address(entry: str, address: _Address, *, port: str) -> bool:
    if (network := _network(entry)) is not None:
        return address in network
    named, wanted = _host_and_port(entry)
    return _address(named) == address and wanted in {"", port}


def _covers_name(entry: str, host: str, *, port: str) -> bool:
    named, wanted = _host_and_port(entry)
    named = _ascii(named.removeprefix("*") if named.startswith("*.") else named)
    if not named or wanted not in {"", port}:
        return False
    # `example.com` covers itself and its subdomains, `.example.com` only the subdomains.
    return (
        host.endswith(named)
        if named.startswith(".")
        else host == named or host.endswith(f".{named}")
    )


def _host_and_port(entry: str) -> tuple[str, str]:
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    host, colon, port = entry.rpartition(":")
    return (host, port) if colon and ":" not in host else (entry, "")


def _address(text: str) -> _Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (
        (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address
    )


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    _, slash, length = entry.partition("/")
    # A mask in dots is no form of NO_PROXY.
    if not slash or not (length.isascii() and length.isdigit()):
        return None
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    try:
        return ".".join(label.encode("idna").decode() for label in name.split("."))
    except UnicodeError:
        return name
