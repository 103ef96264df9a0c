"""Whatever goes wrong below comes up as a leaf of our own tree: no library's exception, no status, nothing half-way up."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import client_exceptions

from onepassword_operator.cluster import api
from onepassword_operator.cluster import api_errors as statuses
from onepassword_operator.cluster.credentials import ClusterAccess
from onepassword_operator.connect import answers
from onepassword_operator.connect import client as connect
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.asked import FILE, ITEM, ITEMS, VAULTS, Asked
from onepassword_operator.model import errors
from onepassword_operator.model.confidential import Confidential

KUBERNETES_REASONS = ["", "Forbidden", "AlreadyExists", "Conflict", "Expired", "Invalid", "InternalError", "Timeout", "never heard of"]


def leaves(root: type[errors.OperatorError] = errors.OperatorError) -> set[type[errors.OperatorError]]:
    """The classes of the tree that have no children."""
    children = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    return set().union(*map(leaves, children)) if children else {root}


def family(root: type[BaseException]) -> Iterator[type[BaseException]]:
    """A class and all its descendants that its own library or Python defines."""
    yield root
    for child in root.__subclasses__():
        if child.__module__.partition(".")[0] in {"aiohttp", "builtins", "asyncio", "socket", "ssl"}:
            yield from family(child)


LOW_LEVEL = sorted(
    {*family(aiohttp.ClientError), *family(TimeoutError), *family(OSError), socket.gaierror, ssl.SSLError, ssl.SSLCertVerificationError},
    key=lambda kind: (kind.__module__, kind.__qualname__),
)


def test_the_list_of_low_level_errors_is_not_empty_by_accident() -> None:
    exported = {getattr(client_exceptions, name) for name in client_exceptions.__all__}
    assert {kind for kind in exported if issubclass(kind, aiohttp.ClientError)} <= set(LOW_LEVEL)
    assert {ConnectionResetError, asyncio.TimeoutError, socket.gaierror, aiohttp.ServerDisconnectedError} <= set(LOW_LEVEL)


class BrokenSession:
    """Looks like a session whose requests all fail: at the call, before the answer, or in the middle of the body."""

    def __init__(self, error: BaseException, *, when: str) -> None:
        self._error = error
        self._when = when
        self.status = 200
        self.headers: dict[str, str] = {}
        self.content = self

    def request(self, *_args: Any, **_keywords: Any) -> contextlib.AbstractAsyncContextManager["BrokenSession"]:
        """Any request."""
        self._fail("call")
        return self._answer()

    get = request

    @contextlib.asynccontextmanager
    async def _answer(self) -> AsyncIterator["BrokenSession"]:
        self._fail("answer")
        yield self

    async def read(self) -> bytes:
        """The whole body."""
        self._fail("body")
        return b"{}"

    async def iter_any(self) -> AsyncIterator[bytes]:
        """The body in pieces."""
        yield b"["
        self._fail("body")

    def _fail(self, when: str) -> None:
        if self._when == when:
            raise self._error


def made(kind: type[BaseException]) -> BaseException:
    """An instance without the arguments that its constructor would insist on."""
    return kind.__new__(kind)


@pytest.mark.parametrize("when", ["call", "answer", "body"])
@pytest.mark.parametrize("kind", LOW_LEVEL, ids=lambda kind: kind.__qualname__)
async def test_no_error_of_the_network_passes_the_connect_client(kind: type[BaseException], when: str) -> None:
    reported: list[tuple[str, int, float]] = []
    source = connect.ConnectSource(
        host="http://connect.example",
        token=ConnectToken(Confidential(b"fake")),
        user_agent="",
        observer=lambda *seen: reported.append(seen),
    )
    source._session = BrokenSession(made(kind), when=when)  # type: ignore[assignment]  # a stand-in
    with pytest.raises(errors.OperatorError) as failed:
        await source._once("/v1/vaults", asked=Asked(VAULTS, "http://connect.example"), cap=100, limits=aiohttp.ClientTimeout())
    assert type(failed.value) in leaves()
    assert isinstance(failed.value, errors.BackendUnavailableError)
    assert re.fullmatch(r"the vault list from http://connect\.example: [a-zA-Z].*", str(failed.value))
    assert not re.search(r"Error|Exception|:uuid|None(?! does)", str(failed.value)), "for people, not for programmers"
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None, "a chained library error could print what was in a URL, header or body"
    assert len(reported) == 1


@pytest.mark.parametrize("when", ["call", "answer", "body"])
@pytest.mark.parametrize("kind", LOW_LEVEL, ids=lambda kind: kind.__qualname__)
async def test_no_error_of_the_network_passes_the_kubernetes_client(kind: type[BaseException], when: str) -> None:
    reported: list[tuple[str, str, int]] = []
    access = ClusterAccess(server="http://cluster.example", ssl_context=None, token=None)
    client = api.KubernetesApi(access, user_agent="", observer=lambda *seen: reported.append(seen))
    client._session = BrokenSession(made(kind), when=when)  # type: ignore[assignment]  # a stand-in
    with pytest.raises(errors.OperatorError) as failed:
        await client.create("/api/v1/namespaces/a/secrets", {}, resource="secrets", read=bytes)
    assert type(failed.value) in leaves()
    assert isinstance(failed.value, errors.ClusterUnavailableError)
    assert failed.value.__suppress_context__
    assert failed.value.__cause__ is None, "a chained library error could print what was in a URL, header or body"
    assert len(reported) == 1


@pytest.mark.parametrize("route", [VAULTS, ITEMS, ITEM, FILE])
def test_every_status_of_connect_is_a_leaf(route: str) -> None:
    """Those that nobody sends, too."""
    asked = Asked(route, "http://connect.example")
    refusals = [answers.to_error(code, {}, asked=asked) for code in range(100, 1000)]
    assert {type(error) for error in refusals} <= leaves()
    assert all(str(asked) in str(error) for error in refusals)


@pytest.mark.parametrize("reason", KUBERNETES_REASONS)
@pytest.mark.parametrize("details", [None, {}, {"causes": None}, {"causes": [{"field": "data", "reason": "FieldValueInvalid"}, "?"]}])
def test_every_status_of_kubernetes_is_a_leaf(reason: str, details: dict[str, Any] | None) -> None:
    body = statuses.Status.read(msgspec.json.encode({"kind": "Status", "reason": reason, "details": details, "message": None}))
    assert {type(statuses.to_error(code, body, what="update secrets")) for code in range(100, 1000)} <= leaves()
