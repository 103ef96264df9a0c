"""The admin port: editing as a person would, tokens, faults, lag."""

from typing import Any

import pytest


async def values(client: Any) -> dict[str, str | None]:
    item = await client.get(client.item_path)
    return {field["label"]: field.get("value") for field in item["fields"]}


async def test_vaults_are_shown_with_versions_and_without_values(client: Any) -> None:
    reply = await client.admin("GET", "/vaults")
    assert reply.json[0]["name"] == "Prod apps"
    assert {"id": client.item, "title": "billing db", "version": 1} in reply.json[0]["items"]
    assert b"fake" not in reply.raw


async def test_an_edit_sets_adds_empties_and_removes_fields_by_label(client: Any) -> None:
    edit = {"fields": {"password": "fake-2", "new": "n", "username": None}, "remove_fields": ["host"], "tags": ["z"], "title": "renamed"}
    reply = await client.admin("POST", "/vaults/Prod apps/items/billing db", json=edit)
    assert (reply.status, reply.json) == (200, {"id": client.item, "title": "renamed", "version": 2})
    assert await values(client) == {"username": None, "password": "fake-2", "notesPlain": None, "new": "n"}
    assert (await client.get(client.item_path))["tags"] == ["z"]


async def test_an_edit_replaces_adds_and_removes_files_by_name(client: Any) -> None:
    old = (await client.get(client.item_path))["files"][0]
    edit = {"files": [{"name": "ca.pem", "content": "other"}, {"name": "b", "content_base64": "AP8="}]}
    await client.admin("POST", f"/vaults/Prod apps/items/{client.item}", json=edit)
    files = (await client.get(client.item_path))["files"]
    assert [(file["name"], file["size"]) for file in files] == [("ca.pem", 5), ("b", 2)]
    assert files[0]["id"] != old["id"]
    await client.admin("POST", f"/vaults/Prod apps/items/{client.item}", json={"remove_files": ["b"]})
    assert [file["name"] for file in (await client.get(client.item_path))["files"]] == ["ca.pem"]


async def test_vaults_and_items_are_created_renamed_and_deleted(client: Any) -> None:
    vault = (await client.admin("POST", "/vaults", json={"name": "a/b"})).json
    item = (await client.admin("POST", "/vaults/a%2Fb/items", json={"title": "x", "fields": {"k": "v"}})).json
    assert (await client.get(f"/v1/vaults/{vault['id']}/items/{item['id']}"))["fields"][0]["value"] == "v"
    assert (await client.admin("DELETE", f"/vaults/{vault['id']}/items/x")).status == 204
    await client.admin("PATCH", f"/vaults/{vault['id']}", json={"name": "c"})
    assert (await client.get(f"/v1/vaults/{vault['id']}"))["attributeVersion"] == 2
    assert (await client.admin("DELETE", "/vaults/c")).status == 204
    assert (await client.ask("GET", f"/v1/vaults/{vault['id']}")).status == 404


async def test_a_token_is_minted_revoked_and_restored(client: Any) -> None:
    minted = (await client.admin("POST", "/tokens", json={"vaults": {"Staging": "r"}})).json
    assert [vault["name"] for vault in await client.get("/v1/vaults", token=minted["token"])] == ["Staging"]
    steps: list[tuple[str, str, Any, int]] = [
        ("DELETE", f"/tokens/{minted['id']}", None, 401),
        ("POST", "/tokens/restore", {"token": minted["token"]}, 200),
        ("POST", "/tokens/revoke", {"token": minted["token"]}, 401),
    ]
    for method, path, body, expected in steps:
        assert (await client.admin(method, path, json=body)).status == 204
        assert (await client.ask("GET", "/v1/vaults", token=minted["token"])).status == expected


async def test_a_token_without_vaults_expires_when_told(client: Any, clock: Any) -> None:
    token = (await client.admin("POST", "/tokens", json={"expires_in_seconds": 60})).json["token"]
    assert len(await client.get("/v1/vaults", token=token)) == 2
    clock.advance(61)
    assert (await client.ask("GET", "/v1/vaults", token=token)).status == 401


async def test_lag_makes_list_and_item_disagree(client: Any, clock: Any) -> None:
    assert (await client.admin("PUT", "/lag", json={"get_seconds": 30})).json["list_seconds"] == 0
    await client.admin("POST", "/vaults/Prod apps/items/billing db", json={"fields": {"password": "fake-2"}})
    versions = {item["id"]: item["version"] for item in await client.get(f"/v1/vaults/{client.vault}/items")}
    assert (versions[client.item], (await client.get(client.item_path))["version"]) == (2, 1)
    clock.advance(30)
    assert (await client.get(client.item_path))["version"] == 2
    assert (await client.admin("GET", "/lag")).json == {"vault_seconds": 0, "list_seconds": 0, "get_seconds": 30}


async def test_faults_are_shown_as_they_were_put(client: Any) -> None:
    rule = {"action": "status", "status": 500, "times": 1}
    await client.admin("PUT", "/faults", json=[rule])
    assert (await client.admin("GET", "/faults")).json == [{**rule, "matched": 0, "fired": 0}]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/vaults/absent/items", {"title": "x"}, 404),
        ("POST", "/vaults/Staging/items/absent", {}, 404),
        ("POST", "/vaults/Staging/items", {"title": "x", "colour": 1}, 400),
        ("POST", "/vaults/Staging/items", {"title": "x", "files": [{"path": "/etc/hostname"}]}, 400),
        ("POST", "/vaults/Staging/items/billing db", {"fields": ["x"]}, 400),
        ("POST", "/vaults", {"name": ""}, 400),
        ("POST", "/vaults", [], 400),
        ("POST", "/tokens", {"vaults": {"Staging": "x"}}, 400),
        ("POST", "/tokens", {"vaults": {"absent": "r"}}, 404),
        ("POST", "/tokens", {"vaults": ["Staging"]}, 400),
        ("POST", "/tokens", {"vaults": {"Staging": ["r"]}}, 400),
        ("POST", "/tokens", {"expires_in_seconds": "1"}, 400),
        ("POST", "/tokens/revoke", {"token": "x"}, 401),
        ("PUT", "/faults", {}, 400),
        ("PUT", "/faults", [{"action": "x"}], 400),
        ("PUT", "/lag", {"get_seconds": -1}, 400),
        ("PUT", "/lag", {"all": 1}, 400),
        ("GET", "/nope", None, 404),
    ],
)
async def test_a_request_the_admin_port_cannot_serve_says_why(client: Any, method: str, path: str, body: Any, status: int) -> None:
    reply = await client.admin(method, path, json=body)
    assert (reply.status, reply.json["status"]) == (status, status)
    assert reply.json["message"]


async def test_an_ambiguous_title_is_refused(client: Any) -> None:
    client.server.editor.create_item("Staging", {"title": "billing db"})
    reply = await client.admin("POST", "/vaults/Staging/items/billing db", json={"tags": []})
    assert reply.status == 400
    assert "use the id" in reply.json["message"]
