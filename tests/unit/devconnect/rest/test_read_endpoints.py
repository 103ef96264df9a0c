"""Reading vaults and items: shapes of the Connect API."""

from typing import Any

from onepassword_operator.devconnect.auth.tokens import Access


async def test_vaults_are_a_bare_list_with_their_counters(client: Any) -> None:
    vaults = await client.get("/v1/vaults")
    assert [vault["name"] for vault in vaults] == ["Prod apps", "Staging"]
    assert (vaults[0]["items"], vaults[0]["createdAt"], vaults[0]["type"]) == (2, "2024-01-01T00:00:00Z", "USER_CREATED")


async def test_filters_select_and_a_plus_sign_is_a_space(client: Any) -> None:
    items = client.items
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


async def test_the_one_time_password_follows_the_clock(client: Any, clock: Any) -> None:
    field = {"label": "code", "type": "TOTP", "value": "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8"}
    item = client.server.editor.create_item("Prod apps", {"title": "otp", "fields": [field]})
    clock.now = 59.0
    (shown,) = (await client.get(f"{client.items}/{item.id}"))["fields"]
    assert (shown["type"], shown["totp"]) == ("OTP", "94287082")


async def test_filter_values_may_hold_quotes_backslashes_and_any_unicode(client: Any) -> None:
    titles = ['say "hi"', "back\\slash", "caf\u00e9", "cafe\u0301", "\U0001f511 key", "a+b&c#d%e", "x" * 26]
    for title in titles:
        client.server.editor.create_item("Prod apps", {"title": title})
    for title in titles:
        escaped = title.replace("\\", "\\\\").replace('"', '\\"')
        found = await client.get(client.items, params={"filter": f'title eq "{escaped}"'})
        assert [item["title"] for item in found] == [title]


async def test_optional_members_are_left_out_and_never_null(client: Any) -> None:
    assert {"urls", "tags"} <= set((await client.get(client.items))[0]), "this one has them"
    item = client.server.editor.create_item("Prod apps", {"title": "bare", "fields": {"notesPlain": ""}})
    shown = await client.get(f"{client.items}/{item.id}")
    assert not {"tags", "urls", "sections", "files", "state"} & set(shown)
    assert shown["fields"] == [{"id": "notesPlain", "type": "STRING", "purpose": "NOTES", "label": "notesPlain"}]
    assert b"null" not in (await client.ask("GET", "/v1/vaults")).raw


async def test_unknown_parameters_headers_and_content_types_of_requests_are_ignored(client: Any) -> None:
    headers = {"X-B3-TraceId": "1", "X-B3-SpanId": "2", "Content-Type": "application/json"}
    assert (await client.ask("GET", f"{client.item_path}?colour=red", headers=headers)).status == 200


async def test_a_token_with_the_read_bit_alone_lists_items_and_sees_no_value(client: Any) -> None:
    token = client.server.tokens.mint({client.vault: Access.READ_ITEMS})
    assert (await client.ask("GET", client.items, token=token)).status == 200
    for path in (client.item_path, f"{client.item_path}/files?inline_files=true"):
        assert (await client.ask("GET", path, token=token)).status == 403
