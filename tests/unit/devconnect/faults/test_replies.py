"""Faults on the wire: what a client meets when Connect, its proxy or the network fails."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest


@pytest.mark.parametrize("retry_after", [None, 7, "Wed, 21 Oct 2026 07:28:00 GMT"])
async def test_a_status_fault_answers_with_the_error_object_and_retry_after(client: Any, retry_after: object) -> None:
    await client.server.faults.replace([{"action": "status", "status": 429, "message": "slow down", "retry_after": retry_after}])
    reply = await client.ask("GET", "/v1/vaults")
    assert (reply.status, reply.json) == (429, {"status": 429, "message": "slow down"})
    assert reply.headers.get("Retry-After") == (retry_after and str(retry_after))
    assert reply.headers["1Password-Connect-Version"] == "1.8.1"


async def test_html_garbage_and_redirect_are_what_proxies_send(client: Any) -> None:
    rules = [
        {"action": "html", "times": 1},
        {"action": "garbage", "times": 1, "path": client.vault},
        {"action": "redirect", "location": "http://elsewhere.example/", "times": 1},
    ]
    await client.server.faults.replace(rules)
    page = await client.ask("GET", "/v1/vaults")
    redirect = await client.ask("GET", "/v1/vaults")
    assert (page.status, page.headers["Content-Type"]) == (502, "text/html")
    assert (redirect.status, redirect.headers["Location"]) == (302, "http://elsewhere.example/")
    assert not any("1Password-Connect-Version" in reply.headers for reply in (page, redirect)), "a proxy is not the server"
    with pytest.raises(UnicodeDecodeError):
        await client.ask("GET", f"/v1/vaults/{client.vault}")


async def test_a_reset_breaks_the_connection_without_an_answer(client: Any) -> None:
    await client.server.faults.replace([{"action": "reset", "times": 1}])
    reader, writer = await client.connect()
    writer.write(b"GET /v1/vaults HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert client.server.requests.entries[-1].status == 0


async def test_a_truncated_body_is_shorter_than_announced(client: Any) -> None:
    await client.server.faults.replace([{"action": "truncate", "times": 1}])
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.ask("GET", "/v1/vaults")
    assert await client.statuses("/v1/vaults") == [200]


async def test_a_slow_body_is_the_right_one_in_pieces(client: Any) -> None:
    right = (await client.ask("GET", "/v1/vaults")).raw
    await client.server.faults.replace([{"action": "slow", "delay_seconds": 0.1}])
    started = time.monotonic()
    assert (await client.ask("GET", "/v1/vaults")).raw == right
    assert time.monotonic() - started >= 0.1


async def test_a_hanging_request_is_counted_and_does_not_hold_up_the_stop(client: Any) -> None:
    await client.server.faults.replace([{"action": "hang"}])
    with pytest.raises(TimeoutError):
        await client.ask("GET", client.item_path, timeout=aiohttp.ClientTimeout(total=0.05))
    assert client.server.requests.item_reads[f"{client.vault}/{client.item}"] == 1
    pending = asyncio.create_task(client.ask("GET", "/v1/vaults"))
    await client.server.requests.reached(2)
    await asyncio.wait_for(client.server.stop(), 30)  # a stop that waited for the request would wait for ever
    with pytest.raises(aiohttp.ClientError):
        await pending


async def test_a_body_longer_than_announced_is_cut_by_whoever_believes_the_length(client: Any) -> None:
    right = (await client.ask("GET", client.item_path)).raw
    await client.server.faults.replace([{"action": "wrong-length", "times": 1}])
    reader, writer = await client.connect()
    writer.write(f"GET {client.item_path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.server.token}\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert f"content-length: {len(right) // 2}" in head.decode().lower().split("\r\n")
    assert body == right
    writer.close()
    assert await client.statuses("/v1/vaults") == [200]
