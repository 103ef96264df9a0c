"""What becomes an event."""

from typing import Any

import pytest

from onepassword_operator.devconnect import ids
from onepassword_operator.devconnect.events.log import Window
from onepassword_operator.devconnect.events.records import AUDIT_EVENTS, ITEM_USAGES, SIGN_IN_ATTEMPTS


def happened(client: Any, feature: str) -> list[Any]:
    feed = client.server.feed
    page = feed.logs[feature].page(0, limit=1000, window=Window())
    return [event.show(feed.uuid(feature, position)) for position, event in page.events]


async def test_reads_and_writes_over_the_api_are_uses_of_items_and_a_deletion_is_none(client: Any) -> None:
    created = (await client.create()).json
    path = f"{client.items}/{created['id']}"
    await client.ask("PUT", path, json=created)
    await client.retitle("x", path)
    await client.ask("GET", path)
    await client.ask("DELETE", path)
    used = [event for event in happened(client, ITEM_USAGES) if event["item_uuid"] == created["id"]]
    expected = [("server-create", 1), ("server-update", 2), ("server-update", 3), ("server-fetch", 3)]
    assert [(event["action"], event["used_version"]) for event in used] == expected
    changed = [event for event in happened(client, AUDIT_EVENTS) if event["object_uuid"] == created["id"]]
    assert [event["action"] for event in changed] == ["create", "update", "update", "delete"]
    by_whom = {("item", client.vault, ids.INTEGRATION_ID)}
    assert {(event["object_type"], event["aux_uuid"], event["actor_uuid"]) for event in changed} == by_whom


async def test_reading_files_is_a_use_of_their_item_and_lists_are_none(client: Any) -> None:
    for path in ("/v1/vaults", f"/v1/vaults/{client.vault}", client.items, "/v1/activity", "/health"):
        await client.ask("GET", path)
    assert happened(client, ITEM_USAGES) == []
    (file,) = await client.get(f"{client.item_path}/files")
    await client.ask("GET", file["content_path"])
    assert [event["item_uuid"] for event in happened(client, ITEM_USAGES)] == [client.item] * 2


@pytest.mark.parametrize(
    ("method", "body", "mode"),
    [("GET", None, ""), ("PATCH", [], "rw"), ("PATCH", [{"op": "move"}], "rw"), ("PUT", {}, "rw"), ("DELETE", None, "r")],
)
async def test_what_was_refused_or_changed_nothing_is_no_event(client: Any, method: str, body: Any, mode: str) -> None:
    before = happened(client, AUDIT_EVENTS)
    token = client.server.mint(vaults={client.vault: mode} if mode else {"Staging": "rw"})
    await client.ask(method, client.item_path, json=body, token=token)
    assert happened(client, ITEM_USAGES) == []
    assert len(happened(client, AUDIT_EVENTS)) == len(before) + 1, "that the token was made, and no more"


async def test_edits_in_the_app_are_a_persons(client: Any) -> None:
    editor = client.server.editor
    vault = editor.create_vault("New")
    editor.rename_vault("New", "Newer")
    item = editor.create_item("Newer", {"title": "x"})
    editor.edit_item("Newer", "x", edit={"tags": ["t"]})
    editor.delete_item("Newer", "x")
    editor.delete_vault("Newer")
    audited = [(event["object_type"], event["object_uuid"], event["action"]) for event in happened(client, AUDIT_EVENTS)]
    of_item = [("item", item.id, action) for action in ("create", "update", "delete")]
    assert audited == [("vault", vault.id, "create"), ("vault", vault.id, "update"), *of_item, ("vault", vault.id, "delete")]
    used = [(event["action"], event["user"]["user_type"]) for event in happened(client, ITEM_USAGES)]
    assert used == [("server-create", "user"), ("server-update", "user")]


async def test_tokens_that_are_made_revoked_and_restored_are_audited(client: Any) -> None:
    minted = (await client.admin("POST", "/tokens", json={})).json
    await client.admin("POST", "/tokens/revoke", json={"token": minted["token"]})
    await client.admin("POST", "/tokens/restore", json={"token": minted["token"]})
    await client.admin("DELETE", f"/tokens/{minted['id']}")
    audited = happened(client, AUDIT_EVENTS)
    assert [event["action"] for event in audited] == ["create", "revoke", "restore", "revoke"]
    assert {(event["object_type"], event["object_uuid"]) for event in audited} == {("token", minted["id"])}
    assert minted["token"] not in str(audited)


async def test_a_client_signs_in_once_with_a_token_and_fails_as_often_as_it_tries(client: Any) -> None:
    for agent in ("a/1", "a/1", "b/1"):
        await client.ask("GET", "/v1/vaults", headers={"User-Agent": agent})
    for token in ("wrong", "wrong", None):
        await client.ask("GET", "/v1/vaults", token=token)
    tried = happened(client, SIGN_IN_ATTEMPTS)
    assert [(event["category"], event["client"]["app_name"]) for event in tried[:2]] == [("success", "a"), ("success", "b")]
    assert [(event["category"], event["type"]) for event in tried[1:]] == [
        ("success", "credentials_ok"),
        *[("credentials_failed", "password_secret_bad")] * 2,
    ]
    assert len({event["session_uuid"] for event in tried}) == 3
    assert len({event["uuid"] for event in tried}) == 4


async def test_no_event_holds_a_value(client: Any) -> None:
    path = client.item_path
    await client.ask("GET", path)
    await client.ask("PATCH", path, json=[{"op": "replace", "path": "/fields/password/value", "value": "canary"}])
    everything = str([happened(client, feature) for feature in client.server.feed.logs])
    assert client.item in everything
    assert not [value for value in ("canary", "fake-password", "svc", client.server.token) if value in everything]
