"""Events over the wire."""

from typing import Any

import msgspec
import pytest

from fakes.scripted_server import ScriptedServer, reply
from onepassword_operator.cluster import event_log
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.event_log import KubernetesEvents
from onepassword_operator.model import names
from onepassword_operator.model.errors import BackendDeniedError, BackendRateLimitedError, ItemNotFoundError
from onepassword_operator.model.outcome import Change
from onepassword_operator.model.target import Claim, Rendering
from onepassword_operator.rules import secret_use


def claim(uid: str = "u", name: str = "db") -> Claim:
    return Claim.from_object({"metadata": {"namespace": "app", "name": name, "uid": uid, "resourceVersion": "7"}}, Rendering())


@pytest.fixture
def events(api: KubernetesApi) -> KubernetesEvents:
    return KubernetesEvents(api, unique=lambda: "unique", instance="node")


@pytest.fixture(autouse=True)
def _accepting(server: ScriptedServer) -> None:
    server.script(*[reply({}, status=201)] * 10)


def bodies(server: ScriptedServer) -> list[dict[str, Any]]:
    return [msgspec.json.decode(request.body) for request in server.seen]


async def test_a_change_is_a_normal_event_on_the_resource(server: ScriptedServer, events: KubernetesEvents) -> None:
    await events.changed(claim(), Change.UPDATED, message="text")
    assert server.paths() == ["/api/v1/namespaces/app/events"]
    (body,) = bodies(server)
    assert (body["type"], body["reason"], body["message"], body["metadata"]["name"]) == ("Normal", "Updated", "text", "db.unique")
    assert body["involvedObject"] == {
        "apiVersion": "onepassword.com/v1",
        "kind": "OnePasswordItem",
        "namespace": "app",
        "name": "db",
        "uid": "u",
    }
    assert body["firstTimestamp"] == body["lastTimestamp"]


async def test_a_failure_is_a_warning_that_is_not_repeated_until_something_else_happened(
    server: ScriptedServer, events: KubernetesEvents
) -> None:
    for error in (BackendDeniedError("a"), BackendDeniedError("a"), ItemNotFoundError("b"), BackendDeniedError("a")):
        await events.failed(claim(), error)
    await events.changed(claim(), Change.UPDATED, message="text")
    await events.failed(claim(), BackendDeniedError("a"))
    assert [body["reason"] for body in bodies(server)] == ["Unauthorized", "ItemNotFound", "Unauthorized", "Updated", "Unauthorized"]
    assert bodies(server)[0]["type"] == "Warning"


async def test_a_deployment_that_asks_is_told_on_the_deployment_and_equal_warnings_once(
    server: ScriptedServer, events: KubernetesEvents
) -> None:
    annotations = {names.ITEM_NAME: "db", names.ITEM_PATH: "vaults/a/items/b"}
    raw = {"metadata": {"namespace": "app", "name": "web", "uid": "w", "resourceVersion": "1", "annotations": annotations}}
    asking = secret_use.workload(raw).claim
    assert asking
    for _ in range(3):
        await events.failed(asking, ItemNotFoundError("no such item"))
    await events.failed(asking, BackendRateLimitedError("slow down", delay_seconds=1))
    first, second = bodies(server)
    assert first["involvedObject"] == {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "app", "name": "web", "uid": "w"}
    assert (first["type"], first["reason"], first["metadata"]["name"]) == ("Warning", "ReconcileError", "web.unique")
    assert first["message"] == "Failed to sync secret from 1Password: no such item (ItemNotFound)"
    assert second["reason"] == "RateLimited"


async def test_an_answer_to_a_refresh_is_a_normal_event(server: ScriptedServer, events: KubernetesEvents) -> None:
    await events.refreshed(claim(), "text")
    (body,) = bodies(server)
    assert (body["type"], body["reason"], body["message"], body["involvedObject"]["name"]) == ("Normal", "Refreshed", "text", "db")


async def test_a_refresh_is_nothing_new_about_a_failure(server: ScriptedServer, events: KubernetesEvents) -> None:
    await events.failed(claim(), BackendDeniedError("a"))
    await events.refreshed(claim(), "text")
    await events.failed(claim(), BackendDeniedError("a"))
    assert [body["reason"] for body in bodies(server)] == ["Unauthorized", "Refreshed"]


async def test_only_so_many_resources_are_remembered(
    server: ScriptedServer, events: KubernetesEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "_REMEMBERED", 2)
    for uid in ("a", "b", "c", "a", "c"):
        await events.failed(claim(uid), BackendDeniedError("x"))
    assert [body["involvedObject"]["uid"] for body in bodies(server)] == ["a", "b", "c", "a"]


async def test_a_restart_is_a_normal_event_on_the_deployment(server: ScriptedServer, events: KubernetesEvents) -> None:
    raw = {"metadata": {"namespace": "app", "name": "web", "uid": "w", "resourceVersion": "1"}}
    await events.restarted(secret_use.workload(raw), "text")
    (body,) = bodies(server)
    assert (body["involvedObject"]["kind"], body["involvedObject"]["uid"], body["reason"]) == ("Deployment", "w", "Restarted")


async def test_restarts_that_are_taken_back_are_a_warning_on_the_deployment(server: ScriptedServer, events: KubernetesEvents) -> None:
    raw = {"metadata": {"namespace": "app", "name": "web", "uid": "w", "resourceVersion": "1"}}
    await events.reverted(secret_use.workload(raw), "text")
    (body,) = bodies(server)
    assert (body["type"], body["reason"], body["involvedObject"]["kind"]) == ("Warning", "RestartReverted", "Deployment")


async def test_long_names_and_messages_are_cut_to_what_the_api_takes(server: ScriptedServer, events: KubernetesEvents) -> None:
    await events.changed(claim(name="n" * 253), Change.UPDATED, message="x" * 5000)
    (body,) = bodies(server)
    assert len(body["metadata"]["name"]) <= 253
    assert len(body["message"]) == 1024


async def test_an_event_that_cannot_be_posted_is_nobodys_trouble(server: ScriptedServer, events: KubernetesEvents) -> None:
    server.answers.clear()
    server.script(reply({"message": "events is forbidden: User x"}, status=403))
    await events.changed(claim(), Change.UPDATED, message="text")
    assert len(server.seen) == 1
