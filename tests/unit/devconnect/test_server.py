"""The API port: routes, headers, order of refusals, request log."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

UNKNOWN = "a" * 26


async def test_refusals_come_in_the_documented_order(client: Any) -> None:
    """Token, then malformed id, then scope, then permission, then existence, then body."""
    staging = client.server.mint(vaults={"Staging": "r"})
    malformed = await client.ask("GET", "/v1/vaults/Short/items", token=staging)
    scope = await client.ask("POST", client.items, token=staging, data=b"no json")
    vault = client.server.editor.find_vault("Staging").id
    permission = await client.ask("PUT", f"/v1/vaults/{vault}/items/{UNKNOWN}", token=staging, data=b"no json")
    missing = await client.ask("PUT", f"/v1/vaults/{vault}/items/{UNKNOWN}", data=b"no json")
    body = await client.ask("PUT", client.item_path, data=b"no json")
    no_vault = await client.ask("POST", f"/v1/vaults/{UNKNOWN}/items", data=b"no json")
    assert (await client.ask("GET", "/v1/vaults/Short/items", token=None)).status == 401
    assert no_vault.status == 404
    assert [malformed.status, scope.status, permission.status, missing.status, body.status] == [400, 403, 403, 404, 400]
    assert malformed.json["message"] == "Invalid Vault UUID"
    assert scope.json["message"] == f"Authorization: token does not have access to vault {client.vault}"
    assert "does not have permission to perform update on vault" in permission.json["message"]


async def test_what_is_not_there_is_named_in_the_404(client: Any) -> None:
    for path, noun in (
        (f"/v1/vaults/{UNKNOWN}", "vault"),
        (f"{client.items}/{UNKNOWN}", "item"),
        (f"{client.item_path}/files/{UNKNOWN}", "file"),
    ):
        reply = await client.ask("GET", path)
        assert reply.json == {"status": 404, "message": f"{noun} {UNKNOWN} not found"}


async def test_the_log_counts_v1_requests_by_template_and_reads_by_item(client: Any) -> None:
    for path in ("/v1/vaults", client.item_path, client.item_path, "/heartbeat"):
        await client.ask("GET", path)
    shown = (await client.admin("GET", "/requests")).json
    assert shown["total"] == 3
    assert shown["by_route"] == {"GET /v1/vaults": 1, "GET /v1/vaults/:uuid/items/:uuid": 2}
    assert shown["item_reads"] == {f"{client.vault}/{client.item}": 2}
    assert (shown["log"][-1]["path"], shown["log"][-1]["status"]) == (client.item_path, 200)
    await client.admin("DELETE", "/requests")
    assert (await client.admin("GET", "/requests")).json["total"] == 0


async def test_a_bug_in_the_server_looks_like_a_failing_connect_and_logs_no_value(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("fake-password")

    monkeypatch.setattr(client.server.store.visible, "item", broken)
    reply = await client.ask("GET", client.item_path)
    assert (reply.status, reply.json["message"]) == (500, "Something went wrong")
    assert "RuntimeError" in caplog.text
    assert "fake-password" not in caplog.text


@pytest.mark.parametrize("version", ["1.2.0", ""])
async def test_every_reply_tells_the_version_which_can_be_set_and_an_empty_one_leaves_the_header_out(client: Any, version: str) -> None:
    client.server.behaviour.update({"version": version})
    for path in ("/heartbeat", "/v1/vaults", "/nope"):
        assert (await client.ask("GET", path)).headers.get("1Password-Connect-Version", "") == version
    assert (await client.ask("GET", "/health")).json["version"] == version


@pytest.mark.parametrize(("form", "body"), [("object", None), ("text", b"404 route not found"), ("empty", b"")])
async def test_an_unknown_route_is_a_404_even_without_a_token_and_its_body_can_be_set(client: Any, form: str, body: bytes | None) -> None:
    client.server.behaviour.update({"unknown_route": form})
    reply = await client.ask("GET", "/v1/nope", token=None)
    assert (reply.status, reply.raw if reply.json is None else None) == (404, body)
    wrong = await client.ask("DELETE", "/v1/vaults")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "GET")


async def test_a_malformed_id_may_be_refused_before_the_token(client: Any) -> None:
    for choice, status in (("after-token", 401), ("before-token", 400)):
        client.server.behaviour.update({"malformed_id": choice})
        assert (await client.ask("GET", "/v1/vaults/Short", token=None)).status == status


async def test_a_vault_out_of_scope_may_look_as_if_it_were_not_there(client: Any) -> None:
    token = client.server.mint(vaults={"Staging": "r"})
    for choice, status in (("forbidden", 403), ("missing", 404)):
        client.server.behaviour.update({"out_of_scope": choice})
        assert (await client.ask("GET", client.item_path, token=token)).status == status


async def test_the_body_limit_holds_with_and_without_an_announced_length(client: Any) -> None:
    client.server.behaviour.update({"body_limit_bytes": 100})

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 10

    for data in (b" " * 101, pieces()):
        reply = await client.ask("POST", client.items, data=data)
        assert (reply.status, reply.json["status"]) == (413, 413)
    assert (await client.ask("POST", client.items, data=b" " * 100)).status == 400


async def test_a_connection_serves_one_request_after_the_other(client: Any) -> None:
    reader, writer = await client.connect()
    for _ in range(3):
        writer.write(b"GET /heartbeat HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await reader.readuntil(b"\r\n\r\n.")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_a_client_that_waits_for_100_continue_gets_it(client: Any) -> None:
    reader, writer = await client.connect()
    head = f"PATCH {client.item_path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.server.token}\r\nContent-Length: 2\r\n"
    writer.write(f"{head}Expect: 100-continue\r\n\r\n".encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"[]")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_neither_values_nor_tokens_reach_the_log(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    await client.get(client.item_path)
    await client.create(fields=[{"label": 5, "value": "fake-v"}])
    await client.ask("GET", "/v1/vaults", token="fake-token")
    for secret in ("fake-", client.server.token):
        assert secret not in caplog.text
