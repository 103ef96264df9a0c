"""The Connect client against a server that does everything a server can do wrong."""

import asyncio
import contextlib
import inspect
import pathlib
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from fakes.calls import failing, given_up, turns
from fakes.relays import Asked, ForwardProxy, forward_proxy
from fakes.scripted_server import Server, reply, reset, scripted_server, truncated
from onepassword_operator.connect import answers
from onepassword_operator.connect import client as connect
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.client import ConnectSource, base_url
from onepassword_operator.model import errors
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import BackendAnswerError, BackendUnavailableError, Retry, SecretTooLargeError
from onepassword_operator.net.proxy import Route

VAULT, ITEM, FILE = "v" * 26, "i" * 26, "f" * 26
TOKEN, SOME_TOKEN = "fake-connect-token", Confidential(b"fake-token")
VAULTS, ITEMS = "GET /v1/vaults", "GET /v1/vaults/:uuid/items"


def item(**members: Any) -> dict[str, Any]:
    return {"id": ITEM, "vault": {"id": VAULT}, "title": "db", "version": 3} | members


def opened(host: str, observed: Any, *, token: pathlib.Path | Confidential = SOME_TOKEN, **more: Any) -> ConnectSource:
    return ConnectSource(host=host, token=ConnectToken(token), user_agent="x", observer=observed, **more)


class TestRequests:
    async def test_items_are_listed_without_a_filter(self, server: Server, source: ConnectSource, observed: Any) -> None:
        """And so are vaults."""
        server.script(reply([{"id": VAULT, "name": "Prod", "contentVersion": 7, "items": 2, "unknown": {"a": 1}}]))
        (vault,) = await source.list_vaults()
        assert (vault.id, vault.name, vault.content_version, vault.items) == (VAULT, "Prod", 7, 2)
        server.script(reply([{"id": ITEM, "title": "db", "version": 3, "state": "ARCHIVED"}]))
        (summary,) = await source.list_items(VAULT)
        assert (summary.id, summary.version, summary.active) == (ITEM, 3, False)
        assert [(request.path, request.query) for request in server.seen] == [("/v1/vaults", {}), (f"/v1/vaults/{VAULT}/items", {})]
        assert observed.requests == [(VAULTS, 200), (ITEMS, 200)]

    @pytest.mark.official(48, 53, 58, 64)
    async def test_an_item_comes_with_the_content_of_its_files(self, server: Server, source: ConnectSource) -> None:
        described = {"id": FILE, "name": "ca.pem", "size": 3, "content_path": "/v1/somewhere/else"}
        server.script(reply(item(fields=[{"label": "a", "value": "b"}], files=[described])), reply(b"pem"))
        read = await source.get_item(VAULT, ITEM)
        assert [(field.label, field.value.reveal()) for field in read.fields] == [("a", b"b")]
        assert [(file.name, file.content.reveal()) for file in read.files] == [("ca.pem", b"pem")]
        assert server.paths()[1] == f"/v1/vaults/{VAULT}/items/{ITEM}/files/{FILE}/content"

    async def test_the_token_is_in_the_authorization_header_and_nowhere_else(self, server: Server, source: ConnectSource) -> None:
        await source.list_vaults()
        (request,) = server.seen
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["User-Agent"] == "operator-test/1"
        assert request.body == b""
        elsewhere = {name: value for name, value in request.headers.items() if name != "Authorization"}
        assert TOKEN not in f"{elsewhere} {request.path} {request.query}"

    async def test_nothing_is_ever_written_and_requests_are_told_by_route(
        self, server: Server, source: ConnectSource, observed: Any
    ) -> None:
        """Metrics are labelled with routes, and whoever reads metrics need not know which vaults and items there are."""
        server.script(reply([]), reply([]), reply(item(files=[{"id": FILE, "name": "ca.pem", "size": 3}])), reply(b"pem"), reply({}))
        for call in (source.list_vaults(), source.list_items(VAULT), source.get_item(VAULT, ITEM), source.health()):
            await call
        assert {(request.method, request.body) for request in server.seen} == {("GET", b"")}
        routes = [VAULTS, ITEMS, f"{ITEMS}/:uuid", f"{ITEMS}/:uuid/files/:uuid/content", "GET /health"]
        assert observed.requests == [(route, 200) for route in routes]
        public = {name for name, _ in inspect.getmembers(ConnectSource, inspect.iscoroutinefunction) if not name.startswith("_")}
        assert public == {"list_vaults", "list_items", "get_item", "health"}, "call the new one above"

    @pytest.mark.parametrize("identity", ["../../v1/vaults", "../content", "db", "V" * 26, "v" * 27, ""])
    async def test_nothing_but_an_id_gets_into_a_path(self, server: Server, source: ConnectSource, identity: str) -> None:
        for call in (source.list_items(identity), source.get_item(identity, ITEM), source.get_item(VAULT, identity)):
            await failing(BackendAnswerError, call)
        assert server.seen == []
        server.script(reply(item(files=[{"id": identity, "name": "x"}])))
        await failing(BackendAnswerError, source.get_item(VAULT, ITEM))
        assert len(server.seen) == 1


class TestProxies:
    NAME = "connect.example"

    async def test_requests_go_the_way_that_was_chosen(self, server: Server, observed: Any) -> None:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        async with forward_proxy(ForwardProxy(names={f"{self.NAME}:80": address})) as proxy:
            async with opened(f"http://{self.NAME}", observed, way=Route(proxy=proxy.url)) as source:
                await source.list_vaults()
            assert proxy.asked == [Asked("GET", f"{self.NAME}:80", "")]
        assert server.seen[0].headers["Host"] == self.NAME

    async def test_neither_proxies_nor_netrc_of_the_environment_are_looked_at(
        self, server: Server, source: ConnectSource, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
    ) -> None:
        (tmp_path / "netrc").write_text("default login somebody password canary\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:1")
        await source.list_vaults()
        assert server.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"

    @pytest.mark.parametrize("scheme", ["http", "https"])
    async def test_a_proxy_that_is_not_there_is_named(self, observed: Any, scheme: str) -> None:
        way = Route(proxy="http://127.0.0.1:1", proxy_authorization="Basic canary")
        async with opened(f"{scheme}://{self.NAME}", observed, way=way) as source:
            said = str(await failing(BackendUnavailableError, source.list_vaults()))
        assert "the proxy http://127.0.0.1:1 does not connect (the connection is refused)" in said
        assert "canary" not in said

    @pytest.mark.parametrize(
        ("scheme", "credentials", "said"),
        [
            ("http", "Basic x", "asks for a password (407); put it into HTTP_PROXY"),
            ("https", "Basic x", "does not connect (it answered 407); check HTTP_PROXY, HTTPS_PROXY and NO_PROXY"),
            ("https", "", "does not connect (it answered 502)"),
        ],
    )
    async def test_what_the_proxy_says_is_told(self, observed: Any, scheme: str, credentials: str, said: str) -> None:
        async with (
            forward_proxy(ForwardProxy(names={}, credentials=credentials)) as proxy,
            opened(f"{scheme}://{self.NAME}", observed, way=Route(proxy=proxy.url)) as source,
        ):
            assert said in str(await failing(BackendUnavailableError, source.list_vaults()))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
async def test_a_redirect_is_an_error_and_the_token_never_follows_it(server: Server, source: ConnectSource, status: int) -> None:
    async with scripted_server() as elsewhere:
        server.script(reply(b"", status=status, headers={"Location": f"{elsewhere.url}/v1/vaults"}))
        assert str(status) in str(await failing(BackendAnswerError, source.list_vaults()))
        assert elsewhere.seen == []
    assert len(server.seen) == 1


class TestRetries:
    @pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
    async def test_a_passing_trouble_is_tried_again(self, server: Server, source: ConnectSource, status: int, observed: Any) -> None:
        reported: list[str] = []
        source._retried = reported.append
        server.script(reply("oops", status=status))
        assert await source.list_vaults() == []
        assert observed.requests == [(VAULTS, status), (VAULTS, 200)]
        assert reported == [VAULTS]

    @pytest.mark.parametrize("answer", [reset, truncated])
    async def test_a_broken_connection_is_tried_again(
        self, server: Server, source: ConnectSource, answer: Callable[[Any], Awaitable[Any]]
    ) -> None:
        server.script(answer, answer)
        assert await source.list_vaults() == []
        assert len(server.seen) >= 3

    async def test_nobody_there_is_an_outage(self, observed: Any) -> None:
        async with scripted_server() as server:
            address = server.url
        async with opened(address, observed) as source:
            said = str(await failing(BackendUnavailableError, source.list_vaults()))
        assert said == f"the vault list from {address}: the connection is refused; check OP_CONNECT_HOST, and whether Connect runs there"
        assert observed.requests == [(VAULTS, 0)] * connect.TRIES

    async def test_plain_text_where_tls_is_expected_is_an_outage_that_names_the_remedy(self, server: Server, observed: Any) -> None:
        async with opened(server.url.replace("http:", "https:"), observed) as source:
            said = str(await failing(BackendUnavailableError, source.list_vaults()))
        assert said.endswith(": TLS failed, because the port is no TLS port; set OP_CONNECT_HOST to http://")

    async def test_pauses_grow_and_are_spread(self, server: Server, source: ConnectSource, monkeypatch: pytest.MonkeyPatch) -> None:
        pauses: list[float] = []

        async def pause(seconds: float) -> None:
            pauses.append(seconds)

        monkeypatch.setattr(answers, "FIRST_PAUSE_SECONDS", 0.2)
        monkeypatch.setattr("random.random", lambda: 0.5)
        monkeypatch.setattr("asyncio.sleep", pause)
        server.script(*[reply("oops", status=500)] * 10)
        assert str(await failing(BackendUnavailableError, source.list_vaults())).startswith(
            f"the vault list from {server.url}: the server answered 500; "
        )
        assert pauses == pytest.approx([0.2, 0.4, 0.8])
        assert len(server.seen) == connect.TRIES == 4

    async def test_before_it_is_opened_a_source_is_out_of_reach(self, observed: Any) -> None:
        source = opened("http://127.0.0.1:1", observed)
        await failing(BackendUnavailableError, source.list_vaults())
        await source.__aexit__(None, None, None)


class TestRefusals:
    @pytest.mark.official(57, 68)
    @pytest.mark.parametrize(("status", "kind", "times"), [(401, errors.BackendDeniedError, 2), (403, errors.BackendForbiddenError, 3)])
    async def test_a_refused_token_is_believed_the_second_time_and_a_refused_vault_the_third(
        self, server: Server, source: ConnectSource, status: int, kind: type[errors.BackendError], times: int
    ) -> None:
        server.script(*[reply({"message": "no"}, status=status)] * 5)
        await failing(kind, source.list_vaults())
        assert len(server.seen) == times

    @pytest.mark.official(49, 52, 59, 63)
    async def test_what_does_not_exist_is_not_asked_for_again_nor_an_empty_answer(self, server: Server, source: ConnectSource) -> None:
        server.script(*[reply({"message": "not found"}, status=404)] * 3)
        await failing(errors.VaultNotFoundError, source.list_items(VAULT))
        await failing(errors.ItemNotFoundError, source.get_item(VAULT, ITEM))
        await failing(BackendAnswerError, source.list_vaults())
        assert len(server.seen) == 3

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 500, 429])
    async def test_what_a_body_says_never_gets_into_an_error(self, server: Server, source: ConnectSource, status: int) -> None:
        server.script(*[reply({"message": "canary-value"}, status=status)] * connect.TRIES)
        with pytest.raises(errors.OperatorError) as caught:
            await source.get_item(VAULT, ITEM)
        assert "canary" not in str(caught.value)


class TestAnswers:
    @pytest.mark.parametrize("body", ["<html>canary</html>", "", '{"canary', {"message": "canary"}, [{"name": "canary"}], ["canary"]])
    async def test_what_is_no_list_of_vaults_is_not_understood(self, server: Server, source: ConnectSource, body: Any) -> None:
        server.script(reply(body))
        error = await failing(BackendAnswerError, source.list_vaults())
        assert "canary" not in str(error)
        assert error.__context__ is None
        assert len(server.seen) == 1

    async def test_items_of_another_vault_in_a_list_are_skipped_and_counted_once(
        self, server: Server, source: ConnectSource, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.script(*[reply([item(), item(id="x" * 26, vault={"id": "x" * 26})])] * 2)
        for _ in range(2):
            assert [found.id for found in await source.list_items(VAULT)] == [ITEM]
        assert [record.items for record in caplog.records] == [1]  # type: ignore[attr-defined]

    async def test_an_answer_about_another_item_or_vault_is_refused(self, server: Server, source: ConnectSource) -> None:
        other = {"id": "x" * 26}
        server.script(reply(item(**other)), reply(item(vault=other)), reply([item(vault=other)]))
        for call in (source.get_item(VAULT, ITEM), source.get_item(VAULT, ITEM), source.list_items(VAULT)):
            assert "another object than requested" in str(await failing(BackendAnswerError, call))

    async def test_nothing_compressed_is_asked_for_or_unpacked(self, server: Server, source: ConnectSource) -> None:
        server.script(reply(zlib.compress(b"[]"), headers={"Content-Encoding": "deflate"}))
        await failing(BackendAnswerError, source.list_vaults())
        assert server.seen[0].headers["Accept-Encoding"] == "identity"

    async def test_a_list_without_end_is_cut_off(self, server: Server, source: ConnectSource, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connect, "LIST_BYTES", 100)
        server.script(reply(b"[" + b" " * 99 + b"]"))
        await failing(BackendAnswerError, source.list_vaults())
        server.script(reply(b"[" + b" " * 98 + b"]"))
        assert await source.list_vaults() == []

    async def test_an_item_too_large_for_a_secret_is_refused(
        self, server: Server, source: ConnectSource, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(connect, "ITEM_BYTES", 100)
        server.script(reply(b" " * 101))
        error = await failing(SecretTooLargeError, source.get_item(VAULT, ITEM))
        assert error.retry is Retry.LATER  # nobody has seen its end, so it may be a reply gone wrong

    async def test_files_that_are_announced_too_large_are_not_read(self, server: Server, source: ConnectSource) -> None:
        half = {"id": FILE, "name": "x", "size": connect.FILES_BYTES / 2 + 1}
        server.script(reply(item(files=[half, half])))
        assert (await failing(SecretTooLargeError, source.get_item(VAULT, ITEM))).retry is Retry.ON_CHANGE
        assert len(server.seen) == 1

    async def test_files_share_the_room_that_there_is(self, server: Server, source: ConnectSource, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connect, "FILES_BYTES", 10)
        files = [{"id": FILE, "name": name} for name in ("a", "b")]
        server.script(reply(item(files=files)), reply(b"x" * 6), reply(b"x" * 5))
        await failing(SecretTooLargeError, source.get_item(VAULT, ITEM))
        server.script(reply(item(files=files)), reply(b"x" * 6), reply(b"x" * 4))
        assert [len(file.content) for file in (await source.get_item(VAULT, ITEM)).files] == [6, 4]

    async def test_a_file_that_fails_at_first_is_read_again(self, server: Server, source: ConnectSource) -> None:
        server.script(reply(item(files=[{"id": FILE}])), *[reply("oops", status=500)] * (connect.FILE_TRIES - 1), reply(b"pem"))
        (file,) = (await source.get_item(VAULT, ITEM)).files
        assert (file.name, file.content.reveal()) == ("", b"pem")

    ANNOUNCED = item(files=[{"id": FILE, "name": "x", "size": 3}])

    @pytest.mark.parametrize("contents", [[b"pem"], [b"pe", b"pem"], [b"pem and more"] * 2])  # the description may be the older one
    async def test_a_file_that_is_cut_off_is_read_again(self, server: Server, source: ConnectSource, contents: list[bytes]) -> None:
        server.script(reply(self.ANNOUNCED), *map(reply, contents))
        assert [file.content.reveal() for file in (await source.get_item(VAULT, ITEM)).files] == contents[-1:]
        assert len(server.seen) == 1 + len(contents)

    @pytest.mark.parametrize("contents", [[b"pe", b"pe"], [b"pem and", b"pem or"]])
    async def test_a_file_is_never_taken_in_part(self, server: Server, source: ConnectSource, contents: list[bytes]) -> None:
        server.script(reply(self.ANNOUNCED), *map(reply, contents))
        assert "of a file that it announces with 3" in str(await failing(BackendAnswerError, source.get_item(VAULT, ITEM)))
        assert len(server.seen) == 1 + len(contents)

    @pytest.mark.official(54, 65)
    async def test_a_file_that_cannot_be_read_fails_the_item_and_is_no_missing_key(self, server: Server, source: ConnectSource) -> None:
        server.script(reply(item(files=[{"id": FILE, "name": "x"}])), reply("gone", status=404))
        await failing(errors.ItemNotFoundError, source.get_item(VAULT, ITEM))
        assert len(server.seen) == 2


class TestDeadlines:
    async def test_an_answer_that_never_ends_is_given_up_at_the_deadline_of_the_call(self, server: Server, observed: Any) -> None:
        """Bytes keep coming, so no limit between two of them would help; and the next try has what is left of the call's time."""
        async with opened(server.url, observed, timeout_seconds=0.1) as source:
            await source.list_vaults()
            server.script(*[dripping] * connect.TRIES)
            async with asyncio.timeout(5):
                await failing(BackendUnavailableError, source.list_vaults())
        assert len(server.seen) == 2  # one at the beginning, and one that took the whole time

    async def test_the_first_call_is_patient_because_the_server_may_be_fresh(self, server: Server, observed: Any) -> None:
        late = asyncio.Event()

        async def cold(request: Any) -> Any:
            await late.wait()
            return await reply([])(request)

        async with opened(server.url, observed, timeout_seconds=0.2) as source:
            server.script(cold)
            asyncio.get_running_loop().call_later(0.5, late.set)
            assert await source.list_vaults() == []
            assert observed.requests == [(VAULTS, 200)]
            late.clear()
            server.script(*[cold] * connect.TRIES)
            await failing(BackendUnavailableError, source.list_vaults())

    async def test_a_first_call_that_ended_was_the_first_whatever_came_of_it(self, server: Server, observed: Any) -> None:
        async with opened(server.url, observed, timeout_seconds=0.05) as source:
            server.script(reply("not found", status=404), *[server.hang()] * connect.TRIES)
            await failing(BackendAnswerError, source.list_vaults())
            await failing(BackendUnavailableError, source.list_vaults())
        assert observed.requests == [(VAULTS, 404), (VAULTS, 0), (VAULTS, 0)]  # the last one reaches the deadline of the whole call

    async def test_a_cancelled_call_ends_at_once_and_does_no_more(self, server: Server, observed: Any) -> None:
        async with opened(server.url, observed) as source:
            for answer in (server.hang(), reply("later", status=503, headers={"Retry-After": "20"})):
                seen = len(server.seen)
                server.script(answer)
                call = asyncio.create_task(source.list_vaults())
                await server.until_seen(seen + 1)
                await turns(50)
                call.cancel()
                async with asyncio.timeout(5):
                    with pytest.raises(asyncio.CancelledError):
                        await call
                assert len(server.seen) == seen + 1


async def dripping(request: Any) -> Any:
    response = web.StreamResponse()
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)


class TestPauses:
    """What Connect asks for is kept by every call that goes to it."""

    @pytest.fixture
    def pauses(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        taken: list[float] = []
        now, slept = time.monotonic, [0.0]

        async def pause(seconds: float) -> None:
            taken.append(seconds)
            slept[0] += seconds

        monkeypatch.setattr(connect.time, "monotonic", lambda: now() + slept[0])  # type: ignore[attr-defined]
        monkeypatch.setattr(connect.asyncio, "sleep", pause)  # type: ignore[attr-defined]
        return taken

    async def test_a_short_one_is_waited_out(self, server: Server, source: ConnectSource, pauses: list[float]) -> None:
        server.script(reply("busy", status=503, headers={"Retry-After": "7"}))
        assert await source.list_vaults() == []
        assert pauses == [7]

    async def test_one_that_is_longer_than_the_call_may_take_fails_it_and_all_others_until_it_is_over(
        self, server: Server, source: ConnectSource, pauses: list[float]
    ) -> None:
        await source.list_vaults()
        server.script(reply("busy", status=503, headers={"Retry-After": "100"}))
        assert (await failing(BackendUnavailableError, source.list_vaults())).delay_seconds == 100
        assert (await failing(BackendUnavailableError, source.list_items(VAULT))).delay_seconds == pytest.approx(100, abs=1)
        await failing(BackendUnavailableError, source.health())
        assert server.paths() == ["/v1/vaults"] * 2
        assert pauses == []
        await asyncio.sleep(101)
        assert await source.list_vaults() == []

    async def test_a_rate_limit_has_other_calls_wait(self, server: Server, source: ConnectSource, pauses: list[float]) -> None:
        server.script(reply("slow down", status=429, headers={"Retry-After": "5"}))
        assert (await failing(errors.BackendRateLimitedError, source.list_vaults())).delay_seconds == 5
        assert (len(server.seen), pauses) == (1, [])
        assert await source.list_items(VAULT) == []
        assert pauses == pytest.approx([5], abs=1)


class TestSources:
    async def test_a_hung_host_delays_no_other(self, server: Server, observed: Any) -> None:
        async with scripted_server() as quick, opened(server.url, observed) as hung, opened(quick.url, observed) as source:
            server.script(*[server.hang()] * 100)
            calls = [asyncio.create_task(hung.list_items(VAULT)) for _ in range(3 * connect.CONNECTIONS)]
            await server.until_seen(connect.CONNECTIONS)
            async with asyncio.timeout(5):
                for _ in range(20):
                    assert await source.list_vaults() == []
            assert len(server.seen) == connect.CONNECTIONS  # a pool has an end, and each source one of its own
            assert not any(call.done() for call in calls)
            await given_up(*calls)

    async def test_connections_are_used_again_and_closed_with_the_source(self, server: Server, observed: Any) -> None:
        async with opened(server.url, observed) as source:
            for _ in range(5):
                await source.list_vaults()
            assert server.connections == 1
        assert source._session
        assert source._session.closed


async def test_a_refused_token_is_read_again_before_the_refusal_is_believed(server: Server, observed: Any, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "token"
    file.write_text("the-first\n")

    async def refuse_and_replace(request: Any) -> Any:
        file.write_text("another-one")
        return await reply("no", status=401)(request)

    async with opened(server.url, observed, token=file) as source:
        server.script(refuse_and_replace)
        assert await source.list_vaults() == []
    assert [request.headers["Authorization"] for request in server.seen] == ["Bearer the-first", "Bearer another-one"]


async def test_health_is_asked_once_and_without_the_token(server: Server, source: ConnectSource) -> None:
    server.script(reply({"version": "1.8.1", "dependencies": [{"service": "sync", "status": "TOKEN_NEEDED"}]}), reply("oops", status=503))
    health = await source.health()
    assert (health.version, health.troubles) == ("1.8.1", {"sync": "TOKEN_NEEDED"})
    await failing(BackendUnavailableError, source.health())
    assert server.paths() == ["/health"] * 2
    assert not any("Authorization" in request.headers for request in server.seen)


@pytest.mark.parametrize("host", ["http://connect:8080", "https://connect", "http://[::1]:8080", "https://gate/way"])
def test_a_host_is_a_base_for_paths(host: str) -> None:
    assert {base_url(written) for written in (host, f"{host}/", f"{host}/v1", f" {host}/v1/ ")} == {host}


@pytest.mark.parametrize("host", ["connect:8080", "ftp://connect", "http://", "", "http://me@connect", "http://me:canary@connect"])
def test_what_is_no_plain_url_is_refused_by_name(host: str) -> None:
    with pytest.raises(ValueError, match="OP_CONNECT_HOST") as caught:
        base_url(host)
    assert "canary" not in str(caught.value)


async def test_a_request_that_waited_for_its_turn_has_its_time_left(server: Server, observed: Any) -> None:
    async def turn(route: str) -> float:
        assert route == VAULTS
        await asyncio.sleep(1.2)  # longer than the whole call may take
        return 1.2

    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(0.1)
        return await reply([])(request)

    async with opened(server.url, observed, timeout_seconds=0.5) as source:
        await source.list_vaults()
        source._turn = turn
        server.script(slow)
        assert await source.list_vaults() == []
