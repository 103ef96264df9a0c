"""An open source, from settings' values."""

import asyncio
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.scripted_server import ScriptedServer, reply
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.factory import Pace, Server, connect_source
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import BackendDeniedError


async def test_the_source_is_connect_and_paced(server: ScriptedServer, observed: Any) -> None:
    server.script(*[reply("no", status=401)] * 2)
    async with connect_source(
        Server(host=server.url),
        token=ConnectToken(Confidential(b"t")),
        user_agent="x",
        observer=observed,
        clock=FakeClock(),
        pace=Pace(timeout_seconds=5, denied_probe_seconds=60),
    ) as connected:
        for _ in range(3):
            with pytest.raises(BackendDeniedError):
                await connected.paced.list_vaults()
    assert len(server.seen) == 2


async def test_every_request_is_one_of_the_minutes(server: ScriptedServer, observed: Any) -> None:
    """Those that a call makes again, too."""
    server.script(reply("busy", status=500))
    async with connect_source(
        Server(host=server.url),
        token=ConnectToken(Confidential(b"t")),
        user_agent="x",
        observer=observed,
        clock=FakeClock(),
        pace=Pace(timeout_seconds=5, denied_probe_seconds=60, requests_per_minute=20),  # two of them at once
    ) as connected:
        await connected.paced.list_vaults()
        third = asyncio.create_task(connected.paced.list_vaults())
        while not connected.budget.waiting():  # noqa: ASYNC110  nothing tells of it
            await asyncio.sleep(0)
        third.cancel()
        await asyncio.gather(third, return_exceptions=True)
    assert len(server.seen) == 2
