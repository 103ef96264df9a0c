"""The first sync, and what /health says until it is done."""

from typing import Any

import pytest

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.rest.upstream import State, Upstream


def statuses(upstream: Upstream) -> list[str]:
    return [dependency["status"] for dependency in upstream.dependencies()]


async def test_a_server_is_locked_until_a_token_and_ready_at_once_by_default() -> None:
    upstream = Upstream(reachable=lambda: True)
    assert statuses(upstream) == ["ACTIVE", "TOKEN_NEEDED", "UNINITIALIZED", "NOT_SYNCED"]
    await upstream.ready()
    assert statuses(upstream) == ["ACTIVE"] * 4


async def test_a_first_sync_that_takes_longer_than_the_timeout_is_a_408_and_goes_on() -> None:
    upstream = Upstream(reachable=lambda: True)
    upstream.restart(sync_seconds=None, timeout_seconds=0.01)
    with pytest.raises(ApiError, match="please retry the request") as refused:
        await upstream.ready()
    assert (refused.value.status, upstream.state, statuses(upstream)[1:]) == (408, State.SYNCING, ["ACTIVE", "ACTIVE", "NOT_SYNCED"])
    upstream.finish()
    await upstream.ready()


async def test_requests_wait_for_the_first_sync_which_ends_after_its_time() -> None:
    upstream = Upstream(reachable=lambda: True)
    upstream.restart(sync_seconds=0.01)
    await upstream.ready()
    assert upstream.state is State.SYNCED


async def test_a_server_that_starts_again_forgets_the_sync_it_was_in() -> None:
    upstream = Upstream(reachable=lambda: True)
    upstream.restart(sync_seconds=0.01)
    upstream.unlock()
    upstream.restart(sync_seconds=None, timeout_seconds=0.05)
    with pytest.raises(ApiError):
        await upstream.ready()


@pytest.mark.parametrize("seconds", [60, None])
async def test_over_http_cold_start_blocks_and_answers_408(client: Any, seconds: int | None) -> None:
    shown = (await client.admin("PUT", "/sync", json={"sync_seconds": seconds, "timeout_seconds": 0.01})).json
    assert shown["dependencies"] == (await client.ask("GET", "/health", token=None)).json["dependencies"]
    assert shown["dependencies"][1] == {"service": "sync", "status": "TOKEN_NEEDED"}
    assert (await client.ask("GET", "/v1/vaults", token="wrong")).status == 401
    assert (await client.admin("GET", "/sync")).json["state"] == "locked"
    reply = await client.ask("GET", "/v1/vaults")
    assert (reply.status, reply.json["message"]) == (408, "sync did not complete within timeout, please retry the request")
    assert (await client.admin("POST", "/sync/finish")).json["state"] == "synced"
    assert (await client.ask("GET", "/v1/vaults")).status == 200


async def test_over_http_a_bearer_on_health_unlocks_and_a_wrong_one_does_not(client: Any) -> None:
    assert (await client.ask("GET", "/health", token="wrong")).status == 200
    assert (await client.admin("GET", "/sync")).json["state"] == "locked"
    assert [item["status"] for item in (await client.ask("GET", "/health")).json["dependencies"]] == ["ACTIVE"] * 4
