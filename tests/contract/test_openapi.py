"""docs/connect-openapi.yaml and the embedded server say the same: its routes, and every reply that it names.

The other direction, that no reply of the server is missing from it, is held by tests/unit/devconnect/conftest.py for every reply there.
"""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import openapi_spec_validator
import pytest

from contract import openapi_document
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.events.records import FEATURES
from onepassword_operator.devconnect.items.field_input import FIELD_TYPES
from onepassword_operator.devconnect.items.item_input import CATEGORIES, NOT_CREATABLE, STATES
from onepassword_operator.devconnect.items.records import VAULT_TYPES
from onepassword_operator.devconnect.rest import routes
from onepassword_operator.devconnect.runtime import DevConnect
from onepassword_operator.devconnect.store.seed import Seed

SEED = """
vaults:
  - name: v
    items:
      - title: x
        tags: [a]
        fields: {username: fake, password: fake}
        files: [{name: f, content: fake}]
  - name: other
"""
SCHEMAS = openapi_document.CONTENT["components"]["schemas"]
OPERATIONS = {operation["operationId"]: (method, path) for method, path, operation in openapi_document.operations()}
RESPONSES = [
    (operation["operationId"], int(status)) for _, _, operation in openapi_document.operations() for status in operation["responses"]
]


def test_it_is_an_openapi_document() -> None:
    openapi_spec_validator.validate(openapi_document.CONTENT)


def test_it_is_about_the_version_that_is_imitated() -> None:
    assert openapi_document.CONTENT["info"]["version"] == Behaviour().version


def test_it_has_every_route_of_the_server_and_no_other() -> None:
    assert set(openapi_document.BY_ROUTE) == routes.ROUTES


def test_its_words_are_those_of_the_server() -> None:
    assert set(SCHEMAS["Category"]["enum"]) == CATEGORIES
    assert set(SCHEMAS["NewItem"]["properties"]["category"]["enum"]) == CATEGORIES - NOT_CREATABLE
    assert set(SCHEMAS["Field"]["properties"]["type"]["enum"]) == FIELD_TYPES
    assert set(SCHEMAS["FieldBody"]["properties"]["type"]["enum"]) == FIELD_TYPES | {"TOTP", "SSH_KEY", "", None}
    assert set(SCHEMAS["AnyItem"]["properties"]["state"]["enum"]) == STATES
    assert set(SCHEMAS["Vault"]["properties"]["type"]["enum"]) == set(VAULT_TYPES)
    assert set(SCHEMAS["Introspection"]["properties"]["features"]["items"]["enum"]) == set(FEATURES)


def test_every_schema_is_used() -> None:
    text = openapi_document.PAGE.read_text()
    assert not [name for name in SCHEMAS if f"'#/components/schemas/{name}'" not in text]


class Scene:
    """A server, and the request for each operation."""

    def __init__(self, server: DevConnect, session: aiohttp.ClientSession) -> None:
        self.server = server
        self._session = session
        item = server.editor.find_item("v", "x")
        self._ids = {"vaultUuid": item.vault_id, "itemUuid": item.id, "fileUuid": item.files[0].id}
        whole = {"id": item.id, "vault": {"id": item.vault_id}, "category": "LOGIN"}
        patch = [{"op": "add", "path": "/tags", "value": "b"}]
        self._bodies: dict[str, Any] = {"createItem": whole, "replaceItem": whole, "patchItem": patch}

    async def ask(
        self, operation: str, token: str | None = "", query: dict[str, str] | None = None, body: object = None, **ids: str
    ) -> int:
        """The status of the reply, which is held to the document, to a request that succeeds unless something about it is changed."""
        method, path = OPERATIONS[operation]
        path = path.format(**{**self._ids, **ids})
        if token == "":
            token = self.server.mint_for_events() if path.startswith("/api") else self.server.token
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        sent = self._bodies.get(operation) if body is None else body
        async with self._session.request(method, self.server.url + path, headers=headers, params=query, json=sent) as reply:
            raw = await reply.read()
        openapi_document.check(method, path, status=reply.status, headers=reply.headers, body=raw)
        return reply.status


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    server = await DevConnect.start(Seed.parse(SEED))
    async with aiohttp.ClientSession() as session:
        yield Scene(server, session)
    await server.stop()


async def provoke(scene: Scene, operation: str, status: int) -> dict[str, Any]:
    """Bring about what leads to the status; return the difference that the request takes."""
    server, path = scene.server, OPERATIONS[operation][1]
    last = [part for part in path.split("/") if part.startswith("{")][-1:]
    cursor = {"body": {"cursor": "x"}} if path.startswith("/api") else {"query": {"filter": "'", "limit": "0"}, "vaultUuid": "A"}
    differences: dict[int, dict[str, Any]] = {
        400: cursor,
        401: {"token": None},
        403: {"token": server.mint(vaults={"other": "rw"})},
        404: {part.strip("{}"): "a" * 26 for part in last},
        413: {"query": {"inline_files": "true"}},
    }
    if status == 413:
        server.behaviour.update({"body_limit_bytes": 1, "inline_limit_bytes": 0})
    if status == 429:
        server.behaviour.update({"events_per_minute": 1})
        assert await scene.ask(operation) == 200
    if status in {408, 500}:
        server.upstream.restart(sync_seconds=None, timeout_seconds=0)
    if status in {409, 500}:
        await server.faults.replace([{"action": "conflict" if status == 409 else "offline"}])
    return differences.get(status, {})


@pytest.mark.parametrize(("operation", "status"), RESPONSES, ids=str)
async def test_every_reply_that_it_names_is_seen(scene: Scene, operation: str, status: int) -> None:
    assert await scene.ask(operation, **await provoke(scene, operation, status)) == status


@pytest.mark.parametrize("action", ["conflict", "offline", "unsynced-file"])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_what_goes_wrong_with_1password_is_named_too(scene: Scene, operation: str, action: str) -> None:
    await scene.server.faults.replace([{"action": action}])
    assert await scene.ask(operation)


async def test_a_page_of_every_kind_of_event_is_as_it_says(scene: Scene) -> None:
    editor = scene.server.editor
    editor.create_vault("new")
    editor.edit_item("v", "x", edit={"tags": ["t"]})
    scene.server.mint()
    for operation in ("getItem", "patchItem", "listFiles", "createItem", "deleteItem"):
        await scene.ask(operation)
    assert await scene.ask("listVaults", token="wrong") == 401
    for feature, log in scene.server.feed.logs.items():
        assert log.end > 1, feature
    for operation in ("listAuditEvents", "listItemUsages", "listSignInAttempts", "listActivity"):
        assert await scene.ask(operation) == 200


def test_a_reply_that_is_not_in_it_is_noticed() -> None:
    headers = {"1Password-Connect-Version": "1", "Content-Type": "application/json; charset=utf-8"}
    good = b'{"status": 401, "message": "x"}'
    openapi_document.check("GET", "/v1/vaults", status=401, headers=headers, body=good)
    for status, changed, body in (
        (404, headers, good),
        (401, {**headers, "Content-Type": "text/plain"}, good),
        (401, {"Content-Type": "application/json"}, good),
        (401, headers, b'{"status": "401", "message": "x"}'),
        (401, headers, b'{"status": 401, "message": "x", "value": "x"}'),
        (200, headers, b'[{"id": "x"}]'),
    ):
        with pytest.raises(AssertionError):
            openapi_document.check("GET", "/v1/vaults", status=status, headers=changed, body=body)
    with pytest.raises(AssertionError):
        openapi_document.check("GET", "/v1/categories", status=200, headers=headers, body=b"[]")
