"""The use-cases as they are wired: what one of them decides reaches the one that does it."""

import contextlib
import datetime
import os
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from fakes.item_source import FakeItemSource
from fakes.scripted_server import Server, reply
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.credentials import ClusterAccess
from onepassword_operator.edges import Parts, SystemClock, build, elect
from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.outcome import Change
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import ObjectRef, Rendering
from onepassword_operator.model.workload import RestartMark
from onepassword_operator.net.proxy import DIRECT
from onepassword_operator.service.restarts.restart_workloads import NamespaceKey
from onepassword_operator.settings.schema import load
from onepassword_operator.telemetry.metrics import Metrics
from onepassword_operator.wire import onepassword_item, workload

ENVIRONMENT = {"OP_CONNECT_HOST": "http://127.0.0.1:1", "OP_CONNECT_TOKEN": "fake", "POLLING_INTERVAL": "7", "AUTO_RESTART": "true"}
METADATA: dict[str, Any] = {"namespace": "app", "name": "db", "uid": "u", "resourceVersion": "7", "finalizers": [names.OFFICIAL_FINALIZER]}


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(version="0")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("POD_NAMESPACE", raising=False)


@contextlib.asynccontextmanager
async def built(server: Server, metrics: Metrics, **flags: str) -> AsyncIterator[Parts]:
    access = ClusterAccess(server=server.url, ssl_context=None, token=None)
    async with KubernetesApi(access, user_agent="x", observer=lambda *_: None) as api:
        yield build(load(flags, os.environ), api=api, source=FakeItemSource(), token=Confidential(b"fake"), metrics=metrics)


@pytest.fixture
async def parts(server: Server, metrics: Metrics) -> AsyncIterator[Parts]:
    async with built(server, metrics) as made:
        yield made


def test_the_machines_clock_and_dice() -> None:
    clock = SystemClock()
    assert clock.monotonic() <= clock.monotonic()
    assert 0 <= clock.jitter() <= 1


def test_everything_heals_within_the_polling_interval_and_nothing_runs_yet(parts: Parts) -> None:
    uses = parts.use_cases
    assert {part._interval_seconds for part in (uses.controller, uses.restarts, uses.finalizers)} == {7.0}
    assert not uses.shared.first_poll.is_set()
    assert uses.shared.queue.depth() == 0


@pytest.mark.parametrize(("setting", "watched"), [("on", True), ("off", False)])
async def test_secrets_are_watched_or_looked_at_in_turn(server: Server, metrics: Metrics, setting: str, watched: object) -> None:
    async with built(server, metrics, secret_watch=setting) as made:
        assert (made.secret_watcher is not None) is watched
        assert (made.use_cases.patrol is None) is watched


@pytest.mark.parametrize(("setting", "on_content"), [("version", False), ("content", True)])
async def test_a_new_version_with_the_same_content_restarts_workloads_unless_the_setting_says_otherwise(
    server: Server, metrics: Metrics, setting: str, *, on_content: bool
) -> None:
    async with built(server, metrics, restart_on=setting) as made:
        assert made.use_cases.reconcile._restart_on_content is on_content


async def test_a_mark_that_is_seen_wakes_the_restarts_of_its_namespace(parts: Parts) -> None:
    parts.use_cases.observe._wake_restarts("app")
    parts.use_cases.controller._wake_restarts("app")
    assert await parts.use_cases.restarts._queue.take() == NamespaceKey("app")
    assert parts.use_cases.restarts.depth() == 1


async def test_workloads_are_restarted_if_the_setting_says_so(parts: Parts, server: Server) -> None:
    deployments = "/apis/apps/v1/namespaces/app/deployments"
    web = {"metadata": METADATA | {"name": "web"}, "spec": {"template": {"spec": {"imagePullSecrets": [{"name": "db"}]}}}}
    server.routes = {
        "/api/v1/namespaces/app": reply({"metadata": {}}),
        deployments: reply({"items": [web]}),
        f"{deployments}/web": reply(web),
        "/api/v1/namespaces/app/secrets/db": reply({}, status=404),
        "/api/v1/namespaces/app/events": reply({}, status=201),
    }
    parts.use_cases.shared.index.states.set_sealed(SecretKey("app", "db"), held=None, mark=RestartMark("v/i@2", "2024-05-01T12:00:00Z"))
    parts.use_cases.shared.first_poll.set()
    await parts.use_cases.restarts._work(NamespaceKey("app"))
    assert ("PATCH", f"{deployments}/web") in [(request.method, request.path) for request in server.seen]


async def test_a_resource_that_is_held_up_in_deletion_is_released(parts: Parts) -> None:
    raw = {"metadata": METADATA | {"deletionTimestamp": "2024-01-01T00:00:00Z"}}
    parts.use_cases.observe.record(onepassword_item.from_dict(raw, Rendering()))
    assert await parts.use_cases.finalizers._queue.take() == ObjectRef("OnePasswordItem", "app", "db")


async def test_a_deployment_that_is_held_up_for_nothing_is_released(parts: Parts, server: Server) -> None:
    parts.use_cases.observe_workloads.seen(workload.from_dict({"metadata": METADATA}))
    parts.use_cases.controller._remove_finalizer(ObjectRef("Deployment", "app", "web"))
    source = await parts.use_cases.finalizers._queue.take()
    assert parts.use_cases.finalizers.depth() == 2
    server.script(reply({"metadata": METADATA}), reply({"metadata": METADATA | {"finalizers": []}}))
    await parts.use_cases.finalizers._work(source)
    assert [(request.method, request.path) for request in server.seen] == [
        ("GET", "/apis/apps/v1/namespaces/app/deployments/db"),
        ("PATCH", "/apis/apps/v1/namespaces/app/deployments/db"),
    ]


async def test_an_event_is_posted_under_a_name_of_its_own_in_the_api_servers_time(parts: Parts, server: Server) -> None:
    claim = onepassword_item.from_dict({"metadata": METADATA | {"name": "n" * 253}}, Rendering())
    server.routes["/api/v1/namespaces/app/events"] = reply({}, status=201)
    for outcome in (Change.CREATED, Change.UPDATED):
        parts.use_cases.controller._reporter._events.changed(claim, outcome, message="text")
    await parts.events.flush()
    first, second = (msgspec.json.decode(request.body) for request in server.seen)
    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert max(len(body["metadata"]["name"]) for body in (first, second)) <= 253
    assert datetime.datetime.strptime(first["lastTimestamp"], "%Y-%m-%dT%H:%M:%S%z").tzinfo


async def test_without_election_the_operator_leads_and_asks_for_no_lease(server: Server, metrics: Metrics) -> None:
    access = ClusterAccess(server=server.url, ssl_context=None, token=None)
    async with elect(load({}, os.environ), access, way=DIRECT, metrics=metrics) as election:
        await election.acquire()
        assert election.seconds_left()
    assert server.seen == []


async def test_with_election_the_lease_is_taken_in_the_kubeconfigs_namespace_under_an_own_name(server: Server, metrics: Metrics) -> None:
    server.script(reply({}, status=404), reply({"metadata": {"resourceVersion": "1"}}, status=201))
    access = ClusterAccess(server=server.url, ssl_context=None, token=None, namespace="ops")
    async with elect(
        load({"leader_elect": "true", "leader_election_id": " one-team "}, os.environ), access, way=DIRECT, metrics=metrics
    ) as election:
        assert not election.seconds_left()
        await election.acquire()
        assert election.seconds_left()
    assert server.paths()[1] == "/apis/coordination.k8s.io/v1/namespaces/ops/leases"
    sent = msgspec.json.decode(server.seen[1].body)
    spec = sent["spec"]
    assert sent["metadata"]["name"] == "one-team"
    assert spec["holderIdentity"].startswith(os.uname().nodename + "_")
    assert datetime.datetime.strptime(spec["renewTime"], "%Y-%m-%dT%H:%M:%S.%f%z").tzinfo
