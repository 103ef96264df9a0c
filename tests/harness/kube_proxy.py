"""A TLS-terminating proxy in front of the local kube-apiserver that records requests and makes chosen ones fail.

The program under test gets the proxy's kubeconfig; the test thread adds rules and reads records. The proxy lives in a thread of its own
with its own event loop. It passes tokens on; client certificates end at it.
"""

import asyncio
import contextlib
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self

from aiohttp import web

from controlplane.certificates import Authority
from controlplane.launcher import ControlPlane
from fakes.relays import in_thread
from harness.proxy.forwarding import Forwarder
from harness.proxy.ledger import Request
from harness.proxy.rules import Rule

CONTROL_TIMEOUT_SECONDS = 10.0


class KubeProxy:
    """A proxy that runs while its context is entered; all methods may be called from any thread, and from hooks."""

    url: str

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        authority = Authority(control_plane.directory / f"kube-proxy-{uuid.uuid4().hex[:8]}", "onepassword-operator fault proxy")
        self.ca_file = authority.certificate
        self._pair = authority.server("serving")
        self._closing = contextlib.ExitStack()
        self._loop: asyncio.AbstractEventLoop
        self._thread: threading.Thread
        self._forwarder: Forwarder

    def __enter__(self) -> Self:
        self.url = self._closing.enter_context(in_thread(self._serving()))
        return self

    def __exit__(self, *_error: object) -> None:
        self._closing.close()

    def kubeconfig_for(self, user: str) -> Path:
        """A kubeconfig whose server is the proxy, for a user that has a token (`controlplane.access`)."""
        return self._control_plane.kubeconfig_for(user, server=self.url, ca_file=self.ca_file)

    @property
    def requests(self) -> list[Request]:
        """What has arrived so far, in order."""
        return list(self._forwarder.requests)

    def writes(self, *, events: bool = True) -> list[Request]:
        """Creates, updates, patches and deletes, in order; on request without those of Kubernetes Events."""
        return [request for request in self.requests if request.is_write and (events or not request.is_event)]

    def add(self, rule: Rule) -> Rule:
        """Put the rule into effect before returning, and return it."""
        rule.on_release = self.remove
        self._in_loop(lambda: self._forwarder.add(rule))
        return rule

    def remove(self, rule: Rule) -> None:
        self._in_loop(lambda: self._forwarder.remove(rule))

    def clear(self) -> None:
        self._in_loop(self._forwarder.clear)

    def _in_loop(self, function: Callable[[], None]) -> None:
        if threading.current_thread() is self._thread:  # a hook; waiting for the loop would block it
            function()
            return

        async def call() -> None:
            function()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(CONTROL_TIMEOUT_SECONDS)

    @contextlib.asynccontextmanager
    async def _serving(self) -> AsyncIterator[str]:
        self._loop, self._thread = asyncio.get_running_loop(), threading.current_thread()
        upstream = self._control_plane
        self._forwarder = Forwarder(upstream=upstream.url, upstream_ca=str(upstream.ca_file))
        server = web.Server(self._forwarder.handle, handler_cancellation=True, access_log=None, auto_decompress=False)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._pair.server_tls()).start()
            yield f"https://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await self._forwarder.close()
            for connection in server.connections:
                if connection.transport is not None:
                    connection.transport.abort()  # a farewell in TLS would take longer than this loop lives
            await runner.cleanup()
            await asyncio.sleep(0.01)  # aborted sockets close in the loop's next rounds
