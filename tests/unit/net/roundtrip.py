"""A request from end to end, over real sockets."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from controlplane.certificates import KeyPair
from fakes.relays import tls_end
from fakes.scripted_server import Server
from onepassword_operator.net.proxy import Route


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


@contextlib.asynccontextmanager
async def over_tls(server: Server, pair: KeyPair) -> AsyncIterator[int]:
    async with tls_end(pair.server_tls(), ("127.0.0.1", port_of(server))) as port:
        yield port


async def status(url: str, way: Route) -> int:
    connector = aiohttp.TCPConnector(ssl=way.trust())
    async with (
        aiohttp.ClientSession(connector=connector, proxy=way.proxy, middlewares=(way.authenticate,)) as session,
        session.get(url, headers={"Authorization": "Bearer fake"}) as response,
    ):
        return response.status
