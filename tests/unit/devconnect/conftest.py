"""A running server with a clock the test owns, and a plain HTTP client of it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from contract import openapi_document
from fakes.clock import FakeClock
from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.seed import Seed

SEED = """
vaults:
  - name: Prod apps
    description: what production reads
    items:
      - title: billing db
        tags: [team-a, k8s]
        urls: [https://db.example]
        fields: {username: svc, password: fake-password, notesPlain: "", host: db.example}
        files: [{name: ca.pem, content: fake certificate}]
      - title: Billing "DB"
        category: API_CREDENTIAL
        fields: {credential: fake-token}
  - name: Staging
    items:
      - {title: billing db, fields: {username: svc}}
"""


@dataclass(kw_only=True)
class Reply:
    status: int
    headers: Any
    raw: bytes
    json: Any = None


@dataclass(kw_only=True)
class Client:
    """Asks the server over HTTP."""

    session: aiohttp.ClientSession
    server: DevConnect
    vault: str = field(init=False)
    item: str = field(init=False)

    def __post_init__(self) -> None:
        found = self.server.editor.find_item("Prod apps", "billing db")
        self.vault, self.item = found.vault_id, found.id

    @property
    def items(self) -> str:
        return f"/v1/vaults/{self.vault}/items"

    @property
    def item_path(self) -> str:
        return f"{self.items}/{self.item}"

    async def ask(self, method: str, path: str, *, token: str | None = "", **options: Any) -> Reply:
        bearer = self.server.token if token == "" else token
        headers = options.pop("headers", {}) | ({} if bearer is None else {"Authorization": f"Bearer {bearer}"})
        reply = await self._send(method, self.server.url + path, headers, options)
        self._check(method, path, reply)
        return reply

    def _check(self, method: str, path: str, reply: Reply) -> None:
        """Hold the reply to docs/connect-openapi.yaml, unless the server was told to lie."""
        behaviour = self.server.behaviour
        if not self.server.faults.show() and behaviour.version and behaviour.unknown_route == "object":
            plain = path.partition("?")[0]
            openapi_document.check(method, plain, status=reply.status, headers=reply.headers, body=reply.raw)

    async def admin(self, method: str, path: str, **options: Any) -> Reply:
        return await self._send(method, self.server.admin_url + path, {}, options)

    async def get(self, path: str, **options: Any) -> Any:
        reply = await self.ask("GET", path, **options)
        assert reply.status == 200, reply
        return reply.json

    async def statuses(self, path: str, count: int = 1) -> list[int]:
        return [(await self.ask("GET", path)).status for _ in range(count)]

    async def create(self, **more: Any) -> Reply:
        return await self.ask("POST", self.items, json={"title": "new", "category": "LOGIN", "vault": {"id": self.vault}, **more})

    async def retitle(self, title: str, path: str = "") -> Reply:
        return await self.ask("PATCH", path or self.item_path, json=[{"op": "replace", "path": "/title", "value": title}])

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection of its own, for what no HTTP library sends or shows."""
        return await asyncio.open_connection("127.0.0.1", int(self.server.url.rpartition(":")[2]))

    async def _send(self, method: str, url: str, headers: dict[str, str], options: dict[str, Any]) -> Reply:
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **options) as response:
            raw = await response.read()
            parsed = await response.json() if raw and response.content_type == "application/json" else None
            return Reply(status=response.status, headers=response.headers, raw=raw, json=parsed)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_750_000_000.0)


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
async def server(clock: FakeClock, seed: Seed) -> AsyncIterator[DevConnect]:
    running = await DevConnect.start(seed, Options(clock=clock))
    yield running
    await running.stop()


@pytest.fixture
def seed() -> Seed:
    return Seed.parse(SEED)


@pytest.fixture
async def client_of() -> AsyncIterator[Callable[[DevConnect], Client]]:
    async with aiohttp.ClientSession() as session:
        yield lambda server: Client(session=session, server=server)


@pytest.fixture
def client(client_of: Callable[[DevConnect], Client], server: DevConnect) -> Client:
    return client_of(server)
