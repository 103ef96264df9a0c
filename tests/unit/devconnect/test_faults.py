"""Faults: what a client meets when Connect, its proxy or the network fails."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from onepassword_operator.devconnect.faults import FaultError, FaultRule
from onepassword_operator.devconnect.runtime import DevConnect

ITEMS = "GET /v1/vaults/:uuid/items"


async def statuses(client: Any, path: str, count: int) -> list[int]:
    return [(await client.ask("GET", path)).status for _ in range(count)]


async def test_a_status_fault_answers_with_the_error_object_and_retry_after(client: Any) -> None:
    await client.server.faults.replace([{"action": "status", "status": 429, "message": "slow down", "retry_after": 7}])
    reply = await client.ask("GET", "/v1/vaults")
    assert (reply.status, reply.json) == (429, {"status": 429, "message": "slow down"})
    assert (reply.headers["Retry-After"], reply.headers["1Password-Connect-Version"]) == ("7", "1.8.1")


async def test_a_fault_hits_only_the_route_path_and_method_it_names(client: Any) -> None:
    other = client.server.editor.find_vault("Staging").id
    await client.server.faults.replace([{"action": "status", "status": 500, "route": ITEMS, "path": other, "method": "get"}])
    assert await statuses(client, f"/v1/vaults/{other}/items", 2) == [500, 500]
    assert await statuses(client, f"/v1/vaults/{client.vault}/items", 1) == [200]
    assert await statuses(client, f"/v1/vaults/{other}", 1) == [200]


async def test_health_fails_only_when_a_rule_names_it(client: Any) -> None:
    await client.server.faults.replace([{"action": "status", "status": 503}])
    assert await statuses(client, "/health", 1) == [200]
    await client.server.faults.replace([{"action": "status", "status": 503, "route": "GET /health"}])
    assert await statuses(client, "/health", 1) == [503]


async def test_times_limits_a_fault_to_the_first_requests_and_every_spreads_it(client: Any) -> None:
    await client.server.faults.replace([{"action": "status", "status": 503, "times": 2}])
    assert await statuses(client, "/v1/vaults", 3) == [503, 503, 200]
    await client.server.faults.replace([{"action": "status", "status": 503, "every": 3}])
    assert await statuses(client, "/v1/vaults", 6) == [200, 200, 503, 200, 200, 503]
    assert client.server.faults.show() == [{"action": "status", "status": 503, "every": 3, "matched": 6, "fired": 2}]


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
    with pytest.raises(UnicodeDecodeError):
        await client.ask("GET", f"/v1/vaults/{client.vault}")


async def test_a_reset_breaks_the_connection_without_an_answer(client: Any) -> None:
    await client.server.faults.replace([{"action": "reset", "times": 1}])
    reader, writer = await asyncio.open_connection("127.0.0.1", int(client.server.url.rpartition(":")[2]))
    writer.write(b"GET /v1/vaults HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    assert client.server.requests.entries[-1].status == 0


async def test_a_truncated_body_is_shorter_than_announced(client: Any) -> None:
    await client.server.faults.replace([{"action": "truncate", "times": 1}])
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.ask("GET", "/v1/vaults")
    assert await statuses(client, "/v1/vaults", 1) == [200]


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


async def test_down_refuses_connections_and_aborts_open_ones_until_cleared(client: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(client.server.url.rpartition(":")[2]))
    writer.write(b"GET /heartbeat HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n.")
    assert (await client.admin("PUT", "/faults", json=[{"action": "down"}])).status == 200
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.ask("GET", "/heartbeat")
    await client.server.faults.replace([{"action": "down"}])
    assert (await client.admin("DELETE", "/faults")).status == 204
    assert await statuses(client, "/heartbeat", 1) == [200]


async def test_a_server_that_is_down_can_be_stopped(clock: Any) -> None:
    server = await DevConnect.start(clock=clock)
    await server.faults.replace([{"action": "down"}])
    await server.stop()


@pytest.mark.parametrize(
    "rule",
    [
        "down",
        {},
        {"action": "explode"},
        {"action": "status"},
        {"action": "redirect"},
        {"action": "hang", "colour": "red"},
        {"action": "hang", "times": 0},
        {"action": "hang", "times": True},
        {"action": "hang", "every": 1.5},
        {"action": "slow", "delay_seconds": -1},
        {"action": "hang", "path": 5},
        {"action": "hang", "retry_after": []},
    ],
)
def test_a_rule_that_cannot_be_read_is_refused(rule: object) -> None:
    with pytest.raises(FaultError):
        FaultRule.parse(rule)
