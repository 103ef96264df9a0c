"""The operator's own HTTP endpoints: `/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from aiohttp import web

Check = Callable[[], str]
"""Returns the present problem; an empty text if there is none."""


@contextlib.asynccontextmanager
async def serve(
    address: tuple[str, int] | None,
    routes: Mapping[str, Callable[[], web.Response]],
    *,
    flag: str,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    """Serve GET routes on an address, over HTTPS if there is a TLS context; nowhere if None.

    Raises:
        OSError: the address, which is that of the flag, can't be bound.
    """
    if address is None:
        yield
        return
    application = web.Application()
    for path, answer in routes.items():
        application.router.add_get(path, _handler(answer))
    runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address[0] or None, address[1], ssl_context=tls).start()
        except OSError as error:
            said = os.strerror(error.errno) if error.errno else "it is no address of this machine"
            raise OSError(
                f"{flag}: can't listen on {address[0]}:{address[1]} ({said}); "
                "choose another address, or 0 for none"
            ) from None
        yield
    finally:
        await runner.cleanup()


def _handler(
    answer: Callable[[], web.Response],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        del request
        return answer()

    return handle


def probe(check: Check) -> Callable[[], web.Response]:
    """Make a probe: 200 `ok`, or 503 with the problem."""

    def answer() -> web.Response:
        trouble = check()
        return web.Response(text=trouble or "ok", status=503 if trouble else 200)

    return answer


def exposition(render: Callable[[], bytes], content_type: str) -> Callable[[], web.Response]:
    """Make the endpoint of the metrics, which renders them at each scrape."""
    return lambda: web.Response(body=render(), headers={"Content-Type": content_type})
