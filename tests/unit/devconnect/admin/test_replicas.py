"""The admin port: lag of all readers or of one replica's, and how requests are spread."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.seed import Seed

STUCK = {"vault_seconds": None, "list_seconds": None, "get_seconds": None}
LEVEL = {"vault_seconds": 0, "list_seconds": 0, "get_seconds": 0}


@pytest.fixture
async def pair(clock: Any, seed: Seed, client_of: Callable[[DevConnect], Any]) -> AsyncIterator[Any]:
    """A client of two replicas that are asked in no order, request by request."""
    server = await DevConnect.start(seed, Options(clock=clock, replicas=2, balance="request", balance_seed=1))
    yield client_of(server)
    await server.stop()


async def edit(client: Any) -> None:
    await client.admin("POST", "/vaults/Prod apps/items/billing db", json={"fields": {"password": "fake-2"}})


async def reported(client: Any) -> dict[str, tuple[int, int, int]]:
    """By replica: how often the item was edited, as the vault, the list and the item tell it."""
    found: dict[str, list[int]] = {"0": [0, 0, 0], "1": [0, 0, 0]}
    for _ in range(12):
        reply = await client.ask("GET", f"/v1/vaults/{client.vault}")
        found[reply.headers["Dev-Connect-Replica"]][0] = reply.json["contentVersion"] - 2
        reply = await client.ask("GET", client.items)
        found[reply.headers["Dev-Connect-Replica"]][1] = next(i["version"] for i in reply.json if i["id"] == client.item)
        reply = await client.ask("GET", client.item_path)
        found[reply.headers["Dev-Connect-Replica"]][2] = reply.json["version"]
    return {number: (vault, listed, read) for number, (vault, listed, read) in found.items()}


async def test_a_lag_may_be_for_a_while(client: Any, clock: Any) -> None:
    await client.admin("PUT", "/lag", json={"list_seconds": 30, "for_seconds": 10})
    clock.advance(10)
    assert (await client.admin("GET", "/lag")).json["list_seconds"] == 0


async def test_a_stuck_replica_shows_what_it_had_until_it_is_told_to_catch_up(pair: Any, clock: Any) -> None:
    await pair.admin("PUT", "/replicas/1", json={"get_seconds": 60})
    await edit(pair)
    shown = await pair.admin("PUT", "/replicas/1", json=STUCK)
    assert shown.json == {"number": 1, **STUCK, "requests": 0}
    await edit(pair)
    clock.advance(1e9)
    assert await reported(pair) == {"0": (3, 3, 3), "1": (2, 2, 1)}
    await pair.admin("PUT", "/replicas/1", json=LEVEL)
    assert await reported(pair) == {"0": (3, 3, 3), "1": (3, 3, 3)}


async def test_a_replica_may_be_stuck_for_a_while(pair: Any, clock: Any) -> None:
    await pair.admin("PUT", "/replicas/0", json={"list_seconds": None, "for_seconds": 10})
    await edit(pair)
    assert (await reported(pair))["0"] == (2, 1, 2)
    clock.advance(10)
    assert (await reported(pair))["0"] == (2, 2, 2)


async def test_lag_sets_all_replicas_and_shows_the_one_furthest_behind(pair: Any) -> None:
    assert (await pair.admin("PUT", "/lag", json={"get_seconds": 30})).json == {**LEVEL, "get_seconds": 30}
    assert [one["get_seconds"] for one in (await pair.admin("GET", "/replicas")).json["replicas"]] == [30, 30]
    await pair.admin("PUT", "/replicas/1", json={"list_seconds": None})
    assert (await pair.admin("GET", "/lag")).json == {"vault_seconds": 0, "list_seconds": None, "get_seconds": 30}


async def test_the_answer_to_a_write_has_the_version_of_the_replica_that_took_it(pair: Any) -> None:
    await pair.admin("PUT", "/replicas/1", json={"get_seconds": None})
    versions: dict[str, set[int]] = {"0": set(), "1": set()}
    for _ in range(8):
        reply = await pair.ask("PATCH", pair.item_path, json=[{"op": "replace", "path": "/title", "value": "new"}])
        versions[reply.headers["Dev-Connect-Replica"]].add(reply.json["version"])
    assert versions["1"] == {1}
    assert max(versions["0"]) > 1


async def test_requests_are_counted_by_replica_and_the_log_names_it(pair: Any) -> None:
    answered = [(await pair.ask("GET", "/v1/vaults")).headers["Dev-Connect-Replica"] for _ in range(12)]
    shown = (await pair.admin("GET", "/replicas")).json["replicas"]
    assert [one["requests"] for one in shown] == [answered.count("0"), answered.count("1")]
    assert [str(entry["replica"]) for entry in (await pair.admin("GET", "/requests")).json["log"]] == answered
    await pair.admin("DELETE", "/requests")
    assert [one["requests"] for one in (await pair.admin("GET", "/replicas")).json["replicas"]] == [0, 0]


async def test_the_balance_and_its_seed_are_changed_while_the_server_runs(pair: Any) -> None:
    runs = []
    for _ in range(2):
        assert (await pair.admin("PATCH", "/replicas", json={"balance": "request", "seed": 7})).json["balance"] == "request"
        runs.append([(await pair.ask("GET", "/v1/vaults")).headers["Dev-Connect-Replica"] for _ in range(20)])
    assert runs[0] == runs[1]
    assert (await pair.admin("PATCH", "/replicas", json={"balance": "connection"})).json["balance"] == "connection"
    assert len({(await pair.ask("GET", "/v1/vaults")).headers["Dev-Connect-Replica"] for _ in range(20)}) == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reported"),
    [
        ("PUT", "/replicas/2", {}, 404, "replica 2 not found: there are 0, 1; --replicas at the start says how many"),
        ("PUT", "/replicas/x", {}, 404, "replica x not found"),
        (
            "PUT",
            "/replicas/1",
            {"lists": 1},
            400,
            "unknown member 'lists': write numbers of seconds, or null for ever, for for_seconds, get_",
        ),
        ("PUT", "/replicas/1", {"get_seconds": "forever"}, 400, "get_seconds must be a number of seconds, or null for ever"),
        ("PUT", "/replicas/1", {"for_seconds": -1}, 400, "for_seconds must be a number of seconds, or null for ever"),
        ("PUT", "/lag", {"x": 1}, 400, "unknown member 'x': write numbers of seconds"),
        ("PATCH", "/replicas", {"balance": "pod"}, 400, "balance must be one of connection, request, not 'pod'"),
        ("PATCH", "/replicas", {"balance": "connection", "seed": True}, 400, "seed must be a whole number"),
        ("PATCH", "/replicas", {"replicas": 3}, 400, "unknown member 'replicas': write balance (connection or request), seed"),
    ],
)
async def test_what_is_refused_names_the_thing_and_the_remedy(
    pair: Any, *, method: str, path: str, body: object, status: int, reported: str
) -> None:
    reply = await pair.admin(method, path, json=body)
    assert (reply.status, reply.json["status"]) == (status, status)
    assert reported in reply.json["message"]
    shown = (await pair.admin("GET", "/replicas")).json
    assert shown == {"balance": "request", "replicas": [{"number": number, **LEVEL, "requests": 0} for number in (0, 1)]}


async def test_one_replica_is_the_default_and_does_not_show(client: Any) -> None:
    assert "Dev-Connect-Replica" not in (await client.ask("GET", "/v1/vaults")).headers
    assert "replica" not in (await client.admin("GET", "/requests")).json["log"][0]
    assert (await client.admin("GET", "/replicas")).json["replicas"] == [{"number": 0, **LEVEL, "requests": 1}]
    assert "there is 0 only" in (await client.admin("PUT", "/replicas/1", json={})).json["message"]
