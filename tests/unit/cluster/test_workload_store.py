"""Deployments over the wire."""

import datetime
from typing import Any

import msgspec
import pytest

from fakes.calls import failing
from fakes.scripted_server import Server, reply
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.workload_store import KubernetesWorkloads
from onepassword_operator.model.errors import ClusterDeniedError, ClusterUnavailableError
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.model.workload_kind import DEPLOYMENT, KINDS
from onepassword_operator.wire.workload import from_dict

ROOT = "/apis/apps/v1/namespaces/app/deployments"
RAW: dict[str, Any] = {
    "metadata": {"namespace": "app", "name": "web", "uid": "u", "resourceVersion": "7"},
    "spec": {"template": {"spec": {"volumes": [{"secret": {"secretName": "db"}}]}}},
}
AUTO_RESTART = "operator.1password.io/auto-restart"


@pytest.fixture
def store(api: KubernetesApi) -> KubernetesWorkloads:
    return KubernetesWorkloads(api)


async def test_all_pages_of_a_namespace_or_of_the_cluster_are_listed(server: Server, store: KubernetesWorkloads) -> None:
    server.script(*[reply({"items": [RAW], "metadata": {"continue": "more"}}), reply({"items": [RAW]})] * 2)
    assert await store.list_namespace("app", DEPLOYMENT) == [from_dict(RAW)] * 2
    assert [workload async for workload in store.list_all("", DEPLOYMENT)] == [from_dict(RAW)] * 2
    assert server.paths() == [ROOT] * 2 + ["/apis/apps/v1/deployments"] * 2


async def test_one_deployment_is_read_or_absent(server: Server, store: KubernetesWorkloads) -> None:
    server.script(reply(RAW), reply({}, status=404))
    assert await store.get(ObjectRef("Deployment", "app", "web")) == from_dict(RAW)
    assert await store.get(ObjectRef("Deployment", "app", "web")) is None
    assert server.paths() == [f"{ROOT}/web"] * 2


async def test_a_pod_template_is_patched_on_exactly_what_was_read(server: Server, store: KubernetesWorkloads) -> None:
    server.script(reply(RAW))
    await store.restart(from_dict(RAW), {"a": "b"})
    (request,) = server.seen
    assert (request.method, request.path) == ("PATCH", f"{ROOT}/web")
    assert msgspec.json.decode(request.body) == {
        "metadata": {"uid": "u", "resourceVersion": "7"},
        "spec": {"template": {"metadata": {"annotations": {"a": "b"}}}},
    }


async def test_a_rollout_restarts_the_pods_of_this_second_too(server: Server, store: KubernetesWorkloads) -> None:
    server.script(reply({}))
    before = datetime.datetime.now(datetime.UTC)
    await store.restart(from_dict(RAW, KINDS["Rollout"]), {"a": "b"})
    body = msgspec.json.decode(server.seen[0].body)
    assert body["metadata"] == {"annotations": {"a": "b"}, "uid": "u", "resourceVersion": "7"}
    assert datetime.datetime.fromisoformat(body["spec"]["restartAt"]) - before > datetime.timedelta(seconds=1)


async def test_access_to_a_kind_is_listing_and_watching_none_of_its_objects(server: Server, store: KubernetesWorkloads) -> None:
    bookmark = reply('{"type": "BOOKMARK"}\n{"type": "BOOKMARK"}\n')
    message = 'deployments.apps is forbidden: User "x" cannot watch resource "deployments"'
    denied = reply({"kind": "Status", "reason": "Forbidden", "message": message}, status=403)
    server.script(reply({"items": []}), bookmark, reply({"items": []}), denied)
    await store.check_access("app", DEPLOYMENT)
    assert [(seen.path, seen.query["fieldSelector"], "watch" in seen.query) for seen in server.seen] == [
        (ROOT, "metadata.name=-", False),
        (ROOT, "metadata.name=-", True),
    ]
    with pytest.raises(ClusterDeniedError):
        await store.check_access("app", DEPLOYMENT)


@pytest.mark.official(44)
@pytest.mark.parametrize(
    ("answer", "setting"),
    [
        (reply({"metadata": {"annotations": {AUTO_RESTART: "true"}}}), "true"),
        (reply({"metadata": {"annotations": None}}), None),
        (reply({"metadata": {}}), None),
        (reply({}, status=404), None),
        (reply({"message": "namespaces is forbidden: User x"}, status=403), None),
    ],
)
async def test_a_namespace_says_whether_it_opted_in(server: Server, store: KubernetesWorkloads, answer: Any, setting: str | None) -> None:
    server.script(answer)
    assert await store.namespace_setting("app") == setting


async def test_an_unanswered_question_is_no_setting(server: Server, store: KubernetesWorkloads) -> None:
    server.script(*[reply("oops", status=500)] * 4)
    await failing(ClusterUnavailableError, store.namespace_setting("app"))
