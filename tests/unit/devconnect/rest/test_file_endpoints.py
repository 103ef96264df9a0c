"""Attached files: listed, inlined, downloaded."""

import base64
from typing import Any

import pytest

from onepassword_operator.devconnect.rest.file_endpoints import disposition


async def test_a_file_is_listed_described_inlined_and_downloaded(client: Any) -> None:
    (listed,) = await client.get(f"{client.item_path}/files")
    one = await client.get(f"{client.item_path}/files/{listed['id']}?inline_files=true")
    content = await client.ask("GET", listed["content_path"])
    assert (listed["size"], "content" in listed) == (16, False)
    assert base64.b64decode(one["content"]) == content.raw == b"fake certificate"
    assert content.headers["Content-Type"] == "application/octet-stream"
    assert content.headers["Content-Disposition"] == 'attachment; filename="ca.pem"'


async def test_a_file_too_large_to_inline_is_413_naming_the_content_endpoint_and_the_limit_can_be_set(client: Any) -> None:
    (file,) = await client.get(f"{client.item_path}/files")
    client.server.behaviour.update({"inline_limit_bytes": file["size"]})
    await client.get(f"{client.item_path}/files?inline_files=true")
    client.server.behaviour.update({"inline_limit_bytes": file["size"] - 1})
    reply = await client.ask("GET", f"{client.item_path}/files?inline_files=true")
    assert (reply.status, f"{file['id']}/content" in reply.json["message"]) == (413, True)


async def test_a_file_of_another_item_is_not_found(client: Any) -> None:
    other = client.server.editor.create_item("Prod apps", {"title": "other", "files": [{"name": "x", "content": "y"}]})
    reply = await client.ask("GET", f"{client.item_path}/files/{other.files[0].id}")
    assert (reply.status, reply.json["message"]) == (404, f"file {other.files[0].id} not found")


async def test_one_file_may_belong_to_two_items(client: Any) -> None:
    shared = {"id": "f" * 26, "name": "shared.txt", "content": "fake"}
    for title in ("one", "two"):
        item = client.server.editor.create_item("Prod apps", {"title": title, "files": [shared]})
        content = await client.ask("GET", f"{client.items}/{item.id}/files/{'f' * 26}/content")
        assert content.raw == b"fake"


async def test_a_file_tells_its_section(client: Any) -> None:
    client.server.editor.create_item("Prod apps", {"title": "s", "files": [{"name": "x", "content": "", "section": "add more"}]})
    found = client.server.editor.find_item("Prod apps", "s")
    shown = await client.get(f"{client.items}/{found.id}")
    assert shown["files"][0]["section"] == {"id": "add more"}
    assert (shown["files"][0]["size"], shown["files"][0]["content_path"][:4]) == (0, "/v1/")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ca.pem", 'attachment; filename="ca.pem"'),
        ('a"b\\c', "attachment; filename=\"a_b_c\"; filename*=UTF-8''a%22b%5Cc"),
        ("x\r\nSet-Cookie: y", "attachment; filename=\"x__Set-Cookie: y\"; filename*=UTF-8''x%0D%0ASet-Cookie%3A%20y"),
        ("größe", "attachment; filename=\"gr__e\"; filename*=UTF-8''gr%C3%B6%C3%9Fe"),
    ],
)
def test_a_download_is_named_without_breaking_the_header(name: str, expected: str) -> None:
    assert disposition(name) == expected
