"""The Kubernetes client against a server that does everything a server can do wrong."""

import asyncio
import contextlib
import datetime
import pathlib
from collections.abc import Awaitable, Coroutine
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from fakes.calls import failing, given_up
from fakes.relays import Asked, ForwardProxy, forward_proxy
from fakes.scripted_server import Answer, Server, reply, reset, scripted_server, truncated
from onepassword_operator.cluster import api as module
from onepassword_operator.cluster.api import TRIES, WRITES_AT_ONCE, KubernetesApi
from onepassword_operator.cluster.credentials import ClusterAccess, FixedToken
from onepassword_operator.model.errors import (
    ClusterAbsentError,
    ClusterConflictError,
    ClusterDeniedError,
    ClusterExpiredError,
    ClusterUnavailableError,
)
from onepassword_operator.net.proxy import Route
from onepassword_operator.rules import page_size
from onepassword_operator.service.runtime import slots

TOKEN = "fake-kubernetes-token"
MIB = 1024 * 1024
OBJECT = msgspec.json.Decoder(dict[str, Any]).decode
A, B, C = {"name": "a"}, {"name": "b"}, {"name": "c"}


def opened(server: str, observed: Any, *, token: str = "", **more: Any) -> KubernetesApi:
    access = ClusterAccess(server=server, ssl_context=None, token=FixedToken(token=token) if token else None)
    return KubernetesApi(access, user_agent="x", observer=observed, **more)


def get(api: KubernetesApi, path: str = "/x") -> Awaitable[dict[str, Any] | None]:
    return api.get(path, resource="secrets", read=OBJECT)


def create(api: KubernetesApi, path: str = "/x") -> Coroutine[Any, Any, dict[str, Any]]:
    return api.create(path, {}, resource="secrets", read=OBJECT)


async def test_an_object_is_read_absent_or_refused(server: Server, api: KubernetesApi, observed: Any) -> None:
    server.script(reply({"kind": "Secret"}), reply({}, status=404), reply({"message": "is forbidden: User x"}, status=403))
    assert (await get(api), await get(api), api.server) == ({"kind": "Secret"}, None, server.url)
    await failing(ClusterDeniedError, get(api))
    assert observed.requests == [("get", "secrets", code) for code in (200, 404, 403)]


async def test_the_token_is_in_the_authorization_header_and_nowhere_else(server: Server, api: KubernetesApi) -> None:
    server.script(reply({}), reply({}))
    await get(api)
    await api.create("/x", {"a": 1}, resource="secrets", read=OBJECT)
    for request in server.seen:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["User-Agent"] == "operator-test/1"
        elsewhere = {name: value for name, value in request.headers.items() if name != "Authorization"}
        assert TOKEN not in f"{elsewhere} {request.path} {request.query} {request.body!r}"


async def test_without_a_token_there_is_no_such_header(server: Server, observed: Any) -> None:
    async with opened(server.url, observed) as api:
        server.script(reply({}))
        await get(api)
    assert "Authorization" not in server.seen[0].headers


async def test_a_redirect_is_an_error_and_the_token_never_follows_it(server: Server, api: KubernetesApi) -> None:
    async with scripted_server() as elsewhere:
        server.script(*[reply(b"", status=307, headers={"Location": elsewhere.url})] * TRIES)
        await failing(ClusterUnavailableError, get(api))
        assert elsewhere.seen == []


class TestPages:
    async def test_a_list_is_read_page_by_page(self, server: Server, api: KubernetesApi) -> None:
        server.script(
            reply({"items": [A, B], "metadata": {"continue": "more"}}),
            reply({"items": None, "metadata": {"continue": "yet more"}}),
            reply({"items": [C]}),
        )
        assert [list(page.decoded(OBJECT)) async for page in api.pages("/x", resource="secrets", selector="a=b")] == [[A, B], [], [C]]
        assert [request.query for request in server.seen] == [
            {"limit": "100", "labelSelector": "a=b"},
            {"limit": "100", "labelSelector": "a=b", "continue": "more"},
            {"limit": "100", "labelSelector": "a=b", "continue": "yet more"},
        ]

    async def test_an_expired_list_is_an_error_and_not_a_short_list(self, server: Server, api: KubernetesApi) -> None:
        server.script(reply({"items": [A], "metadata": {"continue": "more"}}), reply({"reason": "Expired"}, status=410))
        pages = api.pages("/x", resource="secrets")
        assert list((await anext(pages)).decoded(OBJECT)) == [A]
        await failing(ClusterExpiredError, anext(pages))

    async def test_a_page_beyond_the_cap_is_abandoned_and_asked_for_again_in_parts(
        self, server: Server, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(page_size, "CAP_BYTES", 100_000)
        large = {"data": "x" * 90_000}
        small = {"items": [A], "metadata": {"continue": "more"}}
        server.script(reply(small), *[reply({"items": [large] * 2})] * 3, reply({"items": [large | A] * 2}))
        assert [len(list(page.decoded(OBJECT))) async for page in api.pages("/x", resource="secrets")] == [1, 2]
        asked = [(request.query["limit"], request.query.get("continue")) for request in server.seen]
        assert asked == [("100", None), ("100", "more"), ("25", "more"), ("6", "more"), ("1", "more")]
        assert server.connections == 4  # one that was given up in the middle of an answer is of no more use

    async def test_of_a_page_no_more_is_read_than_the_cap(
        self, server: Server, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def endless(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                while True:
                    await response.write(b"x" * 10_000)
            return response

        monkeypatch.setattr(page_size, "CAP_BYTES", 100_000)
        server.script(endless, reply({"items": [A]}))
        assert [list(page.decoded(OBJECT)) async for page in api.pages("/x", resource="secrets")] == [[A]]

    async def test_small_objects_in_front_do_not_make_room_for_large_ones(self, server: Server, api: KubernetesApi) -> None:
        """Pages may grow by what they weighed, and still none is read beyond the cap."""
        large, most = {"data": "x" * MIB}, page_size.CAP_BYTES // MIB

        async def answer(request: web.Request) -> web.StreamResponse:
            limit, start = int(request.query["limit"]), int(request.query.get("continue", "0"))
            shown = ([A] * 200 + [large] * 30)[start : start + limit]
            rest = {"continue": str(start + limit)} if start + limit < 230 else {}
            return await reply({"items": shown, "metadata": rest})(request)

        server.routes["/x"] = answer
        sizes = [(page.size_bytes(), len(list(page.decoded(OBJECT)))) async for page in api.pages("/x", resource="secrets", first=4)]
        assert sum(count for _, count in sizes) == 230
        assert max(size for size, _ in sizes) <= page_size.CAP_BYTES
        assert max(count for size, count in sizes if size > MIB) <= most
        assert max(count for _, count in sizes) == 100

    async def test_what_is_no_list_is_tried_again_and_then_an_error(self, server: Server, api: KubernetesApi) -> None:
        server.script(*[reply({"items": {"canary": 1}})] * TRIES)
        error = await failing(ClusterUnavailableError, anext(api.pages("/x", resource="secrets")))
        assert "canary" not in str(error)

    @pytest.mark.parametrize(
        ("metadata_only", "accept"),
        [(False, "application/json"), (True, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")],
    )
    async def test_metadata_is_asked_for_alone(self, server: Server, api: KubernetesApi, *, metadata_only: bool, accept: str) -> None:
        server.script(reply({"items": []}))
        assert [list(page.decoded(OBJECT)) async for page in api.pages("/x", resource="secrets", metadata_only=metadata_only)] == [[]]
        assert server.seen[0].headers["Accept"] == accept

    async def test_a_list_of_something_that_is_not_served_is_an_error(self, server: Server, api: KubernetesApi) -> None:
        server.script(reply("404 page not found", status=404))
        await failing(ClusterAbsentError, anext(api.pages("/x", resource="secrets")))
        assert server.seen[0].query == {"limit": "100"}


class TestTrouble:
    @pytest.mark.parametrize(
        "answer", [reset, truncated, reply("oops", status=500), reply("busy", status=429), reply("<html>"), reply([1]), reply("")]
    )
    async def test_a_read_is_tried_again(self, server: Server, api: KubernetesApi, answer: Answer) -> None:
        server.script(answer, reply({"a": 1}))
        if answer is reset:  # aiohttp repeats a GET on a connection that it had kept open
            server.answers.appendleft(answer)
        assert await get(api) == {"a": 1}

    async def test_four_tries_are_enough(self, server: Server, api: KubernetesApi, observed: Any) -> None:
        server.script(*[reply("canary", status=503)] * 10)
        error = await failing(ClusterUnavailableError, get(api))
        assert "canary" not in str(error)
        assert observed.requests == [("get", "secrets", 503)] * TRIES

    @pytest.mark.parametrize("answer", [reset, truncated, reply("oops", status=500)])
    async def test_a_write_is_never_repeated(self, server: Server, api: KubernetesApi, answer: Answer) -> None:
        server.script(answer, answer, answer)
        for write in (api.create, api.merge_patch):
            before = len(server.seen)
            await failing(ClusterUnavailableError, write("/x", {}, resource="secrets", read=OBJECT))
            assert len(server.seen) == before + 1

    async def test_a_replace_is_repeated_at_most_by_the_library_and_then_a_conflict(self, server: Server, api: KubernetesApi) -> None:
        server.script(reset, reply({"reason": "Conflict"}, status=409))
        await failing(ClusterConflictError, api.replace("/x", {}, resource="secrets", read=OBJECT))
        assert len(server.seen) == 2

    async def test_a_server_that_says_nothing_is_given_up_at_the_limit(
        self, server: Server, api: KubernetesApi, observed: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "TIMEOUT", aiohttp.ClientTimeout(total=0.05))
        server.script(server.hang())
        await failing(ClusterUnavailableError, create(api))
        assert observed.requests == [("create", "secrets", 0)]

    async def test_before_it_is_opened_it_is_out_of_reach(self, observed: Any) -> None:
        api = opened("http://127.0.0.1:1", observed)
        await failing(ClusterUnavailableError, get(api))
        await api.__aexit__(None, None, None)


async def test_bodies_are_json_and_patches_are_merges(server: Server, api: KubernetesApi) -> None:
    server.script(*[reply({"done": True}, status=201)] * 3)
    for write in (api.create, api.replace, api.merge_patch):
        assert await write("/x", {"a": 1}, resource="secrets", read=OBJECT) == {"done": True}
    sent = [(request.method, request.headers["Content-Type"]) for request in server.seen]
    assert sent == [("POST", "application/json"), ("PUT", "application/json"), ("PATCH", "application/merge-patch+json")]
    assert {request.body for request in server.seen} == {b'{"a":1}'}


class TestServerTime:
    @pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
    async def test_the_servers_clock_counts(self, server: Server, api: KubernetesApi, zone: str) -> None:
        server.script(reply({}, headers={"Date": f"Wed, 01 Jan 2031 00:00:00 {zone}"}))
        await get(api)
        assert api.server_time().startswith("2031-01-01T00:00:0")

    @pytest.mark.parametrize("date", [None, "yesterday", "Mon, 01 Jan 2024 00:00:00 +9999999999999999"])
    async def test_a_date_that_is_none_leaves_the_clock_alone(self, api: KubernetesApi, date: str | None) -> None:
        api._note_time(date)
        now = datetime.datetime.fromisoformat(api.server_time())
        assert abs(now - datetime.datetime.now(datetime.UTC)) < datetime.timedelta(seconds=5)


async def test_open_streams_take_no_connection_from_requests(server: Server, observed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECTIONS", 1)
    server.routes["/watch"] = server.hang()
    async with opened(server.url, observed) as api, api.new_session() as session:
        streams = [asyncio.create_task(session.get(server.url + "/watch")) for _ in range(3)]
        await server.until_seen(3)
        server.script(reply({"a": 1}))
        assert await asyncio.wait_for(get(api), 5) == {"a": 1}
        await given_up(*streams)


class TestProxies:
    NAME = "kubernetes.example"

    async def test_our_requests_and_those_of_kopf_go_the_way_that_was_chosen(self, server: Server, observed: Any) -> None:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        async with forward_proxy(ForwardProxy(names={f"{self.NAME}:80": address}, credentials="Basic fake")) as proxy:
            way = Route(proxy=proxy.url, proxy_authorization="Basic fake")
            async with opened(f"http://{self.NAME}", observed, token=TOKEN, way=way) as api:
                async with api.new_session() as session, session.get(f"http://{self.NAME}/y") as response:
                    assert response.status == 200
                server.script(reply({"a": 1}))
                assert await get(api) == {"a": 1}  # the other session was closed
            assert proxy.asked == [Asked("GET", f"{self.NAME}:80", "Basic fake")] * 2
        assert [request.headers["Authorization"] for request in server.seen] == [f"Bearer {TOKEN}"] * 2
        assert not any("Proxy-Authorization" in request.headers for request in server.seen)

    async def test_neither_proxies_nor_netrc_of_the_environment_are_looked_at(
        self, server: Server, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "netrc").write_text("default login somebody password canary\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        server.script(reply({"a": 1}))
        assert await get(api) == {"a": 1}
        async with api.new_session() as session, session.get(f"{server.url}/y") as response:
            assert response.status == 200
        assert [request.headers["Authorization"] for request in server.seen] == [f"Bearer {TOKEN}"] * 2


class TestPauses:
    """What the API server asks for when it has too much to do."""

    @pytest.fixture
    def pauses(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        taken: list[float] = []

        async def pause(seconds: float) -> None:
            taken.append(seconds)

        monkeypatch.setattr(module.asyncio, "sleep", pause)  # type: ignore[attr-defined]
        return taken

    @pytest.mark.parametrize("status", [429, 503])
    async def test_a_read_waits_as_it_is_asked_to(self, server: Server, api: KubernetesApi, pauses: list[float], status: int) -> None:
        server.script(reply("busy", status=status, headers={"Retry-After": "7"}), reply({"a": 1}))
        assert await get(api) == {"a": 1}
        assert [7 <= pause < 8 for pause in pauses] == [True]

    async def test_a_write_that_was_turned_away_is_sent_again_later(self, server: Server, api: KubernetesApi, pauses: list[float]) -> None:
        server.script(reply("busy", status=429, headers={"Retry-After": "2"}), reply({"a": 1}, status=201))
        assert await create(api) == {"a": 1}
        assert [request.method for request in server.seen] == ["POST", "POST"]
        assert 2 <= pauses[0] < 3

    @pytest.mark.parametrize(("asked", "tries"), [("1", TRIES), ("7", 1)])
    async def test_one_turned_away_for_good_or_for_long_is_decided_anew_after_the_pause(
        self, server: Server, api: KubernetesApi, pauses: list[float], asked: str, tries: int
    ) -> None:
        """What was decided holds for some seconds: whoever began to use the Secret since must not count as newer than the write."""
        server.script(*[reply("busy", status=429, headers={"Retry-After": asked})] * tries)
        error = await failing(ClusterUnavailableError, api.merge_patch("/x", {}, resource="secrets", read=OBJECT))
        assert error.delay_seconds == float(asked)
        assert len(server.seen) == tries == len(pauses) + 1

    async def test_one_that_waited_too_long_for_others_is_not_sent(
        self, server: Server, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "BEGIN_SECONDS", -1.0)
        error = await failing(ClusterUnavailableError, create(api))
        assert ("not sent" in str(error), server.seen) == (True, [])

    async def test_a_write_whose_fate_is_unknown_is_sent_once(self, server: Server, api: KubernetesApi, pauses: list[float]) -> None:
        server.script(reply("down", status=503, headers={"Retry-After": "7"}))
        error = await failing(ClusterUnavailableError, api.replace("/x", {}, resource="secrets", read=OBJECT))
        assert (error.delay_seconds, len(server.seen), pauses) == (7, 1, [])


async def test_only_so_many_writes_are_under_way_and_reads_do_not_wait_for_them(server: Server, api: KubernetesApi) -> None:
    server.routes = {"/write": server.hang(), "/read": reply({"a": 1})}
    writes = [asyncio.create_task(create(api, "/write")) for _ in range(2 * WRITES_AT_ONCE)]
    await server.until_seen(WRITES_AT_ONCE)
    assert await get(api, "/read") == {"a": 1}
    assert server.paths().count("/write") == WRITES_AT_ONCE <= 32
    await given_up(*writes)


async def test_writes_that_hang_give_way_to_others(server: Server, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "SLOW_SECONDS", 0.01)
    server.routes = {"/slow": server.hang(), "/quick": reply({"a": 1})}
    writes = [asyncio.create_task(create(api, "/slow")) for _ in range(WRITES_AT_ONCE)]
    await server.until_seen(WRITES_AT_ONCE)
    assert await asyncio.wait_for(create(api, "/quick"), 10) == {"a": 1}
    await given_up(*writes)


@pytest.mark.parametrize("renewed", [False, True])
async def test_a_write_is_given_up_when_the_lease_ends_however_long_connecting_takes(
    server: Server, api: KubernetesApi, monkeypatch: pytest.MonkeyPatch, *, renewed: bool
) -> None:
    ends = [asyncio.get_running_loop().time() + 0.05]
    api._seconds_left = lambda: max(ends[0] - asyncio.get_running_loop().time(), 0.0)
    connected, connect = asyncio.Event(), aiohttp.TCPConnector.connect

    async def slow(*args: Any, **kwargs: Any) -> Any:
        if renewed:
            ends[0] += 60.0
            await asyncio.sleep(0.1)
        else:
            await connected.wait()
        return await connect(*args, **kwargs)

    monkeypatch.setattr(aiohttp.TCPConnector, "connect", slow)
    server.script(reply({"a": 1}))
    if renewed:
        assert await create(api, "/x") == {"a": 1}
        return
    error = await failing(ClusterUnavailableError, create(api, "/x"))
    assert "the lease ended" in str(error)
    assert server.seen == []


async def test_a_replica_that_does_not_lead_reads_and_sends_no_write(server: Server, api: KubernetesApi) -> None:
    api._seconds_left = lambda: 0.0
    server.script(reply({"metadata": {}}))
    assert await get(api, "/api/v1/namespaces/app/secrets/db")
    for write in (api.create, api.replace, api.merge_patch):
        with pytest.raises(ClusterUnavailableError, match="does not lead"):
            await write("/api/v1/namespaces/app/secrets/db", {}, resource="secrets", read=OBJECT)
    assert [request.method for request in server.seen] == ["GET"]
