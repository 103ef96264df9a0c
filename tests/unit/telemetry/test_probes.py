"""The operator's own endpoints."""

import asyncio
import logging
import socket

import aiohttp
import pytest

from harness.ports import free_port
from onepassword_operator.telemetry import probes
from onepassword_operator.telemetry.probes import CONNECTIONS, HEAD_BYTES, KEPT_SECONDS, WAITING, Answer, exposition, probe, serve

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


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


@pytest.mark.parametrize("bug", [None, ValueError()])
def test_the_metrics_are_rendered_once_a_second_at_most_whoever_asks(bug: Exception | None) -> None:
    clock, rendered = [0.0], list[float]()

    def render() -> bytes:
        rendered.append(clock[0])
        clock[0] += 2  # the second begins when the page is there
        if bug:
            raise bug
        return b"%d" % len(rendered)

    ask = exposition(render, "text/plain", now=lambda: clock[0])
    for step, times in ((0.0, 1), (KEPT_SECONDS / 2, 1), (KEPT_SECONDS / 2, 2), (0.0, 2)):
        clock[0] += step
        assert ask() == (Answer(b"500: Internal Server Error", 500) if bug else Answer(b"%d" % times, content_type="text/plain"))
        assert len(rendered) == times


async def test_an_address_in_use_is_an_error_and_no_address_serves_nothing() -> None:
    async with serve(None, {}, flag="--x"):
        pass
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match=r"^--x: can't listen on 127\.0\.0\.1:\d+ \(Address already in use\); choose another"):
            async with serve(("127.0.0.1", taken.getsockname()[1]), {}, flag="--x"):
                pass


async def test_of_too_many_connections_the_oldest_is_closed_and_probes_go_on() -> None:
    port, loop = free_port(), asyncio.get_running_loop()
    async with serve(("127.0.0.1", port), {"/healthz": probe(lambda: "")}, flag="--x"), aiohttp.ClientSession() as session:
        at_once = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS + 1)]
        at_once[0].settimeout(0)
        assert await loop.sock_recv(at_once[0], 1) == b""
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS)]
        idle[0][1].write(GET[:-2])
        async with session.get(f"http://127.0.0.1:{port}/healthz") as response:
            assert response.status == 200
        assert await closed(idle[0][0]) == b""
        for client in at_once:
            client.close()
        for _, writer in idle:
            writer.close()


async def test_who_asks_at_once_is_answered_however_many_silent_connections_come_at_the_same_time() -> None:
    port = free_port()
    async with serve(("127.0.0.1", port), {"/healthz": probe(lambda: "")}, flag="--x"):
        # None is accepted in between: the event loop has no turn.
        waiting = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(WAITING)]
        for honest in waiting[::9]:
            honest.sendall(GET)
        for honest in waiting[::9]:
            reader, writer = await asyncio.open_connection(sock=honest)
            assert (await closed(reader)).startswith(b"HTTP/1.1 200 ")
            writer.close()
        for client in waiting:
            client.close()


async def closed(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server ends the connection."""
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""


async def write_for_ever(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"G")
        await asyncio.gather(writer.drain(), asyncio.sleep(0.01))


@pytest.mark.parametrize(
    ("sent", "reply"),
    [
        (b"", b""),
        (GET[:-2], b""),
        (b"GET /healthz HTTP/1.1\r\n" + b"X: " + b"a" * HEAD_BYTES, b"HTTP/1.1 431 "),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 "),
        (GET[:-2] + b"Content-Length: 9\r\n\r\n123456789", b"HTTP/1.1 200 "),
        (b"HEAD /healthz HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 "),
        (GET * 9, b"HTTP/1.1 200 "),
        (b"POST /healthz HTTP/1.1\r\n\r\n", b"HTTP/1.1 405 "),
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400 "),
        (b"GET /large HTTP/1.1\r\n\r\n", b""),
    ],
    ids=["silence", "an unfinished one", "a large one", "HTTP 1.0", "a body", "HEAD", "pipelined", "POST", "nonsense", "an unread answer"],
)
async def test_a_connection_ends_by_itself(
    sent: bytes, reply: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(probes, "STEP_SECONDS", 0.05)
    port = free_port()
    routes = {"/healthz": probe(lambda: ""), "/large": lambda: Answer(b"a" * 2**24)}
    async with serve(("127.0.0.1", port), routes, flag="--x"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        if b"large" in sent:
            with pytest.raises(ConnectionError):
                await write_for_ever(writer)
        else:
            said = await closed(reader)
            assert said.startswith(reply)
            assert said.count(b"Connection: close") == said.count(b"HTTP/1.1") == bool(reply)
            assert said.endswith(b"ok") == (b"200" in reply and not sent.startswith(b"HEAD"))
        writer.close()
    assert caplog.records == []


async def test_a_page_that_has_a_bug_says_so_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    value = "canary"

    def render() -> bytes:
        raise ValueError(value)

    port = free_port()
    routes = {"/metrics": exposition(render, "text/plain")}
    async with (
        serve(("127.0.0.1", port), routes, flag="--x"),
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/metrics") as response,
    ):
        assert (response.status, await response.text()) == (500, "500: Internal Server Error")
    shown = logging.Formatter().format(caplog.records[0])
    assert "has a bug: ValueError" in shown
    assert value not in shown
