"""The composition root: one operator over two loopback servers. What the watches bring is for the cluster tests."""

import asyncio
import base64
import contextlib
import logging
import math
import os
import pathlib
import signal
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pydantic
import pytest
import yaml

from controlplane.certificates import Authority
from fakes.calls import failing, given_up, soon, turns, until
from fakes.item_source import FakeItemSource
from fakes.relays import ForwardProxy, forward_proxy
from fakes.scripted_server import Server, reply, scripted_server
from harness.ports import free_port
from onepassword_operator import app
from onepassword_operator.app import Operator, StopSignal
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.credentials import ClusterAccess, KubeconfigError
from onepassword_operator.edges import build
from onepassword_operator.handlers import watches
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import BackendUnavailableError, InternalError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.net.tls import client_tls
from onepassword_operator.service.runtime import slots
from onepassword_operator.service.runtime.leader_election import NoElection
from onepassword_operator.service.vaults.poller import Poller
from onepassword_operator.service.watch import crd
from onepassword_operator.service.watch.namespaces import Access
from onepassword_operator.service.watch.secret_watch import SecretWatcher
from onepassword_operator.settings.schema import Settings, load
from onepassword_operator.telemetry.metrics import Metrics
from onepassword_operator.wire import onepassword_item

CRD = "/apis/onepassword.com/v1"
DEPLOYMENTS = "/apis/apps/v1/deployments"
EVENTS = "/api/v1/namespaces/app/events"
FORBIDDEN = reply({"message": "secrets is forbidden: User x"}, status=403)
ITEM: dict[str, Any] = {
    "metadata": {"namespace": "app", "name": "db", "uid": "u", "resourceVersion": "7", "generation": 1},
    "spec": {"itemPath": "vaults/Prod/items/db"},
}
SECRET: dict[str, Any] = {"metadata": {"namespace": "app", "name": "db", "uid": "s", "resourceVersion": "8"}}


@pytest.fixture
async def cluster() -> AsyncIterator[Server]:
    """An API server with the CRD and one resource."""
    async with scripted_server() as server:
        server.routes = {
            CRD: reply({"resources": [{"name": "onepassworditems"}]}),
            f"{CRD}/onepassworditems": reply({"items": [ITEM]}),
            DEPLOYMENTS: reply({"items": []}),
            "/api/v1/secrets": reply({"items": []}),
            "/api/v1/namespaces/app/secrets": reply(SECRET, status=201),
            f"{CRD}/namespaces/app/onepassworditems/db/status": reply(ITEM),
            EVENTS: reply({}, status=201),
        }
        yield server


@pytest.fixture(autouse=True)
def watching(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """kopf, as something that runs until it is cancelled, as does the watch on Secrets; set when kopf started."""
    started = asyncio.Event()

    async def watch_secrets(_: SecretWatcher) -> None:
        await asyncio.Event().wait()

    async def carry(*, ready_flag: asyncio.Event, **_: Any) -> None:
        ready_flag.set()
        started.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(watches, "run_kopf", carry)
    monkeypatch.setattr(SecretWatcher, "run", watch_secrets)
    return started


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, cluster: Server) -> Settings:
    config = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": cluster.url}}],
        "users": [{"name": "u", "user": {"token": "fake"}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    monkeypatch.setenv("OP_CONNECT_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("OP_CONNECT_TOKEN", "fake")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    flags = {"health_probe_bind_address": "127.0.0.1:0", "metrics_bind_address": "127.0.0.1:0", "enable_http2": "true"}
    return load(flags, os.environ)


@pytest.fixture
def source() -> FakeItemSource:
    made = FakeItemSource()
    made.put(made.add_vault("Prod"), "db", password="one")
    return made


class Checks:
    """In place of the watch over the Connect server: counts looks, and finds what a test says."""

    def __init__(self) -> None:
        self.count = 0
        self.well = True

    async def check(self) -> bool:
        self.count += 1
        return self.well


@pytest.fixture
def looks() -> Checks:
    return Checks()


@pytest.fixture
async def operator(settings: Settings, cluster: Server, source: FakeItemSource, looks: Checks) -> AsyncIterator[Operator]:
    access = ClusterAccess(server=cluster.url, ssl_context=None, token=None)
    async with KubernetesApi(access, user_agent="x", observer=lambda *_: None) as api:
        parts = build(settings, api=api, source=source, token=Confidential(b"fake"), metrics=Metrics(version="0"))
        made = Operator(settings, parts, api=api, stop=StopSignal(), watch=looks, election=NoElection())  # type: ignore[arg-type]  # a stand-in
        yield made
        await made.stop()


@contextlib.asynccontextmanager
async def running(operator: Operator) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(operator.run())
    try:
        yield task
    finally:
        await given_up(task)


@contextlib.asynccontextmanager
async def run_until_sigterm(settings: Settings, watching: asyncio.Event, **changed: Any) -> AsyncIterator[None]:
    """The operator as the command runs it, from when it watches; a signal ends it, with 0."""
    task = asyncio.create_task(app.run(settings.model_copy(update=changed)))
    await soon(watching.wait())
    yield
    os.kill(os.getpid(), signal.SIGTERM)
    assert await soon(task) == 0


def no_pause(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses take no time; returns how long they would have been."""
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(app.asyncio, "sleep", pause)  # type: ignore[attr-defined]
    return pauses


def statuses(cluster: Server) -> list[str]:
    return [request.path for request in cluster.seen if request.path.endswith("/status")]


async def fails(*_: object, **__: object) -> None:
    raise ZeroDivisionError


async def test_nothing_is_written_before_the_first_poll_has_ended(
    operator: Operator, cluster: Server, watching: asyncio.Event, source: FakeItemSource
) -> None:
    cluster.routes[f"{CRD}/onepassworditems"] = reply({"items": [ITEM | {"spec": {"itemPath": "refused without a question"}}]})
    source.gate = asyncio.Event()
    async with running(operator):
        await soon(watching.wait())
        await until(lambda: source.in_flight)
        await turns(100)
        assert operator._parts.use_cases.shared.queue.depth() == 1
        assert statuses(cluster) == []
        source.gate.set()
        await until(lambda: statuses(cluster))


async def test_it_waits_for_the_crd(
    operator: Operator, cluster: Server, watching: asyncio.Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(crd, "CHECK_SECONDS", 0.0)
    served = cluster.routes.pop(CRD)
    cluster.script(*[reply({}, status=404)] * 2, FORBIDDEN, served)
    async with running(operator):
        await soon(watching.wait())
    reported = [record.__dict__["detail"] for record in caplog.records if record.getMessage() == "not ready"]
    assert len(reported) == 2
    assert "kubectl apply -f crds/" in reported[0]


async def test_it_waits_for_the_first_complete_lists(
    operator: Operator, cluster: Server, watching: asyncio.Event, source: FakeItemSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.outage = BackendUnavailableError("down")  # which keeps nobody from being ready
    lists = cluster.routes.pop("/api/v1/secrets")
    cluster.script(FORBIDDEN, lists)
    pauses = no_pause(monkeypatch)
    assert operator.unready()
    async with running(operator):
        await soon(watching.wait())
        await until(lambda: operator.unready() == operator.unhealthy() == "")
    assert 2.0 in pauses


@pytest.mark.parametrize(("part", "method", "task"), [(Poller, "poll", "poller"), (SecretWatcher, "run", "secret-watch")])
async def test_a_supervised_task_that_fails_ends_the_run(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, part: type, method: str, task: str
) -> None:
    monkeypatch.setattr(part, method, fails)
    await failing(ZeroDivisionError, soon(operator.run()))
    assert task in operator.unhealthy()


async def test_a_signal_that_kopf_caught_first_stops_the_operator(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    async def returns(**_: Any) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr(watches, "run_kopf", returns)
    async with running(operator):
        await soon(operator._stop.given.wait())
        assert operator.unhealthy() == ""


async def test_resyncs_go_on_after_one_that_failed(operator: Operator, cluster: Server, caplog: pytest.LogCaptureFixture) -> None:
    operator._settings = operator._settings.model_copy(update={"resync_seconds": 0.0})
    async with running(operator) as task:
        await until(lambda: statuses(cluster))
        cluster.routes["/api/v1/secrets"] = FORBIDDEN
        await until(lambda: any(record.getMessage() == "namespace is not served" for record in caplog.records))
        cluster.routes["/api/v1/secrets"] = reply({"items": []})
        seen = len(cluster.seen)
        await until(lambda: len(cluster.seen) > seen + 3)
        assert not task.done()


async def test_the_connect_server_is_looked_at_after_the_first_poll_and_sooner_again_if_it_is_not_well(
    operator: Operator, watching: asyncio.Event, looks: Checks, source: FakeItemSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = no_pause(monkeypatch)
    looks.well = False
    source.gate = asyncio.Event()
    async with running(operator):
        await soon(watching.wait())
        await until(lambda: source.in_flight)
        assert looks.count == 0
        source.gate.set()
        await until(lambda: looks.count >= 2)
        assert app.SERVER_CHECK_SECONDS in pauses
        assert operator._settings.resync_seconds not in pauses[: pauses.index(app.SERVER_CHECK_SECONDS)]
        looks.well = True
        seen = looks.count
        await until(lambda: looks.count >= seen + 2 and operator._settings.resync_seconds in pauses)


@pytest.mark.parametrize(("outage", "longest"), [(None, 60.0), (BackendUnavailableError("down"), 15.0)])
async def test_polls_are_spread_by_a_tenth_and_sooner_while_something_is_wrong(
    operator: Operator, source: FakeItemSource, monkeypatch: pytest.MonkeyPatch, *, outage: BackendUnavailableError | None, longest: float
) -> None:
    pauses = no_pause(monkeypatch)
    source.outage = outage
    polling = asyncio.create_task(operator._poll_forever())
    await until(lambda: len([pause for pause in pauses if pause]) >= 30)
    await given_up(polling)
    taken = [pause for pause in pauses if pause]
    assert all(0.9 * longest - 1 <= pause <= longest for pause in taken)  # less what the poll itself took
    assert len(set(taken)) == len(taken)


async def test_polls_that_fail_are_told_once_with_their_end(
    operator: Operator, source: FakeItemSource, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pauses = no_pause(monkeypatch)
    source.outage = BackendUnavailableError("down")
    polling = asyncio.create_task(operator._poll_forever())
    await until(lambda: len(pauses) >= 30)
    source.outage = None
    await until(lambda: len(pauses) >= 60)
    await given_up(polling)
    told = [record.getMessage() for record in caplog.records if "poll" in record.getMessage()]
    assert told == ["poll failed", "1Password answers polls again"]


async def test_a_pending_restart_found_at_the_start_is_taken_up(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[str] = []
    monkeypatch.setattr(operator._parts.use_cases.shared.index.states, "pending_namespaces", lambda: {"app"})
    monkeypatch.setattr(operator._parts.use_cases.rollouts, "wake", woken.append)
    operator._wake_pending()
    assert woken == ["app"]


class TestRun:
    async def test_a_signal_ends_it_with_0_and_what_kopf_leaves_behind_is_no_traceback_in_the_log(
        self, settings: Settings, watching: asyncio.Event, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A task of kopf's that is cancelled while it starts ends with an error that nobody asks for any more."""
        caplog.set_level(logging.INFO)
        async with run_until_sigterm(settings, watching):
            (start,) = [record for record in caplog.records if record.getMessage() == "starting"]
            assert vars(start)["connect"] == "http://127.0.0.1:1"
            assert any("--enable-http2 is accepted" in record.getMessage() for record in caplog.records)
        caplog.set_level(logging.DEBUG)
        asyncio.get_running_loop().call_exception_handler({"message": "never retrieved", "exception": OSError("a fake error")})
        (record,) = [record for record in caplog.records if record.getMessage() == "left behind by the stop"]
        assert (record.levelno, record.exc_info) == (logging.DEBUG, None)

    async def test_a_connect_that_hangs_does_not_hold_up_the_end(self, settings: Settings, watching: asyncio.Event) -> None:
        async with scripted_server() as connect:
            connect.script(*[connect.hang()] * 10)
            async with run_until_sigterm(settings, watching, connect_host=connect.url):
                await soon(connect.until_seen(1))

    async def test_what_is_known_of_connect_and_its_token_is_a_metric_over_https_if_there_is_a_certificate(
        self, settings: Settings, watching: asyncio.Event, tmp_path: pathlib.Path
    ) -> None:
        pair, port = Authority(tmp_path / "authority", "a").server("tls"), free_port()
        claims = base64.urlsafe_b64encode(b'{"exp": 4102444800}').rstrip(b"=").decode()
        (tmp_path / "token").write_text(f"a.{claims}.c")
        async with scripted_server() as connect:
            connect.routes["/health"] = reply({"version": "1.8.1"})
            connect.script(reply("busy", status=502))
            from_file = {"connect_host": connect.url, "connect_token": None, "connect_token_file": str(tmp_path / "token")}
            secure = {"metrics_cert_path": str(tmp_path / "authority"), "metrics_bind_address": f"127.0.0.1:{port}"}
            async with run_until_sigterm(settings, watching, **from_file, **secure), aiohttp.ClientSession() as session:
                await until(lambda: "/health" in connect.paths())
                trust = client_tls(pair.certificate.read_text())
                async with session.get(f"https://127.0.0.1:{port}/metrics", ssl=trust) as response:
                    shown = await response.text()
        assert connect.seen[0].headers["Authorization"] == f"Bearer a.{claims}.c"
        assert claims not in shown
        for line in (
            'connect_retries_total{route="GET /v1/vaults"} 1.0',
            'requests_total{code="502",route="GET /v1/vaults",side="connect"} 1.0',
            "connect_calls_in_flight 0.0",
            "connect_circuit_open 0.0",
            "connect_token_expiry_timestamp_seconds 4.1024448e+09",
        ):
            assert f"onepassword_operator_{line}" in shown

    async def test_connections_leave_through_the_proxies_of_the_settings(
        self, settings: Settings, watching: asyncio.Event, tmp_path: pathlib.Path, cluster: Server
    ) -> None:
        """The API server's name is known to the proxy alone, and so is Connect's; the latter's port leads nowhere."""
        kubeconfig = tmp_path / "config"
        kubeconfig.write_text(kubeconfig.read_text().replace(cluster.url, "http://kubernetes.example"))
        names = {"kubernetes.example:80": ("127.0.0.1", int(cluster.url.rpartition(":")[2]))}
        async with forward_proxy(ForwardProxy(names=names)) as proxy:
            through = {"http_proxy": pydantic.SecretStr(proxy.url), "connect_host": "http://connect.example:8080"}
            async with run_until_sigterm(settings, watching, **through):
                await until(lambda: "connect.example:8080" in proxy.targets())
                assert proxy.targets() == {"kubernetes.example:80", "connect.example:8080"}

    async def test_a_failure_ends_it_with_1(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Poller, "poll", fails)
        assert await soon(app.run(settings)) == 1

    async def test_without_a_cluster_it_does_not_start(self, settings: Settings) -> None:
        await failing(KubeconfigError, app.run(settings.model_copy(update={"kubeconfig": "/absent"})))


class Electoral:
    """`Election` as a test wants it."""

    def __init__(self) -> None:
        self.won, self.lost = asyncio.Event(), asyncio.Event()
        self.released_after: list[str] = []
        self.tasks: Callable[[], list[str]] = list
        self.led_elsewhere_until = -math.inf

    def seconds_left(self) -> float:
        return 10.0 if self.won.is_set() and not self.lost.is_set() else 0.0

    async def acquire(self) -> float:
        await self.won.wait()
        return self.led_elsewhere_until

    async def renew(self) -> None:
        await self.lost.wait()

    async def release(self) -> None:
        self.released_after = self.tasks()


@pytest.fixture
def election(operator: Operator) -> Electoral:
    made = Electoral()
    operator._election = made
    return made


def alive() -> list[str]:
    return [
        task.get_name()
        for task in asyncio.all_tasks()
        if task.get_name().startswith(("worker", "poller", "restarts", "releases", "events", "last-events"))
    ]


async def test_a_replica_that_stands_by_is_ready_watches_and_asks_1password_for_nothing(
    operator: Operator, cluster: Server, source: FakeItemSource, watching: asyncio.Event, election: Electoral, looks: Checks
) -> None:
    async with running(operator):
        await soon(watching.wait())
        await turns(100)
        assert (operator.unready(), operator.unhealthy(), alive()) == ("", "", [])
        assert (source.requests, statuses(cluster), looks.count) == ([], [], 0)
        election.won.set()
        await until(lambda: statuses(cluster))


@pytest.mark.parametrize(("margin", "owed"), [(1.0, False), (-1.0, True)])
async def test_who_takes_over_answers_no_refresh_that_the_former_leader_had_time_for_and_every_other_one(
    operator: Operator, election: Electoral, margin: float, owed: object
) -> None:
    key, parts = SecretKey("app", "db"), operator._parts
    ready = {"type": "Ready", "status": "True", "reason": "Synced", "message": "", "lastTransitionTime": ""}
    parts.use_cases.observe.record(onepassword_item.from_dict(ITEM | {"status": {"conditions": [ready]}}, parts.rendering))
    parts.use_cases.shared.index.refreshes.ask(key)
    had_time_for = operator._settings.staleness_limit_seconds + operator._settings.polling_interval
    election.led_elsewhere_until = parts.use_cases.shared.index.refreshes.asked_at(key) + had_time_for + margin
    election.won.set()
    parts.use_cases.shared.namespaces.allow("", Access.LISTS)
    leading = asyncio.create_task(operator._lead())
    await until(alive)
    assert parts.use_cases.shared.index.refreshes.is_asked(key) is owed
    leading.cancel()


async def test_a_full_resync_of_a_replica_that_stands_by_is_one_of_the_cluster_alone(
    operator: Operator, cluster: Server, source: FakeItemSource, election: Electoral
) -> None:
    operator._settings = operator._settings.model_copy(update={"resync_seconds": 0.0})
    async with running(operator):
        await until(lambda: cluster.paths().count("/api/v1/secrets") > 3)
    assert not election.seconds_left()
    assert source.requests == []


async def test_every_start_of_the_watches_is_followed_by_a_resync_until_one_succeeds(
    operator: Operator, cluster: Server, watching: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SECOND_RESYNC_SECONDS", 0.01)
    monkeypatch.setattr(app, "LONGEST_RESYNC_PAUSE_SECONDS", 0.01)
    async with running(operator):
        await soon(watching.wait())
        await until(lambda: cluster.paths().count("/api/v1/secrets") == 2)
        lists = cluster.routes["/api/v1/secrets"]
        cluster.routes["/api/v1/secrets"] = FORBIDDEN
        operator._watching("")
        await until(operator._namespaces.refused)
        cluster.routes["/api/v1/secrets"] = lists
        await until(lambda: not operator._namespaces.refused())


async def test_full_polls_are_on_time_however_often_watches_start(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, looks: Checks
) -> None:
    polls: list[tuple[float, bool]] = []
    now, sleep = [0.0], asyncio.sleep

    async def poll(*, full: bool = False) -> None:
        polls.append((now[0], full))
        operator._watching("")

    async def pause(seconds: float) -> None:
        now[0] += seconds
        await sleep(0)

    monkeypatch.setattr(operator._parts.use_cases.poller, "poll", poll)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("asyncio.sleep", pause)
    polling = asyncio.create_task(operator._poll_forever())
    while now[0] < 3000:
        await sleep(0)
    await given_up(polling)
    interval = operator._settings.resync_seconds
    assert [round(at / interval, 3) for at, full in polls if full] == [1.0, 2.0, 3.0, 4.0]
    assert len(polls) < 60


class TestNamespaces:
    """Three namespaces, of which the second is in trouble."""

    @pytest.fixture
    def settings(self, settings: Settings, cluster: Server, monkeypatch: pytest.MonkeyPatch) -> Settings:
        monkeypatch.setattr(app, "RESYNCS_AT_ONCE", 1)
        monkeypatch.setattr(slots, "SLOW_SECONDS", 0.01)
        for namespace in "abc":
            for path in (f"{CRD}/namespaces/{namespace}/onepassworditems", f"/apis/apps/v1/namespaces/{namespace}/deployments"):
                cluster.routes[path] = reply({"items": []})
            cluster.routes[f"/api/v1/namespaces/{namespace}/secrets"] = reply({"items": []})
            cluster.routes[f"/api/v1/namespaces/{namespace}"] = reply({"metadata": {}})
        return settings.model_copy(update={"watch_namespace": "a,b,c"})

    @pytest.mark.parametrize("trouble", ["forbidden", "hangs"])
    async def test_the_others_are_listed_and_the_operator_is_ready(
        self, operator: Operator, cluster: Server, monkeypatch: pytest.MonkeyPatch, trouble: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(app, "FIRST_LISTS_SECONDS", 0.0)
        cluster.routes[f"{CRD}/namespaces/b/onepassworditems"] = FORBIDDEN if trouble == "forbidden" else cluster.hang()
        async with running(operator):
            await until(lambda: not operator.unready())
            await until(lambda: {"/api/v1/namespaces/a", "/api/v1/namespaces/c"} <= set(cluster.paths()))
        if trouble == "hangs":
            (reported,) = [record for record in caplog.records if record.getMessage() == "namespace not listed yet"]
            assert "b" in reported.__dict__["namespaces"]

    async def test_without_the_crd_it_is_not_ready_until_it_is_back(
        self, operator: Operator, cluster: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(crd, "CHECK_SECONDS", 0.01)
        monkeypatch.setattr(app, "LONGEST_RESYNC_PAUSE_SECONDS", 0.01)
        lists = {path: cluster.routes[path] for path in cluster.routes if path.startswith(CRD)}
        async with running(operator):
            await until(lambda: not operator.unready())
            cluster.routes |= dict.fromkeys(lists, reply({}, status=404))
            operator._namespaces.doubt("c")
            await until(operator.unready)
            cluster.routes |= lists
            await until(lambda: not operator.unready())
            await soon(operator._namespaces.until_listed("c"))
        assert not [record for record in caplog.records if record.getMessage() == "namespace is not served"]


async def test_a_leader_that_loses_the_lease_ends(operator: Operator, election: Electoral) -> None:
    election.won.set()
    election.lost.set()
    with pytest.raises(InternalError, match="leadership"):
        await soon(operator.run())


async def test_what_ends_the_process_is_logged_without_its_text_which_may_quote_a_value(
    operator: Operator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails() -> None:
        raise KeyError(planted)

    planted = "canary"
    monkeypatch.setattr(operator, "run", fails)
    assert await soon(app._until(app.StopSignal(), operator)) == 1
    assert "KeyError in fails" in caplog.text
    assert planted not in caplog.text


async def test_the_lease_is_given_up_when_nothing_is_left_to_write(operator: Operator, cluster: Server, election: Electoral) -> None:
    election.won.set()
    election.tasks = alive
    election.released_after = ["not asked yet"]
    async with running(operator):
        await until(lambda: statuses(cluster))
        assert alive()
        await operator.stop()
    assert election.released_after == []


async def test_what_waits_is_told_before_the_lease_is_given_up(operator: Operator, cluster: Server, election: Electoral) -> None:
    cluster.routes[EVENTS] = cluster.hang()
    election.won.set()
    election.tasks = cluster.paths
    async with running(operator):
        await until(lambda: EVENTS in cluster.paths() and statuses(cluster))
        cluster.routes[EVENTS] = reply({}, status=201)
        await operator.stop()
    assert election.released_after.count(EVENTS) == 2
    assert operator._parts.events.waiting() == 0


async def test_a_list_under_way_ends_with_the_operator(operator: Operator, source: FakeItemSource, cluster: Server) -> None:
    operator._parts.use_cases.poller._wait_seconds = 0.001
    async with running(operator):
        await until(lambda: statuses(cluster))
        (vault,) = operator._parts.use_cases.shared.index.item_users.vaults()
        source.gates[vault] = asyncio.Event()
        await operator._parts.use_cases.poller.poll(full=True)
        (task,) = operator._parts.use_cases.poller._lists.values()
        await operator.stop()
        await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
