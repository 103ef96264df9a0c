"""docs/connect-openapi.yaml and the embedded server say the same: its routes, and every reply that it names.

The other direction, that no reply of the server is missing from it, is held by tests/unit/devconnect/conftest.py for every reply there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
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


@dataclass(kw_only=True)
class Asked:
    """A request that is answered with success, until something about it is changed."""

    method: str
    path: str
    token: str | None
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)


class Scene:
    """A server, and the request for each operation."""

    def __init__(self, server: DevConnect, session: aiohttp.ClientSession) -> None:
        self.server = server
        self._session = session
        item = server.editor.find_item("v", "x")
        self._ids = {"vaultUuid": item.vault_id, "itemUuid": item.id, "fileUuid": item.files[0].id}
        whole = {"id": item.id, "vault": {"id": item.vault_id}, "category": "LOGIN"}
        self._bodies: dict[str, Any] = {
            "createItem": whole,
            "replaceItem": whole,
            "patchItem": [{"op": "add", "path": "/tags", "value": "b"}],
        }

    def asked(self, operation: str, **ids: str) -> Asked:
        method, path = OPERATIONS[operation]
        token = self.server.mint_for_events() if path.startswith("/api") else self.server.token
        body = self._bodies.get(operation)
        return Asked(method=method, path=path.format(**{**self._ids, **ids}), token=token, body=body)

    async def answer(self, asked: Asked) -> int:
        """The status of the reply, which is held to the document."""
        headers = {} if asked.token is None else {"Authorization": f"Bearer {asked.token}"}
        url = self.server.url + asked.path
        async with self._session.request(asked.method, url, headers=headers, params=asked.query, json=asked.body) as reply:
            body = await reply.read()
        openapi_document.check(asked.method, asked.path, status=reply.status, headers=reply.headers, body=body)
        return reply.status


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    server = await DevConnect.start(Seed.parse(SEED))
    async with aiohttp.ClientSession() as session:
        yield Scene(server, session)
    await server.stop()


async def provoke(scene: Scene, operation: str, status: int) -> Asked:
    """Bring about what leads to the status; return the request that meets it."""
    change = {400: unusable, 401: without_token, 403: elsewhere, 404: of_nothing, 413: too_large}.get(status)
    if change is not None:
        return change(scene, operation)
    if status == 429:
        scene.server.behaviour.update({"events_per_minute": 1})
        assert await scene.answer(scene.asked(operation)) == 200
    if status in {408, 500}:
        scene.server.upstream.restart(sync_seconds=None, timeout_seconds=0)
    if status in {409, 500}:
        await scene.server.faults.replace([{"action": "conflict" if status == 409 else "offline"}])
    return scene.asked(operation)


def without_token(scene: Scene, operation: str) -> Asked:
    """A request of nobody."""
    asked = scene.asked(operation)
    asked.token = None
    return asked


def elsewhere(scene: Scene, operation: str) -> Asked:
    """A request with a token for another vault."""
    asked = scene.asked(operation)
    asked.token = scene.server.mint(vaults={"other": "rw"})
    return asked


def of_nothing(scene: Scene, operation: str) -> Asked:
    """A request for something that does not exist."""
    path = OPERATIONS[operation][1]
    last = [part for part in path.split("/") if part.startswith("{")][-1]
    return scene.asked(operation, **{last.strip("{}"): "a" * 26})


def too_large(scene: Scene, operation: str) -> Asked:
    """A request of more than the server takes or gives."""
    scene.server.behaviour.update({"body_limit_bytes": 1, "inline_limit_bytes": 0})
    asked = scene.asked(operation)
    asked.query = {"inline_files": "true"}
    return asked


def unusable(scene: Scene, operation: str) -> Asked:
    """A request that nobody can read."""
    asked = scene.asked(operation, vaultUuid="A")
    asked.query = {"filter": "'", "limit": "0"}
    if asked.path.startswith("/api"):
        asked.body, asked.query = {"cursor": "x"}, {}
    return asked


@pytest.mark.parametrize(("operation", "status"), RESPONSES, ids=str)
async def test_every_reply_that_it_names_is_seen(scene: Scene, operation: str, status: int) -> None:
    assert await scene.answer(await provoke(scene, operation, status)) == status


@pytest.mark.parametrize("action", ["conflict", "offline", "unsynced-file"])
@pytest.mark.parametrize("operation", OPERATIONS)
async def test_what_goes_wrong_with_1password_is_named_too(scene: Scene, operation: str, action: str) -> None:
    await scene.server.faults.replace([{"action": action}])
    assert await scene.answer(scene.asked(operation))


async def test_a_page_of_every_kind_of_event_is_as_it_says(scene: Scene) -> None:
    editor = scene.server.editor
    editor.create_vault("new")
    editor.edit_item("v", "x", edit={"tags": ["t"]})
    scene.server.mint()
    for operation in ("getItem", "patchItem", "listFiles", "createItem", "deleteItem"):
        await scene.answer(scene.asked(operation))
    wrong = scene.asked("listVaults")
    wrong.token = "wrong"
    assert await scene.answer(wrong) == 401
    for feature, log in scene.server.feed.logs.items():
        assert log.end > 1, feature
    for operation in ("listAuditEvents", "listItemUsages", "listSignInAttempts", "listActivity"):
        assert await scene.answer(scene.asked(operation)) == 200


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
