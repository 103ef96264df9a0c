"""The API port: routes, headers, order of refusals, request log."""

import io
from typing import Any

import pytest

UNKNOWN = "a" * 26


@pytest.mark.parametrize("path", ["/heartbeat", "/health", "/v1/vaults", "/nope"])
async def test_every_reply_carries_the_server_version(client: Any, path: str) -> None:
    assert (await client.ask("GET", path)).headers["1Password-Connect-Version"] == "1.8.1"


async def test_health_endpoints_need_no_token(client: Any) -> None:
    assert (await client.ask("GET", "/heartbeat", token=None)).raw == b"."
    assert (await client.ask("GET", "/health", token=None)).json["version"] == "1.8.1"


@pytest.mark.parametrize("suffix", ["", "/"])
async def test_a_trailing_slash_changes_nothing(client: Any, suffix: str) -> None:
    for path in ("/v1/vaults", f"/v1/vaults/{client.vault}", f"/v1/vaults/{client.vault}/items", client.item_path):
        assert (await client.ask("GET", path + suffix)).status == 200


async def test_an_unknown_route_is_a_404_error_object_even_without_a_token(client: Any) -> None:
    for path in ("/v1/nope", "/v1/vaults/x/things", "/v2/vaults", "/"):
        reply = await client.ask("GET", path, token=None)
        assert (reply.status, reply.json["status"]) == (404, 404)


async def test_a_known_route_with_another_method_is_405(client: Any) -> None:
    assert (await client.ask("PUT", "/v1/vaults")).status == 405


async def test_refusals_come_in_the_documented_order(client: Any) -> None:
    """Token, then malformed id, then scope, then permission, then existence, then body."""
    staging = client.server.mint(vaults={"Staging": "r"})
    malformed = await client.ask("GET", "/v1/vaults/Short/items", token=staging)
    scope = await client.ask("POST", f"/v1/vaults/{client.vault}/items", token=staging, data=b"no json")
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
        (f"/v1/vaults/{client.vault}/items/{UNKNOWN}", "item"),
        (f"{client.item_path}/files/{UNKNOWN}", "file"),
    ):
        reply = await client.ask("GET", path)
        assert reply.json == {"status": 404, "message": f"{noun} {UNKNOWN} not found"}


async def test_a_body_over_the_limit_is_413(client: Any) -> None:
    assert (await client.ask("POST", f"/v1/vaults/{client.vault}/items", data=io.BytesIO(b" " * 2_000_000))).status == 413


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

    monkeypatch.setattr(client.server.store, "visible_item", broken)
    reply = await client.ask("GET", client.item_path)
    assert (reply.status, reply.json["message"]) == (500, "Something went wrong")
    assert "RuntimeError" in caplog.text
    assert "fake-password" not in caplog.text
