"""The Events API over HTTP."""

from typing import Any

import pytest

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.events.paging import Reader

ENDPOINTS = ["auditevents", "itemusages", "signinattempts"]


async def ask(client: Any, feature: str, *, token: str | None = None, **body: Any) -> Any:
    reply = await client.ask("POST", f"/api/v2/{feature}", token=token or client.server.mint_for_events(), json=body)
    assert reply.status == 200, reply
    return reply.json


async def test_introspection_says_what_the_token_may(client: Any) -> None:
    token = client.server.mint_for_events("itemusages", "auditevents")
    shown = await client.get("/api/v2/auth/introspect", token=token)
    assert shown.pop("uuid").isupper()
    assert shown == {"issued_at": "2025-06-15T15:06:40Z", "features": ["auditevents", "itemusages"], "account_uuid": ids.ACCOUNT_ID}


@pytest.mark.parametrize("feature", ENDPOINTS)
async def test_each_endpoint_needs_a_token_with_its_feature(client: Any, feature: str) -> None:
    others = [other for other in ENDPOINTS if other != feature]
    for token in (None, "wrong", client.server.token, client.server.mint_for_events(*others)):
        reply = await client.ask("POST", f"/api/v2/{feature}", token=token, json={})
        assert (reply.status, reply.json["status"]) == (401, 401)
    assert (await client.ask("POST", f"/api/v2/{feature}", token=client.server.mint_for_events(feature), json={})).status == 200


async def test_pages_follow_each_other_by_cursor_and_the_last_cursor_waits_for_more(client: Any) -> None:
    for _ in range(5):
        await client.get(client.item_path)
    first = await ask(client, "itemusages", limit=3)
    second = await ask(client, "itemusages", cursor=first["cursor"])
    assert ([len(page["items"]) for page in (first, second)], first["has_more"], second["has_more"]) == ([3, 2], True, False)
    await client.get(client.item_path)
    third = await ask(client, "itemusages", cursor=second["cursor"])
    assert len(third["items"]) == 1
    assert len({event["uuid"] for page in (first, second, third) for event in page["items"]}) == 6


async def test_a_cursor_keeps_the_limit_and_the_window_of_its_first_page(client: Any, clock: Any) -> None:
    for _ in range(4):
        await client.get(client.item_path)
        clock.advance(1)
    page = await ask(client, "itemusages", limit=1, start_time="2025-06-15T15:06:41Z", end_time="2025-06-15T15:06:43Z")
    times = [event["timestamp"] for event in page["items"]]
    page = await ask(client, "itemusages", cursor=page["cursor"])
    assert times + [event["timestamp"] for event in page["items"]] == ["2025-06-15T15:06:41Z", "2025-06-15T15:06:42Z"]
    assert not page["has_more"]


async def test_too_many_requests_are_429_with_the_time_to_wait(client: Any) -> None:
    client.server.behaviour.update({"events_per_minute": 1})
    token = client.server.mint_for_events()
    assert (await client.ask("GET", "/api/v2/auth/introspect", token=token)).status == 200
    for method, path in (("GET", "auth/introspect"), ("POST", "itemusages")):
        reply = await client.ask(method, f"/api/v2/{path}", token=token)
        assert (reply.status, reply.headers["Retry-After"]) == (429, "20")
    assert (await client.ask("GET", "/v1/vaults")).status == 200, "Connect has no limit"


@pytest.mark.parametrize("body", ["[]", "x", '{"limit": 0}', '{"cursor": "x"}', "x" * 70_000])
async def test_a_body_that_cannot_be_read_is_400(client: Any, body: str) -> None:
    reply = await client.ask("POST", "/api/v2/auditevents", token=client.server.mint_for_events(), data=body)
    assert (reply.status, reply.json["status"]) == (400, 400)


@pytest.mark.parametrize("position", [1, 2**63])
async def test_a_cursor_beyond_the_last_event_was_never_given_out(client: Any, position: int) -> None:
    cursor = Reader(feature="itemusages", run=client.server.feed.run, position=position).cursor()
    reply = await client.ask("POST", "/api/v2/itemusages", token=client.server.mint_for_events(), json={"cursor": cursor})
    assert reply.status == 400


async def test_other_methods_are_405_and_a_trailing_slash_changes_nothing(client: Any) -> None:
    token = client.server.mint_for_events()
    refused = await client.ask("GET", "/api/v2/auditevents", token=token)
    assert (refused.status, refused.headers["Allow"]) == (405, "POST")
    assert (await client.ask("POST", "/api/v2/auditevents/", token=token, json={})).status == 200


async def test_events_are_neither_in_the_activity_log_nor_counted_as_requests_to_connect(client: Any) -> None:
    await ask(client, "auditevents")
    assert (client.server.requests.total, await client.get("/v1/activity")) == (0, [])
