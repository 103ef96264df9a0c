"""A server in a thread of its own and strategies for what nobody should send it."""

import contextlib
import copy
import http.client
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from hypothesis import strategies as st

from fakes.relays import in_thread
from onepassword_operator.devconnect.runtime import DevConnect, Options
from onepassword_operator.devconnect.store.seed import Seed

SEED = """
vaults:
  - name: v
    items:
      - title: x
        tags: [a, b]
        urls: [https://x.example]
        fields: [{purpose: PASSWORD, value: canary}, {id: a/b~c, label: k, value: canary, section: {id: s, label: t}}]
        files: [{name: f, content: canary}]
"""
LIST_VAULTS = "/v1/vaults"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer, read to its end."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


class ThreadedServer:
    """Started and stopped from a test that is no coroutine, because hypothesis runs none."""

    def __init__(self, server: DevConnect) -> None:
        self.server = server
        found = server.editor.find_item("v", "x")
        self.vault, self.item, self.file = found.vault_id, found.id, found.files[0].id
        self.items = f"/v1/vaults/{self.vault}/items"
        self.item_path = f"{self.items}/{self.item}"
        self._api, self._admin = (_connection(url) for url in (server.url, server.admin_url))

    @classmethod
    @contextlib.contextmanager
    def running(cls) -> Iterator[Self]:
        with in_thread(_serving()) as server:
            made = cls(server)
            with contextlib.closing(made._api), contextlib.closing(made._admin):
                yield made

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One call to the API."""
        return _ask(self._api, method, path, body=body, headers={"Authorization": f"Bearer {self.server.token}", **headers})

    def admin(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """One call to the admin port."""
        return _ask(self._admin, method, path, body=body, headers={})


@contextlib.asynccontextmanager
async def _serving() -> AsyncIterator[DevConnect]:
    server = await DevConnect.start(Seed.parse(SEED), Options())
    yield server
    await server.stop()


def _connection(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=30)


def _ask(connection: http.client.HTTPConnection, method: str, path: str, *, body: bytes | None, headers: Mapping[str, str]) -> Reply:
    connection.request(method, path, body, dict(headers))
    with connection.getresponse() as response:
        return Reply(status=response.status, body=response.read())


# Texts that JSON can carry, which lone surrogates are not.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = ["", "x", "LOGIN", "PASSWORD", "SSH_KEY", "DATE", "OTP", "NOTES", "add", "replace", "remove", "2025-02-30", "202500", "é", "🔑"]
PATHS = ["/", "/tags/0", "/fields", "/fields/password", "/fields/f/value", "/fields/a~1b~0c", "/sections/s/label", "/urls/-"]
WORDS = st.sampled_from(NAMES + PATHS)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT | WORDS
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | WORDS, inner, max_size=4), max_leaves=12)


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """The document with something else in one to three of its places, so that the rest of it is still read."""
    changed = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        holder, place = draw(st.sampled_from([*_places(changed), (None, None)]))
        if holder is None:
            changed = draw(JSON) if draw(st.integers(0, 9)) == 0 else changed
        elif draw(st.integers(0, 5)) == 0:
            del holder[place]
        elif isinstance(holder, dict) and draw(st.integers(0, 5)) == 0:
            holder[draw(WORDS | TEXT)] = draw(JSON)
        else:
            others = [copy.deepcopy(part[part_place]) for part, part_place in _places(changed)]
            holder[place] = draw(st.one_of(WORDS, JSON, st.sampled_from(others)))
    return changed


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Every place in a document: what holds it, and its name or position there."""
    entries = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    found: list[tuple[Any, Any]] = []
    for place, value in entries:
        found += [(document, place), *_places(value)]
    return found
