"""An open source, from settings' values."""

import asyncio
from contextlib import AbstractAsyncContextManager

from fakes.calls import failing, given_up, until
from fakes.clock import FakeClock
from fakes.scripted_server import Server as ScriptedServer
from fakes.scripted_server import reply
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.factory import Connected, Limits, Server, connect_source
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import BackendDeniedError


class Meter:
    """Counts nothing."""

    def connect_request(self, *_: object) -> None: ...

    def connect_retry(self, *_: object) -> None: ...


def opened(server: ScriptedServer, limits: Limits) -> AbstractAsyncContextManager[Connected]:
    token = ConnectToken(Confidential(b"t"))
    return connect_source(Server(host=server.url), token=token, user_agent="x", meter=Meter(), clock=FakeClock(), limits=limits)


async def test_the_source_is_connect_behind_a_circuit_breaker(server: ScriptedServer) -> None:
    server.script(*[reply("no", status=401)] * 2)
    async with opened(server, Limits(timeout_seconds=5, denied_probe_seconds=60)) as connected:
        for _ in range(3):
            await failing(BackendDeniedError, connected.guarded.list_vaults())
    assert len(server.seen) == 2


async def test_every_request_is_one_of_the_minutes(server: ScriptedServer) -> None:
    """Those that a call makes again, too."""
    server.script(reply("busy", status=500))
    two_at_once = Limits(timeout_seconds=5, denied_probe_seconds=60, requests_per_minute=20)
    async with opened(server, two_at_once) as connected:
        await connected.guarded.list_vaults()
        third = asyncio.create_task(connected.guarded.list_vaults())
        await until(connected.budget.waiting)
        await given_up(third)
    assert len(server.seen) == 2
