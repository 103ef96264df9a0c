"""Which requests a fault hits, for how long, and the port that does not listen."""

import asyncio
from typing import Any

import aiohttp
import pytest

from onepassword_operator.devconnect.runtime import DevConnect, Options

ITEMS = "GET /v1/vaults/:uuid/items"


async def test_a_fault_hits_only_the_route_path_and_method_it_names(client: Any) -> None:
    other = client.server.editor.find_vault("Staging").id
    await client.server.faults.replace([{"action": "status", "status": 500, "route": ITEMS, "path": other, "method": "get"}])
    assert await client.statuses(f"/v1/vaults/{other}/items", 2) == [500, 500]
    assert await client.statuses(client.items) == [200]
    assert await client.statuses(f"/v1/vaults/{other}") == [200]


async def test_health_fails_only_when_a_rule_names_it(client: Any) -> None:
    await client.server.faults.replace([{"action": "status", "status": 503}])
    assert await client.statuses("/health") == [200]
    await client.server.faults.replace([{"action": "status", "status": 503, "route": "GET /health"}])
    assert await client.statuses("/health") == [503]


async def test_times_limits_a_fault_to_the_first_requests_and_every_spreads_it(client: Any) -> None:
    await client.server.faults.replace([{"action": "status", "status": 503, "times": 2}])
    assert await client.statuses("/v1/vaults", 3) == [503, 503, 200]
    await client.server.faults.replace([{"action": "status", "status": 503, "every": 3}])
    assert await client.statuses("/v1/vaults", 6) == [200, 200, 503, 200, 200, 503]
    assert client.server.faults.show() == [{"action": "status", "status": 503, "every": 3, "matched": 6, "fired": 2}]


async def test_down_refuses_connections_and_aborts_open_ones_until_cleared(client: Any) -> None:
    reader, writer = await client.connect()
    writer.write(b"GET /heartbeat HTTP/1.1\r\nHost: x\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n.")
    assert (await client.admin("PUT", "/faults", json=[{"action": "down"}])).status == 200
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.ask("GET", "/heartbeat")
    await client.server.faults.replace([{"action": "down"}])
    assert (await client.admin("DELETE", "/faults")).status == 204
    assert await client.statuses("/heartbeat") == [200]


async def test_a_server_that_is_down_can_be_stopped(clock: Any) -> None:
    server = await DevConnect.start(options=Options(clock=clock))
    await server.faults.replace([{"action": "down"}])
    await server.stop()


async def test_a_fault_for_a_while_ends_by_itself(client: Any, clock: Any) -> None:
    await client.admin("PUT", "/faults", json=[{"action": "status", "status": 403, "for_seconds": 5}])
    assert await client.statuses("/v1/vaults", 2) == [403, 403]
    clock.advance(5)
    assert await client.statuses("/v1/vaults") == [200]


async def test_a_conflict_hits_writes_only_and_stores_nothing(client: Any) -> None:
    await client.admin("PUT", "/faults", json=[{"action": "conflict", "times": 2}])
    assert (await client.ask("GET", client.item_path)).status == 200
    assert (await client.retitle("x")).status == 409
    assert (await client.ask("DELETE", client.item_path)).status == 500
    assert (await client.get(client.item_path))["version"] == 1
    assert (await client.retitle("x")).json["version"] == 2


async def test_an_unsynced_file_is_a_500_for_a_few_times_and_then_there(client: Any) -> None:
    await client.admin("PUT", "/faults", json=[{"action": "unsynced-file", "times": 2}])
    (file,) = await client.get(f"{client.item_path}/files")
    assert await client.statuses(file["content_path"], 3) == [500, 500, 200]


async def test_offline_reads_are_stale_and_writes_fail_until_it_ends(client: Any, clock: Any) -> None:
    await client.get("/v1/vaults")  # a server that never was online has nothing to read
    await client.admin("PUT", "/faults", json=[{"action": "offline", "for_seconds": 60}])
    await client.admin("POST", "/vaults/Prod apps/items/billing db", json={"title": "edited elsewhere"})
    assert (await client.ask("PATCH", client.item_path, json=[])).status == 500
    assert (await client.get(client.items))[0]["title"] == "billing db"
    assert (await client.get(client.item_path))["version"] == 1
    clock.advance(60)
    assert (await client.get(client.item_path))["title"] == "edited elsewhere"
    assert (await client.ask("PATCH", client.item_path, json=[])).status == 200


async def test_a_server_that_starts_offline_cannot_initialise(client: Any) -> None:
    await client.admin("PUT", "/sync", json={})
    await client.admin("PUT", "/faults", json=[{"action": "offline"}])
    reply = await client.ask("GET", "/v1/vaults")
    assert (reply.status, reply.json["message"]) == (500, "failed to initiate, review service logs for details")


async def test_down_for_a_while_listens_again_on_the_same_port(client: Any) -> None:
    await client.admin("PUT", "/faults", json=[{"action": "down", "for_seconds": 0.01}])
    for _ in range(1000):
        try:
            assert await client.statuses("/heartbeat") == [200]
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.01)
        else:
            return
    pytest.fail("the port did not listen again")


async def test_down_again_before_the_first_one_ended_stays_down(client: Any) -> None:
    await client.admin("PUT", "/faults", json=[{"action": "down", "for_seconds": 0.01}])
    await client.admin("PUT", "/faults", json=[{"action": "down"}])
    await asyncio.sleep(0.05)
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.ask("GET", "/heartbeat")
