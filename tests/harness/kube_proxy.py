"""A TLS-terminating proxy in front of the local kube-apiserver that records requests and makes chosen ones fail.

The program under test gets the proxy's kubeconfig; the test thread adds rules and reads records. The proxy lives in a thread of its own
with its own event loop. It passes tokens on; client certificates end at it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import ssl
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from controlplane.certificates import Authority, KeyPair
from controlplane.launcher import ControlPlane
from harness.proxy.forwarding import Forwarder
from harness.proxy.ledger import READS, WRITES, Ledger, Request
from harness.proxy.rules import (
    Action,
    CallAfter,
    CallBefore,
    CutWatches,
    Delay,
    DropAfterForward,
    DropBeforeForward,
    HoldEvents,
    Respond,
    Rule,
)

__all__ = [
    "READS",
    "WRITES",
    "Action",
    "CallAfter",
    "CallBefore",
    "CutWatches",
    "Delay",
    "DropAfterForward",
    "DropBeforeForward",
    "HoldEvents",
    "KubeProxy",
    "Request",
    "Respond",
    "Rule",
]

CONTROL_TIMEOUT_SECONDS = 10.0


class KubeProxy:
    """A proxy that runs while its context is entered; all methods may be called from any thread, and from hooks."""

    url: str

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        authority = Authority(control_plane.directory / f"kube-proxy-{uuid.uuid4().hex[:8]}", "onepassword-operator fault proxy")
        self.ca_file = authority.certificate
        self._serving = authority.server("serving")
        self._ledger = Ledger()
        self._started: concurrent.futures.Future[str] = concurrent.futures.Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="kube-proxy", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event
        self._forwarder: Forwarder

    def __enter__(self) -> Self:
        self._thread.start()
        self.url = self._started.result(CONTROL_TIMEOUT_SECONDS)
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def kubeconfig_for(self, user: str) -> Path:
        """A kubeconfig whose server is the proxy, for a user that has a token (`controlplane.access`)."""
        return self._control_plane.kubeconfig_for(user, server=self.url, ca_file=self.ca_file)

    @property
    def requests(self) -> list[Request]:
        """What has arrived so far, in order."""
        return self._ledger.requests()

    def writes(self, *, events: bool = True) -> list[Request]:
        """Creates, updates, patches and deletes, in order; on request without those of Kubernetes Events."""
        return [request for request in self.requests if request.is_write and (events or not request.is_event)]

    def wait_for(self, predicate: Callable[[Request], bool], timeout: float = 30.0) -> Request:
        """Block until a request, past ones included, satisfies the predicate; it is asked at arrival and again when answered."""
        return self._ledger.wait_for(predicate, timeout)

    def add(self, rule: Rule) -> Rule:
        """Put the rule into effect before returning, and return it."""
        rule.on_release = self.remove
        self._in_loop(lambda: self._forwarder.add(rule))
        return rule

    def remove(self, rule: Rule) -> None:
        """End the rule; what it holds back passes."""
        self._in_loop(lambda: self._forwarder.remove(rule))

    def clear(self) -> None:
        """End all rules; the records stay."""
        self._in_loop(self._forwarder.clear)

    def _in_loop(self, function: Callable[[], None]) -> None:
        if threading.current_thread() is self._thread:  # a hook; waiting for the loop would block it
            function()
            return

        async def call() -> None:
            function()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(CONTROL_TIMEOUT_SECONDS)

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        upstream = self._control_plane
        self._forwarder = Forwarder(upstream=upstream.url, upstream_ca=str(upstream.ca_file), ledger=self._ledger)
        server = web.Server(self._forwarder.handle, handler_cancellation=True, access_log=None, auto_decompress=False)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_tls(self._serving)).start()
            self._started.set_result(f"https://127.0.0.1:{runner.addresses[0][1]}")
            await self._stopping.wait()
        except OSError as error:
            self._started.set_exception(error)
        finally:
            await self._forwarder.close()
            for connection in server.connections:
                if connection.transport is not None:
                    connection.transport.abort()  # a farewell in TLS would take longer than this loop lives
            await runner.cleanup()
            await asyncio.sleep(0.01)  # aborted sockets close in the loop's next rounds


def server_tls(pair: KeyPair) -> ssl.SSLContext:
    """A TLS context that serves with the certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.certificate, pair.key)
    return context
