"""The admin port: editing as a person would."""

from typing import Any


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


async def test_an_ambiguous_title_is_refused(client: Any) -> None:
    client.server.editor.create_item("Staging", {"title": "billing db"})
    reply = await client.admin("POST", "/vaults/Staging/items/billing db", json={"tags": []})
    assert reply.status == 400
    assert "use the id" in reply.json["message"]


async def test_a_snapshot_is_restored_with_versions_and_without_giving_an_id_twice(client: Any) -> None:
    await client.admin("PUT", "/snapshots/before")
    before = await client.get(client.items), await client.get("/v1/vaults"), await client.get(client.item_path)
    await client.admin("POST", "/vaults/Prod apps/items/billing db", json={"title": "renamed", "fields": {"password": "fake-2"}})
    later = (await client.admin("POST", "/vaults/Prod apps/items", json={"title": "later"})).json
    await client.admin("POST", "/vaults", json={"name": "later"})
    await client.admin("DELETE", "/vaults/Staging")
    assert (await client.admin("POST", "/snapshots/before/restore")).status == 204
    after = await client.get(client.items), await client.get("/v1/vaults"), await client.get(client.item_path)
    assert [sorted(part, key=str) for part in after] == [sorted(part, key=str) for part in before]
    assert (await client.admin("POST", "/vaults/Prod apps/items", json={"title": "later"})).json["id"] != later["id"]
    assert (await client.admin("GET", "/snapshots")).json == ["before"]
    assert (await client.admin("POST", "/snapshots/absent/restore")).status == 404
