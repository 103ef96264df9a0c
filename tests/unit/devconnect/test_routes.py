"""The endpoints: shapes and write semantics of the Connect API."""

import base64
from typing import Any

from onepassword_operator.devconnect import routes


async def test_vaults_are_a_bare_list_with_their_counters(client: Any) -> None:
    vaults = await client.get("/v1/vaults")
    assert [vault["name"] for vault in vaults] == ["Prod apps", "Staging"]
    assert vaults[0]["items"] == 2
    assert vaults[0]["createdAt"] == "2024-01-01T00:00:00Z"
    assert set(vaults[0]) >= {"id", "description", "attributeVersion", "contentVersion", "type", "updatedAt"}


async def test_an_item_list_shows_versions_but_no_values(client: Any) -> None:
    items = await client.get(f"/v1/vaults/{client.vault}/items")
    assert {"version", "updatedAt", "lastEditedBy", "urls", "tags"} <= set(items[0])
    assert not {"fields", "sections", "files"} & set(items[0])


async def test_filters_select_and_a_plus_sign_is_a_space(client: Any) -> None:
    items = f"/v1/vaults/{client.vault}/items"
    assert [vault["name"] for vault in await client.get("/v1/vaults?filter=title+eq+%22Prod+apps%22")] == ["Prod apps"]
    assert [item["id"] for item in await client.get(items, params={"filter": 'title eq "billing db"'})] == [client.item]
    assert await client.get(items, params={"filter": 'title eq "absent"'}) == []
    assert (await client.ask("GET", items, params={"filter": "title eq '"})).status == 400


async def test_an_item_shows_fields_with_canonical_ids_sorted_tags_and_no_empty_value(client: Any) -> None:
    item = await client.get(client.item_path)
    fields = {field["label"]: field for field in item["fields"]}
    assert item["tags"] == ["k8s", "team-a"]
    assert (fields["password"]["id"], fields["password"]["purpose"], fields["password"]["type"]) == ("password", "PASSWORD", "CONCEALED")
    assert "value" not in fields["notesPlain"]
    assert len(fields["host"]["id"]) == 26


async def test_a_created_item_gets_id_and_version_1_with_status_200(client: Any) -> None:
    body = {"title": "new", "category": "LOGIN", "vault": {"id": client.vault}, "fields": [{"label": "k", "value": "v"}]}
    reply = await client.ask("POST", f"/v1/vaults/{client.vault}/items/", json=body)
    assert (reply.status, reply.json["version"], len(reply.json["id"])) == (200, 1, 26)
    assert await client.get(f"/v1/vaults/{client.vault}/items/{reply.json['id']}") == reply.json


async def test_bodies_connect_refuses_are_400_and_store_nothing(client: Any) -> None:
    good = {"title": "new", "category": "LOGIN", "vault": {"id": client.vault}}
    two = [{"purpose": "PASSWORD", "value": "a"}, {"purpose": "PASSWORD", "value": "b"}]
    bad: list[Any] = [
        [],
        {**good, "category": None},
        {**good, "category": "CUSTOM"},
        {**good, "category": "DOCUMENT"},
        {**good, "category": "PASSWORD"},
        {**good, "vault": {}},
        {**good, "vault": {"id": "b" * 26}},
        {**good, "fields": two},
        {**good, "fields": [{"type": "MONTH_YEAR", "value": "13/2025"}]},
        {**good, "tags": "k8s"},
    ]
    for body in bad:
        assert (await client.ask("POST", f"/v1/vaults/{client.vault}/items", json=body)).status == 400, body
    assert len(client.server.store.items(client.vault)) == 2


async def test_replacing_drops_what_is_omitted_keeps_files_and_moves_every_counter(client: Any, clock: Any) -> None:
    before = await client.get(f"/v1/vaults/{client.vault}")
    clock.advance(5)
    body = {"id": client.item, "title": "billing db", "category": "LOGIN", "vault": {"id": client.vault}, "version": 40}
    reply = await client.ask("PUT", client.item_path, json=body)
    after = await client.get(f"/v1/vaults/{client.vault}")
    assert (reply.status, reply.json["version"], reply.json["fields"], reply.json["updatedAt"]) == (200, 2, [], "2025-06-15T15:06:45Z")
    assert "tags" not in reply.json
    assert [file["name"] for file in reply.json["files"]] == ["ca.pem"]
    assert reply.json["lastEditedBy"].isupper()
    assert after["contentVersion"] == before["contentVersion"] + 1
    assert (after["updatedAt"], after["items"]) == ("2025-06-15T15:06:45Z", 2)


async def test_two_password_purposes_are_refused_as_too_many(client: Any) -> None:
    fields = [{"purpose": "PASSWORD", "value": "a"}, {"id": "other", "purpose": "PASSWORD", "value": "b"}]
    body = {"title": "new", "category": "LOGIN", "vault": {"id": client.vault}, "fields": fields}
    assert "too many" in (await client.ask("POST", f"/v1/vaults/{client.vault}/items", json=body)).json["message"]


async def test_a_list_read_before_a_change_is_not_served_after_it(client: Any) -> None:
    path = f"/v1/vaults/{client.vault}/items"
    before = await client.get(path)
    await client.ask("PATCH", client.item_path, json=[{"op": "replace", "path": "/title", "value": "renamed"}])
    after = await client.get(path)
    assert [item["title"] for item in before] == ["billing db", 'Billing "DB"']
    assert [item["title"] for item in after] == ["renamed", 'Billing "DB"']


async def test_a_replacement_must_name_the_item_and_vault_of_the_path(client: Any) -> None:
    good = {"id": client.item, "title": "x", "category": "LOGIN", "vault": {"id": client.vault}}
    for body in ({**good, "id": "b" * 26}, {**good, "vault": {"id": "b" * 26}}, {**good, "vault": None}):
        assert (await client.ask("PUT", client.item_path, json=body)).status == 400


async def test_a_patch_stores_one_revision_and_an_empty_one_none(client: Any) -> None:
    changed = await client.ask("PATCH", client.item_path, json=[{"op": "replace", "path": "/fields/password/value", "value": "fake-2"}])
    same = await client.ask("PATCH", client.item_path, json=[])
    assert (changed.json["version"], same.json["version"], same.status) == (2, 2, 200)


async def test_deleting_answers_204_without_a_body_and_lowers_the_count(client: Any) -> None:
    reply = await client.ask("DELETE", client.item_path)
    assert (reply.status, reply.raw) == (204, b"")
    assert (await client.ask("GET", client.item_path)).status == 404
    assert (await client.get(f"/v1/vaults/{client.vault}"))["items"] == 1


async def test_a_write_only_token_may_write_but_learns_no_value(client: Any) -> None:
    token = client.server.mint(vaults={"Prod apps": "w"})
    reply = await client.ask("PATCH", client.item_path, token=token, json=[{"op": "add", "path": "/tags", "value": "z"}])
    assert reply.status == 200
    assert "fields" not in reply.json
    assert (await client.ask("GET", client.item_path, token=token)).status == 403


async def test_a_file_is_listed_described_inlined_and_downloaded(client: Any) -> None:
    (listed,) = await client.get(f"{client.item_path}/files")
    one = await client.get(f"{client.item_path}/files/{listed['id']}?inline_files=true")
    content = await client.ask("GET", listed["content_path"])
    assert (listed["size"], "content" in listed) == (16, False)
    assert base64.b64decode(one["content"]) == content.raw == b"fake certificate"
    assert content.headers["Content-Type"] == "application/octet-stream"
    assert content.headers["Content-Disposition"] == 'attachment; filename="ca.pem"'


async def test_a_file_too_large_to_inline_is_413_naming_the_content_endpoint(client: Any) -> None:
    big = {"name": "größe.bin", "content": "x" * (routes.INLINE_LIMIT_BYTES + 1)}
    item = client.server.editor.create_item("Prod apps", {"title": "big", "files": [big]})
    path = f"/v1/vaults/{client.vault}/items/{item.id}/files"
    reply = await client.ask("GET", f"{path}?inline_files=true")
    assert reply.status == 413
    assert f"{item.files[0].id}/content" in reply.json["message"]
    content = await client.ask("GET", f"{path}/{item.files[0].id}/content")
    assert "filename*=UTF-8''gr%C3%B6%C3%9Fe.bin" in content.headers["Content-Disposition"]


async def test_an_archived_item_leaves_the_list_and_the_count_but_can_be_read(client: Any) -> None:
    client.server.editor.edit_item("Prod apps", "billing db", edit={"state": "ARCHIVED"})
    listed = await client.get(f"/v1/vaults/{client.vault}/items")
    assert client.item not in {item["id"] for item in listed}
    assert (await client.get(f"/v1/vaults/{client.vault}"))["items"] == 1
    assert (await client.get(client.item_path))["state"] == "ARCHIVED"


async def test_the_one_time_password_follows_the_clock(client: Any, clock: Any) -> None:
    field = {"label": "code", "type": "TOTP", "value": "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8"}
    item = client.server.editor.create_item("Prod apps", {"title": "otp", "fields": [field]})
    clock.now = 59.0
    (shown,) = (await client.get(f"/v1/vaults/{client.vault}/items/{item.id}"))["fields"]
    assert (shown["type"], shown["totp"]) == ("OTP", "94287082")
