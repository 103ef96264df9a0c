"""The operator's own endpoints."""

import socket

import aiohttp
import pytest

from harness.ports import free_port
from onepassword_operator.telemetry.probes import exposition, probe, serve


async def test_a_probe_says_ok_or_what_is_wrong() -> None:
    trouble = [""]
    port = free_port()
    async with serve(("127.0.0.1", port), {"/healthz": probe(lambda: trouble[0])}, flag="--x"), aiohttp.ClientSession() as session:
        for said, status, text in (("", 200, "ok"), ("broken", 503, "broken")):
            trouble[0] = said
            async with session.get(f"http://127.0.0.1:{port}/healthz") as response:
                assert (response.status, await response.text()) == (status, text)


async def test_the_exposition_is_rendered_when_it_is_asked_for() -> None:
    port = free_port()
    routes = {"/metrics": exposition(lambda: b"a 1\n", "text/plain; version=0.0.4; charset=utf-8")}
    async with serve(("127.0.0.1", port), routes, flag="--x"), aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
            assert await response.read() == b"a 1\n"
            assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        async with session.get(f"http://127.0.0.1:{port}/other") as response:
            assert response.status == 404


async def test_an_address_in_use_is_an_error_and_no_address_serves_nothing() -> None:
    async with serve(None, {}, flag="--x"):
        pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match=r"^--x: can't listen on 127\.0\.0\.1:\d+ \(Address already in use\); choose another"):
            async with serve(("127.0.0.1", taken.getsockname()[1]), {}, flag="--x"):
                pass
