"""The watch on Secrets over a real socket, against a server that streams what it should, and everything else."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import msgspec
import pytest
from aiohttp import web

from fakes.calls import failing, given_up
from fakes.scripted_server import Answer, Server, reply, reset
from onepassword_operator.cluster import lines, secret_watch
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.secret_watch import KubernetesSecretWatch
from onepassword_operator.model.errors import ClusterDeniedError, ClusterError, ClusterExpiredError, ClusterUnavailableError
from onepassword_operator.model.secret import SecretKey, SecretSight, Sight

KEY = SecretKey("app", "db")
ITEM = {"metadata": {"namespace": "app", "name": "db", "resourceVersion": "7", "annotations": {"a": "b"}}}
PARTIAL = "as=PartialObjectMetadata"


def event(kind: str, version: str = "7", **metadata: Any) -> bytes:
    shown = {"namespace": "app", "name": "db", "uid": "u", "resourceVersion": version} | metadata
    return msgspec.json.encode({"type": kind, "object": {"kind": "PartialObjectMetadata", "metadata": shown}}) + b"\n"


def sight(kind: Sight, version: int = 7) -> SecretSight:
    return SecretSight(kind, KEY, version)


def stream(*pieces: bytes, then: asyncio.Event | None = None) -> Answer:
    """A stream that says this, and ends at once or after something."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(0)
        if then:
            await then.wait()
        return response

    return answer


E = TypeVar("E", bound=ClusterError)


@pytest.fixture
def watch(api: KubernetesApi) -> KubernetesSecretWatch:
    return KubernetesSecretWatch(api, jitter=lambda: 0.5)


async def reported(sights: AsyncIterator[SecretSight]) -> list[SecretSight]:
    return [each async for each in sights]


async def until_it_fails(kind: type[E], sights: AsyncIterator[SecretSight]) -> tuple[list[SecretSight], E]:
    seen = []

    async def reading() -> None:
        async for each in sights:
            seen.append(each)  # noqa: PERF401  a comprehension would lose what came before the failure

    error = await failing(kind, reading())
    assert error.__cause__ is None
    return seen, error


async def test_what_happens_is_told_by_name_and_version(server: Server, watch: KubernetesSecretWatch) -> None:
    bookmark = event("BOOKMARK", "12", namespace="", name="")
    server.script(stream(event("ADDED"), event("MODIFIED", "8") + event("DELETED", "9")[:20], event("DELETED", "9")[20:], bookmark))
    assert await reported(watch.changes("", since=5)) == [
        sight(Sight.SEEN, 7),
        sight(Sight.SEEN, 8),
        sight(Sight.GONE, 9),
        SecretSight(Sight.UP_TO_HERE, SecretKey("", ""), 12),
    ]
    (request,) = server.seen
    assert (request.method, request.path) == ("GET", "/api/v1/secrets")
    assert request.query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "5",
        "timeoutSeconds": "276",  # 290 less half of a tenth
        "labelSelector": "operator.1password.io/managed=true",
    }
    assert request.headers["Accept"] == f"application/json;{PARTIAL};g=meta.k8s.io;v=v1"
    assert request.headers["Authorization"] == "Bearer fake-kubernetes-token"


async def test_the_list_is_of_metadata_by_page_and_ends_with_its_version(server: Server, watch: KubernetesSecretWatch) -> None:
    server.script(
        reply({"items": [ITEM, ITEM], "metadata": {"continue": "more", "resourceVersion": "20"}}),
        reply({"items": [ITEM], "metadata": {"resourceVersion": "20"}}),
    )
    assert await reported(watch.listed("app")) == [sight(Sight.SEEN)] * 3 + [SecretSight(Sight.UP_TO_HERE, SecretKey("", ""), 20)]
    assert server.paths() == ["/api/v1/namespaces/app/secrets"] * 2
    assert [request.query.get("continue") for request in server.seen] == [None, "more"]
    assert {request.query["labelSelector"] for request in server.seen} == {"operator.1password.io/managed=true"}
    assert {request.headers["Accept"] for request in server.seen} == {f"application/json;{PARTIAL}List;g=meta.k8s.io;v=v1"}


async def test_a_list_that_fails_half_way_is_not_complete(server: Server, watch: KubernetesSecretWatch) -> None:
    server.script(reply({"items": [ITEM], "metadata": {"continue": "more", "resourceVersion": "20"}}), reply({}, status=410))
    assert (await until_it_fails(ClusterExpiredError, watch.listed("")))[0] == [sight(Sight.SEEN)]


async def test_a_stream_ends_well_if_the_server_ends_it(server: Server, watch: KubernetesSecretWatch) -> None:
    server.script(stream())
    assert await reported(watch.changes("app", since=5)) == []
    assert server.paths() == ["/api/v1/namespaces/app/secrets"]


EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","metadata":{},"code":410,"reason":"Expired","message":"canary"}}\n'
OVERLOADED = b'{"type":"ERROR","object":{"kind":"Status","code":500,"reason":"InternalError","message":"canary"}}\n'
NO_NAME = b'{"type":"ADDED","object":{"metadata":{"name":7}}}\n'


async def breaks_off(request: web.Request) -> web.StreamResponse:
    response = await stream(event("ADDED"))(request)
    assert request.transport
    request.transport.abort()
    return response


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(stream(event("ADDED"), EXPIRED), ClusterExpiredError, id="410 within the stream"),
        pytest.param(stream(event("ADDED"), OVERLOADED), ClusterUnavailableError, id="an error within the stream"),
        pytest.param(stream(event("ADDED"), b"canary\n"), ClusterUnavailableError, id="garbage"),
        pytest.param(stream(event("ADDED"), b"[]\n"), ClusterUnavailableError, id="JSON that is no event"),
        pytest.param(stream(event("ADDED"), NO_NAME), ClusterUnavailableError, id="no name"),
        pytest.param(stream(event("ADDED"), b"\xff\n"), ClusterUnavailableError, id="no text"),
        pytest.param(stream(event("ADDED"), event("RENAMED")), ClusterUnavailableError, id="an event that there is not"),
        pytest.param(stream(event("ADDED"), event("ADDED", "canary")), ClusterUnavailableError, id="a version that is no number"),
        pytest.param(stream(event("ADDED"), event("ADDED")[:-1]), ClusterUnavailableError, id="a line without its end"),
        pytest.param(breaks_off, ClusterUnavailableError, id="a stream that breaks off"),
        pytest.param(reply({"reason": "Expired"}, status=410), ClusterExpiredError, id="410 at once"),
        pytest.param(reply({"message": "secrets is forbidden: User x"}, status=403), ClusterDeniedError, id="403"),
        pytest.param(reply("<html>", status=502), ClusterUnavailableError, id="a gateway's page"),
        pytest.param(reply("", status=307, headers={"Location": "/elsewhere"}), ClusterUnavailableError, id="a redirect"),
        pytest.param(reset, ClusterUnavailableError, id="a broken connection"),
    ],
)
async def test_everything_else_is_an_error_of_ours_after_what_came_before(
    server: Server, watch: KubernetesSecretWatch, answer: Answer, error: type[ClusterError]
) -> None:
    server.script(answer, answer)  # aiohttp may ask again where a connection broke
    seen, caught = await until_it_fails(error, watch.changes("", since=5))
    assert seen in ([], [sight(Sight.SEEN)])
    assert "canary" not in str(caught)
    assert "/elsewhere" not in server.paths()


@pytest.mark.parametrize("bounds", [{"SILENCE_SECONDS": 0.05}, {"STREAM_SECONDS": 0, "GRACE_SECONDS": 0.05}])
async def test_a_stream_that_falls_silent_or_that_the_server_does_not_end_is_given_up(
    server: Server, watch: KubernetesSecretWatch, monkeypatch: pytest.MonkeyPatch, bounds: dict[str, float]
) -> None:
    for name, seconds in bounds.items():
        monkeypatch.setattr(secret_watch, name, seconds)
    server.script(stream(event("ADDED"), then=server.let_go))
    seen, _ = await until_it_fails(ClusterUnavailableError, watch.changes("", since=5))
    assert seen == [sight(Sight.SEEN)]


async def test_an_event_with_too_much_metadata_passes_by_and_the_next_is_told(server: Server, watch: KubernetesSecretWatch) -> None:
    large = event("MODIFIED", "8", annotations={"a": "x" * lines.LONGEST_BYTES})
    server.script(stream(event("ADDED"), large, event("MODIFIED", "9")))
    assert await reported(watch.changes("", since=5)) == [sight(Sight.SEEN, 7), sight(Sight.SEEN, 9)]


async def test_a_pause_that_is_asked_for_is_passed_on(server: Server, watch: KubernetesSecretWatch) -> None:
    server.script(reply({"reason": "TooManyRequests"}, status=429, headers={"Retry-After": "7"}))
    assert (await until_it_fails(ClusterUnavailableError, watch.changes("", since=5)))[1].delay_seconds == 7


async def test_whoever_stops_listening_leaves_no_connection(server: Server, watch: KubernetesSecretWatch) -> None:
    server.script(stream(event("ADDED"), then=server.let_go))
    first = asyncio.Event()

    async def listen() -> None:
        async for _ in watch.changes("", since=5):
            first.set()

    listening = asyncio.create_task(listen())
    await asyncio.wait_for(first.wait(), 5)
    await given_up(listening)
    assert all(connector.closed for connector in watch._api._connectors[1:])
