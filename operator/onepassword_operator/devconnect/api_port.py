"""The listening socket of the API, which can refuse connections for a while on the same port."""

from __future__ import annotations

import socket
import ssl
from typing import Final

from aiohttp import web

from onepassword_operator.devconnect.server import ConnectApi

# Requests still running at a stop are cut off after this; a hanging one would otherwise hold the
# stop up.
SHUTDOWN_SECONDS: Final = 0.2


class ApiPort:
    """A port that the server keeps for as long as it runs, even while it does not listen."""

    def __init__(self, host: str, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = port
        self._tls = tls
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None
        self._reserved: socket.socket | None = None

    @property
    def url(self) -> str:
        """The address clients use."""
        return url_of(self.host, self.port, scheme="http" if self._tls is None else "https")

    async def serve(self, api: ConnectApi) -> None:
        """Start listening; the port is known afterwards."""
        # Cancellation ends a hanging request when its client goes away.
        server = web.Server(api.handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
        await self._runner.setup()
        await self.listen()

    async def listen(self) -> None:
        """Accept connections, after a refusal on the same port as before."""
        if self._site is None and self._runner is not None:
            self._release()
            site = web.TCPSite(
                self._runner, self.host, self.port, ssl_context=self._tls, reuse_address=True
            )
            await site.start()
            self._site = site
            self.port = self._runner.addresses[0][1]

    async def refuse(self) -> None:
        """Close the socket and abort all connections."""
        if self._site is not None and self._runner is not None:
            await self._site.stop()
            self._site = None
            _abort_connections(self._runner)
            self._reserve()

    async def stop(self) -> None:
        """Close everything for good."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._release()

    def _reserve(self) -> None:
        # A bound socket that does not listen refuses connections and keeps others from taking the
        # port.
        self._reserved = socket.socket(
            socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM
        )
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((self.host, self.port))

    def _release(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None


def url_of(host: str, port: int, *, scheme: str) -> str:
    """Write an address; IPv6 in brackets."""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _abort_connections(runner: web.ServerRunner) -> None:
    for connection in list(runner.server.connections) if runner.server is not None else ():
        if connection.transport is not None:
            connection.transport.abort()
