"""A running server: owns the two ports, the data and the clock, from start to stop."""

import socket
import time
from collections.abc import Callable, Mapping
from typing import Final, Self

from aiohttp import web

from onepassword_operator.devconnect import admin
from onepassword_operator.devconnect.editing import Editor
from onepassword_operator.devconnect.faults import Faults
from onepassword_operator.devconnect.request_log import RequestLog
from onepassword_operator.devconnect.seed import Seed
from onepassword_operator.devconnect.server import ConnectApi
from onepassword_operator.devconnect.tokens import EVERY_VAULT, MODES, Tokens
from onepassword_operator.devconnect.vault_store import VaultStore

# Requests still running at a stop are cut off after this; a hanging one would otherwise hold the stop up.
_SHUTDOWN_SECONDS: Final = 0.2


class ApiPort:
    """The listening socket of the API: can refuse connections for a while and then listen on the same port again."""

    def __init__(self, *, host: str, port: int) -> None:
        self.host: Final = host
        self.port = port
        self._runner: web.ServerRunner | None = None
        self._site: web.TCPSite | None = None
        self._reserved: socket.socket | None = None

    async def serve(self, api: ConnectApi) -> None:
        """Start listening; the port is known afterwards."""
        # Cancellation ends a hanging request when its client goes away.
        server = web.Server(api.handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        await self.listen()

    async def listen(self) -> None:
        """Accept connections, after a refusal on the same port as before."""
        if self._site is None and self._runner is not None:
            self._release()
            site = web.TCPSite(self._runner, self.host, self.port, reuse_address=True)
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
        # A bound socket that does not listen refuses connections and keeps others from taking the port.
        self._reserved = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET, socket.SOCK_STREAM)
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind((self.host, self.port))

    def _release(self) -> None:
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None


class DevConnect:
    """An embedded Connect server on loopback sockets."""

    store: VaultStore
    faults: Faults
    requests: RequestLog
    editor: Editor
    url: str
    admin_url: str
    token: str

    def __init__(self, *, host: str, port: int, clock: Callable[[], float]) -> None:
        self.store = VaultStore(clock=clock)
        self.editor = Editor(self.store)
        self.requests = RequestLog()
        self.tokens: Final = Tokens(clock=clock)
        self._port: Final = ApiPort(host=host, port=port)
        self.faults = Faults(self._port)
        self._api: Final = ConnectApi(store=self.store, tokens=self.tokens, faults=self.faults, requests=self.requests, clock=clock)
        self._admin: Final = web.AppRunner(admin.build(self), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        self.token = self.tokens.mint({EVERY_VAULT: MODES["rw"]})

    @classmethod
    async def start(
        cls,
        seed: Seed | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        admin_host: str = "127.0.0.1",
        admin_port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Fill the store and listen on both ports; port 0 takes a free one."""
        server = cls(host=host, port=port, clock=clock)
        if seed is not None:
            seed.fill(server.store)
        try:
            await server._listen(admin_host=admin_host, admin_port=admin_port)
        except OSError:
            await server.stop()
            raise
        return server

    async def _listen(self, *, admin_host: str, admin_port: int) -> None:
        await self._port.serve(self._api)
        await self._admin.setup()
        await web.TCPSite(self._admin, admin_host, admin_port).start()
        self.url = _url(self._port.host, self._port.port)
        self.admin_url = _url(admin_host, self._admin.addresses[0][1])

    def mint(self, *, vaults: Mapping[str, str] | None = None, expires_in_seconds: float | None = None) -> str:
        """Make a token for vaults by name or id with mode `r`, `w` or `rw`; without vaults, for all of them.

        Raises ApiError for an unknown vault and ValueError for an unknown mode.
        """
        if vaults is None:
            return self.tokens.mint({EVERY_VAULT: MODES["rw"]}, expires_in_seconds=expires_in_seconds)
        if not set(vaults.values()) <= set(MODES):
            raise ValueError("a vault's mode is r, w or rw")
        scope = {self.editor.find_vault(vault).id: MODES[mode] for vault, mode in vaults.items()}
        return self.tokens.mint(scope, expires_in_seconds=expires_in_seconds)

    async def stop(self) -> None:
        """Close both ports; requests still open are cut off."""
        await self._port.stop()
        await self._admin.cleanup()


def _abort_connections(runner: web.ServerRunner) -> None:
    for connection in list(runner.server.connections) if runner.server is not None else ():
        if connection.transport is not None:
            connection.transport.abort()


def _url(host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"
