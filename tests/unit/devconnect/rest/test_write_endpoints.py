"""Writing items: which bodies are refused, and what a write moves."""

import asyncio
from typing import Any


async def test_a_created_item_gets_id_and_version_1_with_status_200_whatever_the_body_says_of_them(client: Any) -> None:
    body = {"title": "new", "category": "LOGIN", "vault": {"id": client.vault}, "fields": [{"label": "k", "value": "v"}]}
    reply = await client.ask("POST", f"{client.items}/", json=body)
    assert (reply.status, reply.json["version"], len(reply.json["id"])) == (200, 1, 26)
    assert await client.get(f"{client.items}/{reply.json['id']}") == reply.json
    created = (await client.create(id="z" * 26, version=9, state="ARCHIVED", createdAt="1999-01-01T00:00:00Z")).json
    assert created["id"] != "z" * 26
    assert (created["version"], created["createdAt"], created.get("state")) == (1, "2025-06-15T15:06:40Z", None)


async def test_bodies_connect_refuses_are_400_and_store_nothing(client: Any) -> None:
    two = [{"purpose": "PASSWORD", "value": "a"}, {"purpose": "PASSWORD", "value": "b"}]
    bad: list[dict[str, Any]] = [{"category": category} for category in (None, "CUSTOM", "DOCUMENT", "PASSWORD")] + [
        {"vault": {}},
        {"vault": {"id": "b" * 26}},
    ]
    for body in (*bad, {"fields": two}, {"fields": [{"type": "MONTH_YEAR", "value": "13/2025"}]}, {"tags": "k8s"}):
        assert (await client.create(**body)).status == 400, body
    assert (await client.ask("POST", client.items, json=[])).status == 400
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


async def test_a_replacement_must_name_the_item_and_vault_of_the_path(client: Any) -> None:
    good = {"id": client.item, "title": "x", "category": "LOGIN", "vault": {"id": client.vault}}
    for body in ({**good, "id": "b" * 26}, {**good, "vault": {"id": "b" * 26}}, {**good, "vault": None}):
        assert (await client.ask("PUT", client.item_path, json=body)).status == 400


async def test_a_patch_stores_one_revision_and_an_empty_one_none_and_may_call_itself_json_patch(client: Any) -> None:
    changed = await client.ask("PATCH", client.item_path, json=[{"op": "replace", "path": "/fields/password/value", "value": "fake-2"}])
    same = await client.ask("PATCH", client.item_path, json=[])
    assert (changed.json["version"], same.json["version"], same.status) == (2, 2, 200)
    body, named = b'[{"op": "add", "path": "/tags", "value": "z"}]', {"Content-Type": "application/json-patch+json"}
    reply = await client.ask("PATCH", client.item_path, data=body, headers=named)
    assert (reply.status, reply.json["tags"]) == (200, ["k8s", "team-a", "z"])


async def test_deleting_answers_204_without_a_body_lowers_the_count_and_moves_the_content_version(client: Any) -> None:
    before = await client.get(f"/v1/vaults/{client.vault}")
    reply = await client.ask("DELETE", client.item_path)
    assert (reply.status, reply.raw) == (204, b"")
    assert (await client.ask("GET", client.item_path)).status == 404
    after = await client.get(f"/v1/vaults/{client.vault}")
    assert (after["items"], after["contentVersion"]) == (1, before["contentVersion"] + 1)
    assert (await client.create(title="billing db")).json["id"] != client.item, "another item"


async def test_while_reads_lag_the_reply_to_a_write_carries_the_version_readers_see(client: Any, clock: Any) -> None:
    await client.admin("PUT", "/lag", json={"get_seconds": 30, "list_seconds": 30})
    reply = await client.retitle("later")
    assert (reply.json["title"], reply.json["version"]) == ("later", 1)
    assert (await client.get(client.item_path))["title"] == "billing db"
    created = (await client.create()).json
    assert (created["version"], await client.statuses(f"{client.items}/{created['id']}")) == (1, [404])
    clock.advance(30)
    assert (await client.get(client.item_path))["version"] == 2


async def test_a_private_key_that_is_written_back_becomes_a_string_unless_told_otherwise(client: Any) -> None:
    shape = {"title": "key", "category": "SSH_KEY", "fields": [{"label": "private key", "type": "SSHKEY", "generate": True}]}
    item = client.server.editor.create_item("Prod apps", shape)
    path = f"{client.items}/{item.id}"
    for choice, kind in (("kept", "SSHKEY"), ("string", "STRING")):
        client.server.behaviour.update({"sshkey_written_back": choice})
        written = (await client.ask("PUT", path, json=await client.get(path))).json
        assert written["fields"][0]["type"] == kind


async def test_a_date_written_through_the_api_is_midnight_or_noon(client: Any) -> None:
    field = {"label": "due", "type": "DATE", "value": "2025-06-15"}
    for choice, value in (("midnight", "1749945600"), ("noon", "1749988860")):
        client.server.behaviour.update({"api_dates": choice})
        assert (await client.create(fields=[field])).json["fields"][0]["value"] == value


async def test_a_creation_may_tell_nanoseconds(client: Any, clock: Any) -> None:
    clock.advance(0.25)
    client.server.behaviour.update({"create_times": "nanoseconds"})
    assert (await client.create()).json["createdAt"] == "2025-06-15T15:06:40.250000000Z"


async def test_a_write_only_token_may_write_but_learns_no_value_or_is_refused_before_anything_is_stored(client: Any) -> None:
    token = client.server.mint(vaults={"Prod apps": "w"})
    fields = [{"label": "k", "value": "fake-v"}]
    body: Any = {"id": client.item, "title": "x", "category": "LOGIN", "vault": {"id": client.vault}, "fields": fields}
    patch = [{"op": "add", "path": "/tags", "value": "z"}]
    for method, path, sent in (("POST", client.items, body), ("PUT", client.item_path, body), ("PATCH", client.item_path, patch)):
        reply = await client.ask(method, path, token=token, json=sent)
        assert (reply.status, "fields" in reply.json, b"fake" in reply.raw) == (200, False, False)
    for path in (client.item_path, client.items, f"{client.item_path}/files"):
        assert (await client.ask("GET", path, token=token)).status == 403
    client.server.behaviour.update({"write_only_reply": "refused"})
    before = (await client.get(client.item_path))["version"]
    assert (await client.ask("PATCH", client.item_path, token=token, json=patch)).status == 403
    assert (await client.get(client.item_path))["version"] == before


async def test_renaming_a_vault_moves_its_attribute_version_and_not_its_content_version(client: Any) -> None:
    before = await client.get(f"/v1/vaults/{client.vault}")
    client.server.editor.rename_vault("Prod apps", "Production")
    after = await client.get(f"/v1/vaults/{client.vault}")
    assert (after["attributeVersion"], after["contentVersion"]) == (before["attributeVersion"] + 1, before["contentVersion"])


async def test_writes_at_the_same_time_are_stored_one_after_the_other(client: Any) -> None:
    body = [{"op": "add", "path": "/tags", "value": "z"}]
    replies = await asyncio.gather(*(client.ask("PATCH", client.item_path, json=body) for _ in range(20)))
    assert sorted(reply.json["version"] for reply in replies) == list(range(2, 22))


async def test_an_archived_item_stays_archived_whatever_is_written(client: Any) -> None:
    client.server.editor.edit_item("Prod apps", "billing db", edit={"state": "ARCHIVED"})
    body = {"id": client.item, "title": "x", "category": "LOGIN", "vault": {"id": client.vault}}
    patches = [{"op": "replace", "path": "/", "value": body}], [{"op": "replace", "path": "/title", "value": "y"}]
    replies = [await client.ask("PATCH", client.item_path, json=patch) for patch in patches]
    replies.append(await client.ask("PUT", client.item_path, json=body))
    assert [(reply.status, reply.json["state"]) for reply in replies] == [(200, "ARCHIVED")] * 3
