"""The activity log."""

import re
from typing import Any

import pytest

from onepassword_operator.devconnect import ids


async def records(client: Any, query: str = "") -> Any:
    return await client.get(f"/v1/activity{query}")


async def test_a_read_of_an_item_says_who_what_and_which_version(client: Any) -> None:
    await client.ask("GET", client.item_path, headers={"User-Agent": "probe/1"})
    record = (await records(client))[0]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", record.pop("requestId"))
    jti = client.server.tokens.token_id(client.server.token)
    actor = {"id": ids.INTEGRATION_ID, "account": ids.ACCOUNT_ID, "jti": jti, "userAgent": "probe/1", "requestIp": "127.0.0.1"}
    resource = {"type": "ITEM", "vault": {"id": client.vault}, "item": {"id": client.item}, "itemVersion": 1}
    assert record == {"timestamp": "2025-06-15T15:06:40Z", "action": "READ", "result": "SUCCESS", "actor": actor, "resource": resource}


async def test_a_user_agent_that_is_no_utf8_harms_nobody(client: Any) -> None:
    reader, writer = await client.connect()
    head = f"GET {client.item_path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.server.token}\r\nConnection: close\r\n"
    writer.write(head.encode() + b"User-Agent: probe\xff\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert (await records(client))[0]["actor"]["userAgent"] == "probe?"


async def test_every_request_with_a_valid_token_is_in_it_newest_first(client: Any) -> None:
    created = (await client.create()).json
    path = f"{client.items}/{created['id']}"
    await client.ask("PUT", path, json=created)
    await client.retitle("x", path)
    await client.ask("DELETE", path)
    await client.ask("GET", "/v1/vaults")
    await client.ask("GET", "/v1/vaults", token="wrong")
    shown = await records(client)
    expected = [("READ", None), ("DELETE", 3), ("UPDATE", 3), ("UPDATE", 2), ("CREATE", 1)]
    assert [(record["action"], record["resource"].get("itemVersion")) for record in shown] == expected
    assert shown[0]["resource"] == {"type": "VAULT"}
    assert len({record["requestId"] for record in shown}) == 5


async def test_a_refusal_for_lack_of_access_is_a_deny(client: Any) -> None:
    await client.ask("GET", client.item_path, token=client.server.mint(vaults={"Staging": "r"}))
    await client.ask("GET", f"{client.items}/{'a' * 26}")
    missing, denied = await records(client)
    assert (denied["result"], missing["result"]) == ("DENY", "SUCCESS")
    assert "type" not in denied["resource"]


async def test_pages_say_where_they_are_and_a_limit_is_cut_to_the_largest(client: Any) -> None:
    for _ in range(60):
        await client.ask("GET", "/v1/vaults")
    whole = await client.ask("GET", "/v1/activity")
    assert (len(whole.json), whole.headers["Content-Range"]) == (50, "1-50/60")
    page = await client.ask("GET", "/v1/activity/?limit=5&offset=58")
    assert (len(page.json), page.headers["Content-Range"]) == (3, "59-61/61")
    assert (await client.ask("GET", "/v1/activity?offset=99")).headers["Content-Range"] == "0-0/62"
    client.server.behaviour.update({"activity_limit": 2, "activity_kept": 10})
    assert len(await records(client, "?limit=100")) == 2
    assert (await client.ask("GET", "/v1/activity")).headers["Content-Range"] == "1-2/10"


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=-1", "offset=-1", "offset=٣", f"limit={'9' * 5000}"])
async def test_a_page_that_cannot_be_is_a_400(client: Any, query: str) -> None:
    assert (await client.ask("GET", f"/v1/activity?{query}")).status == 400


async def test_it_needs_a_token_but_no_vault(client: Any) -> None:
    assert (await client.ask("GET", "/v1/activity", token=None)).status == 401
    assert (await client.ask("GET", "/v1/activity", token=client.server.mint(vaults={}))).status == 200
