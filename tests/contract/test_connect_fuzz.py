"""Whatever is sent, the embedded server answers like a server: no failure of its own, no traceback, no value in a refusal."""

import base64
import functools
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.fuzzed_server import JSON, LIST_VAULTS, TEXT, Reply, ThreadedServer, mutated

MANY = settings(max_examples=300, deadline=None)
MORE = settings(max_examples=1500, deadline=None)


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedServer]:
    with ThreadedServer.running() as running:
        yield running


def item(server: ThreadedServer) -> dict[str, Any]:
    """A body with everything in it."""
    fields = [
        {"purpose": "USERNAME", "value": "u"},
        {"purpose": "PASSWORD", "generate": True, "recipe": {"length": 9, "characterSets": ["DIGITS"], "excludeCharacters": "1"}},
        {"id": "f", "label": "due", "type": "DATE", "value": "2025-01-31", "section": {"id": "s", "label": "t"}},
        {"label": "until", "type": "MONTH_YEAR", "value": "202501"},
        {"label": "code", "type": "OTP", "value": "otpauth://totp/x?secret=JBSWY3DP&period=30"},
        {"label": "private key", "type": "SSHKEY", "generate": True},
    ]
    least = {"id": server.item, "vault": {"id": server.vault}, "title": "x", "category": "LOGIN", "fields": fields}
    urls, sections = [{"href": "h", "label": "l", "primary": True}], [{"id": "s", "label": "t"}]
    return {**least, "tags": ["a"], "favorite": False, "urls": urls, "sections": sections, "state": None}


def check(reply: Reply) -> Reply:
    """What holds of every answer."""
    assert reply.status < 500, reply
    assert b"Traceback" not in reply.body
    if reply.status >= 400 and reply.body.startswith(b"{"):
        assert reply.json()["status"] == reply.status
        assert b"canary" not in reply.body
    return reply


@MORE
@given(st.data())
def test_mutated_items(server: ThreadedServer, data: st.DataObject) -> None:
    body = json.dumps(data.draw(mutated(item(server)))).encode()
    created = check(server.ask("POST", server.items, body))
    replaced = check(server.ask("PUT", server.item_path, body))
    for reply in (created, replaced):
        if reply.status == 200:
            shown = check(server.ask("GET", f"{server.items}/{reply.json()['id']}"))
            assert without_codes(shown) == without_codes(reply)
    if created.status == 200:
        assert server.ask("DELETE", f"{server.items}/{created.json()['id']}").status == 204


def without_codes(reply: Reply) -> Any:
    """An item but for its one-time passwords, which pass."""
    item = reply.json()
    fields = [{name: value for name, value in field.items() if name != "totp"} for field in item.pop("fields", [])]
    return item, fields


@MORE
@given(st.data())
def test_mutated_patches(server: ThreadedServer, data: st.DataObject) -> None:
    operations: list[dict[str, Any]] = [
        {"op": "replace", "path": "/", "value": item(server)},
        {"op": "replace", "path": "/fields/password/value", "value": "canary"},
        {"op": "replace", "path": "/fields/f", "value": item(server)["fields"][2]},
        {"op": "remove", "path": "/fields/f/value"},
        {"op": "add", "path": "/fields", "value": {"label": "new", "section": {"label": "t"}}},
        {"op": "add", "path": "/tags", "value": "t"},
        {"op": "remove", "path": "/tags"},
        {"op": "add", "path": "/tags/0", "value": "t"},
        {"op": "replace", "path": "/sections", "value": []},
    ]
    chosen = data.draw(st.lists(st.sampled_from(operations), min_size=1, max_size=4))
    body = json.dumps(data.draw(st.just(chosen) | mutated(chosen))).encode()
    check(server.ask("PATCH", server.item_path, body))


@MANY
@given(st.binary(max_size=200))
def test_bodies_that_are_no_json(server: ThreadedServer, body: bytes) -> None:
    for method in ("PUT", "PATCH"):
        check(server.ask(method, server.item_path, body))


@pytest.mark.parametrize("depth", [100, 900, 5000])
@pytest.mark.parametrize("kind", ["list", "object"])
def test_deep_bodies(server: ThreadedServer, depth: int, kind: str) -> None:
    text = "[" * depth + "]" * depth if kind == "list" else '{"a":' * depth + "1" + "}" * depth
    bodies = [text, f'{{"id": "{server.item}", "vault": {{"id": "{server.vault}"}}, "category": "LOGIN", "title": {text}}}']
    places = ("/tags", "/fields", "/title", "/fields/password/value", "/")
    for body in bodies + [f'[{{"op": "add", "path": "{place}", "value": {text}}}]' for place in places]:
        assert check(server.ask("PATCH", server.item_path, body.encode())).status in {200, 400}
        assert check(server.ask("PUT", server.item_path, body.encode())).status == 400


FILTER_PARTS = st.sampled_from(
    ["title", "name", "tag", "id", "eq", "ne", "co", "sw", "pr", "and", "or", "not", "(", ")", '"x"', '"', "\\", '"\\u00e9"']
)


@MANY
@given(st.lists(FILTER_PARTS | TEXT, max_size=8).map(" ".join))
def test_filters(server: ThreadedServer, text: str) -> None:
    for path in (LIST_VAULTS, server.items):
        assert check(server.ask("GET", f"{path}?filter={quote(text)}")).status in {200, 400}


@MANY
@given(st.text(st.sampled_from("%&=+#;?/abc\"'0123456789ABCDEF"), max_size=40))
def test_queries(server: ThreadedServer, text: str) -> None:
    for path in (LIST_VAULTS, "/v1/activity", f"{server.item_path}/files"):
        check(server.ask("GET", f"{path}?filter={text}&limit={text}&offset={text}&inline_files={text}"))


def segments(server: ThreadedServer) -> st.SearchStrategy[str]:
    names = ["v1", "vaults", "items", "files", "content", "activity", "api", "v2", "auth", "introspect", "itemusages", "health", "metrics"]
    odd = ["", ".", "..", "%2e%2e", "%2F", "%00", "%ff", "%"]
    return st.sampled_from([*names, *odd, server.vault, server.item, server.file]) | TEXT.map(lambda text: quote(text, safe=""))


@MANY
@given(st.data())
def test_paths(server: ThreadedServer, data: st.DataObject) -> None:
    path = "/" + "/".join(data.draw(st.lists(segments(server), max_size=9)))
    method = data.draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW"]))
    # Real deletions would leave the other tests without their item.
    if method != "DELETE" or server.item not in path:
        check(server.ask(method, path, b"{}" if method in {"POST", "PUT", "PATCH"} else None))


@MANY
@given(st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60))
def test_authorization_headers(server: ThreadedServer, text: str) -> None:
    token = server.server.token
    for value in (text, f"Bearer {text}", token, f"Bearer {token[:-1]}{text if text != token[-1] else ''}"):
        reply = check(server.ask("GET", LIST_VAULTS, Authorization=value))
        assert reply.status in {400, 401}


@MANY
@given(st.binary(max_size=120))
def test_raw_bytes(server: ThreadedServer, raw: bytes) -> None:
    for request in (raw + b"\r\n\r\n", b"GET " + raw + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /v1/vaults HTTP/1.1\r\n" + raw + b"\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", urlsplit(server.server.url).port or 0), timeout=30) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert not answer.startswith(b"HTTP/1.1 5"), answer[:300]
        assert b"Traceback" not in answer


def event_requests(server: ThreadedServer) -> st.SearchStrategy[Any]:
    """Right requests, wrong ones, and cursors that somebody made up."""
    members = {"feature": "itemusages", "run": server.server.feed.run, "position": 0, "limit": 1, "start": None, "end": None}
    made_up = mutated(members).map(lambda given: base64.urlsafe_b64encode(json.dumps(given).encode()).decode())
    right = {"cursor": "", "limit": 5, "start_time": "2025-06-15T15:06:40Z", "end_time": "2025-06-15T15:06:40.5+02:00"}
    return mutated(right) | made_up.map(lambda cursor: {"cursor": cursor})


@MORE
@given(st.data())
def test_requests_for_events(server: ThreadedServer, data: st.DataObject) -> None:
    server.server.behaviour.update({"events_per_minute": 10**9, "events_per_hour": 10**9})
    body = json.dumps(data.draw(event_requests(server))).encode()
    reply = check(server.ask("POST", "/api/v2/itemusages", body, Authorization=f"Bearer {event_token(server)}"))
    assert reply.status in {200, 400}


@functools.cache
def event_token(server: ThreadedServer) -> str:
    return server.server.mint_for_events()


ADMIN_PATHS = ["/faults", "/lag", "/sync", "/health", "/behaviour", "/tokens", "/tokens/revoke", "/vaults", "/vaults/v", "/vaults/v/items"]


@MANY
@given(
    st.sampled_from(["PUT", "POST", "PATCH"]),
    st.sampled_from([*ADMIN_PATHS, "/vaults/v/items/x"]),
    st.one_of(
        JSON,
        mutated([{"action": "status", "status": 500, "times": 1, "route": "none", "for_seconds": 0}]),
        mutated({"title": "x", "fields": {"k": "v"}, "files": [{"name": "n", "content": "c"}], "remove_fields": ["k"], "tags": ["t"]}),
        mutated({"vaults": {"v": "r"}, "expires_in_seconds": 5}),
        mutated({"features": ["auditevents", "itemusages"], "expires_in_seconds": 5}),
        mutated({"get_seconds": 1, "for_seconds": 1}),
    ),
)
def test_the_admin_port(server: ThreadedServer, method: str, path: str, body: Any) -> None:
    try:
        check(server.admin(method, path, json.dumps(body).encode()))
    finally:
        restore(server)


def restore(server: ThreadedServer) -> None:
    """Undo what a body that was accepted set."""
    server.admin("DELETE", "/faults")
    server.admin("PUT", "/lag", b"{}")
    server.admin("PUT", "/sync", b"{}")
    for vault in json.loads(server.admin("GET", "/vaults").body):
        if vault["id"] != server.vault:
            server.admin("DELETE", f"/vaults/{vault['id']}")
    if server.server.editor.find_vault(server.vault).name != "v":
        server.admin("PATCH", f"/vaults/{server.vault}", b'{"name": "v"}')
    for one in server.server.store.items(server.vault):
        if one.id == server.item and one.content.title != "x":
            server.admin("POST", f"/vaults/v/items/{one.id}", b'{"title": "x"}')
        elif one.id != server.item:
            server.admin("DELETE", f"/vaults/v/items/{one.id}")


def test_the_checks_would_notice(server: ThreadedServer) -> None:
    """A failure on purpose is seen as one."""
    server.admin("PUT", "/faults", b'[{"action": "status", "status": 500, "message": "Traceback", "times": 1}]')
    with pytest.raises(AssertionError):
        check(server.ask("GET", LIST_VAULTS))
