"""While thousands of things happen, readers that go from cursor to cursor see each of them once, in one order."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from harness.connect_process import ConnectProcess
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.seed import Seed

WRITERS, EACH = 10, 300
SEED = Seed.parse("vaults: [{name: v, items: [{title: x, fields: {password: fake}}]}]")
READERS: list[dict[str, Any]] = [{"limit": 1000}, {"limit": 7}, {}, {"limit": 100, "start_time": "2000-01-01T00:00:00Z"}]


@pytest.fixture
async def server() -> AsyncIterator[DevConnect]:
    running = await DevConnect.start(SEED, Options())
    running.behaviour.update({"events_per_minute": 10**9, "events_per_hour": 10**9})
    yield running
    await running.stop()


@pytest.fixture
async def session(server: DevConnect) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(server.url, connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


async def write(session: aiohttp.ClientSession, server: DevConnect, writer: int) -> None:
    """Read an item many times, or change it, each time under another name, so that every event can be told from every other."""
    item = server.editor.find_item("v", "x")
    path = f"/v1/vaults/{item.vault_id}/items/{item.id}"
    change: dict[str, Any] = {} if writer % 2 else {"json": [{"op": "replace", "path": "/title", "value": "x"}]}
    for number in range(EACH):
        headers = {"Authorization": f"Bearer {server.token}", "User-Agent": f"writer-{writer}/{number}"}
        async with session.request("PATCH" if change else "GET", path, headers=headers, **change) as response:
            assert response.status == 200


async def follow(session: aiohttp.ClientSession, *, feature: str, token: str, first: dict[str, Any], end: asyncio.Event) -> list[Any]:
    """Everything that a reader sees, from before the first event until nothing is left after the last."""
    seen, body = list[Any](), first
    while True:
        over = end.is_set()
        async with session.post(f"/api/v2/{feature}", headers={"Authorization": f"Bearer {token}"}, json=body) as response:
            page = await response.json()
        seen += page["items"]
        assert len(page["items"]) <= first.get("limit", 100)
        if over and not page["has_more"]:
            return seen
        if not page["items"]:
            await asyncio.sleep(0.01)  # leaves the machine to the writers
        body = {"cursor": page["cursor"]}


@pytest.mark.timeout(300)
async def test_no_event_is_lost_or_doubled_under_concurrent_writes(server: DevConnect, session: aiohttp.ClientSession) -> None:
    """Every request here is a use of the item, and the first of its program: thousands of events of either feature."""
    end = asyncio.Event()
    readers = {
        feature: [asyncio.create_task(follow(session, feature=feature, token=token, first=first, end=end)) for first in READERS]
        for feature in ("itemusages", "signinattempts")
        for token in [server.mint_for_events(feature)]
    }
    await asyncio.gather(*(write(session, server, writer) for writer in range(WRITERS)))
    end.set()
    expected = {(f"writer-{writer}", str(number)) for writer in range(WRITERS) for number in range(EACH)}
    for reading in readers.values():
        seen_by = [await reader for reader in reading]
        for seen in seen_by:
            assert len(seen) == len(expected) == WRITERS * EACH
            assert {(event["client"]["app_name"], event["client"]["app_version"]) for event in seen} == expected
            assert [event["uuid"] for event in seen] == [event["uuid"] for event in seen_by[0]]
        assert len({event["uuid"] for event in seen_by[0]}) == WRITERS * EACH


def test_a_server_that_is_killed_loses_no_event_whose_reply_was_seen(tmp_path: Path) -> None:
    """Five lives: each reads the item a few times, is read from by cursor, and ends without a chance to say goodbye."""
    seed = {"vaults": [{"name": "v", "items": [{"title": "x"}]}]}
    seen, body, reads = list[str](), dict[str, Any](), 0
    for life in range(5):
        connect = ConnectProcess(seed, tmp_path, "--state", str(tmp_path / "state"))
        vault, item = connect.ids("v", "x")
        for moment in range(life % 4 + 1):
            if moment == 1:
                page = ask_for_events(connect, body)
                seen += [event["uuid"] for event in page["items"]]
                body = {"cursor": page["cursor"]}
            connect.ask("GET", f"/v1/vaults/{vault}/items/{item}")
            reads += 1
        connect.kill()
    connect = ConnectProcess(seed, tmp_path, "--state", str(tmp_path / "state"))
    page = ask_for_events(connect, body)
    connect.stop()
    seen += [event["uuid"] for event in page["items"]]
    assert len(seen) == len(set(seen)) == reads


def ask_for_events(connect: ConnectProcess, body: dict[str, Any]) -> Any:
    token = connect.admin("POST", "tokens", body={"features": ["itemusages"]})["token"]
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{connect.url}/api/v2/itemusages", data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read())
