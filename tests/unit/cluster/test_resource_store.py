"""OnePasswordItems over the wire."""

from typing import Any

import msgspec
import pytest

from fakes.calls import failing
from fakes.scripted_server import Server, reply
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.resource_store import KubernetesResources
from onepassword_operator.model.errors import ClusterAbsentError, ClusterConflictError
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Rendering
from onepassword_operator.wire import onepassword_item

KEY = SecretKey("app", "db")
ROOT = "/apis/onepassword.com/v1"
PATH = f"{ROOT}/namespaces/app/onepassworditems/db"
RAW: dict[str, Any] = {
    "metadata": {"namespace": "app", "name": "db", "uid": "u", "resourceVersion": "7", "generation": 2, "annotations": {"team": "a"}},
    "spec": {"itemPath": "vaults/a/items/b"},
}
READY = Condition(
    type="Ready", status="True", reason="Synced", message="m", last_transition_time="2024-05-01T12:00:00Z", observed_generation=2
)


@pytest.fixture
def store(api: KubernetesApi) -> KubernetesResources:
    return KubernetesResources(api, rendering=Rendering(copy_annotations=True))


@pytest.mark.parametrize(
    ("answer", "served"),
    [
        (reply({"resources": [{"name": "onepassworditems/status"}, {"name": "onepassworditems"}]}), True),
        (reply({"resources": [{"name": "others"}]}), False),
        (reply({"resources": None}), False),
        (reply({}, status=404), False),
    ],
)
async def test_discovery_tells_if_the_resource_is_served(server: Server, store: KubernetesResources, answer: Any, served: object) -> None:
    server.script(answer)
    assert await store.is_served() is served
    assert server.paths() == [ROOT]


async def test_a_resource_is_read_or_absent(server: Server, store: KubernetesResources) -> None:
    server.script(reply(RAW), reply({}, status=404))
    claim = await store.get(KEY)
    assert claim
    assert (claim.uid, claim.item_path, claim.annotations) == ("u", "vaults/a/items/b", {"team": "a"})
    assert await store.get(KEY) is None
    assert server.paths() == [PATH] * 2


@pytest.mark.parametrize(("namespace", "path"), [("", f"{ROOT}/onepassworditems"), ("app", f"{ROOT}/namespaces/app/onepassworditems")])
async def test_resources_of_a_namespace_or_of_the_cluster_are_listed(server: Server, api: KubernetesApi, namespace: str, path: str) -> None:
    server.script(reply({"items": [RAW]}))
    store = KubernetesResources(api, rendering=Rendering())
    assert [(claim.key, claim.annotations) async for claim in store.list_all(namespace)] == [(KEY, {})]
    assert server.paths() == [path]


@pytest.mark.parametrize(
    ("answer", "exists"),
    [
        (reply({"metadata": {}}), True),
        (reply({}, status=404), False),
        (reply({"message": "namespaces is forbidden: User x"}, status=403), True),
    ],
)
async def test_a_namespace_is_absent_only_if_the_api_server_says_so(
    server: Server, store: KubernetesResources, answer: Any, exists: object
) -> None:
    server.script(answer)
    assert await store.namespace_exists("app") is exists
    assert server.paths() == ["/api/v1/namespaces/app"]


async def test_a_condition_is_written_to_exactly_this_resource(server: Server, store: KubernetesResources) -> None:
    server.script(reply(RAW | {"status": {"conditions": [READY.to_object()]}}))
    facts = {"secretName": "db", "itemVersion": None}
    written = await store.write_status(onepassword_item.from_dict(RAW, Rendering()), READY, facts=facts)
    assert written.ready == READY
    (request,) = server.seen
    assert (request.method, request.path) == ("PATCH", f"{PATH}/status")
    assert msgspec.json.decode(request.body) == {"metadata": {"uid": "u"}, "status": {**facts, "conditions": [READY.to_object()]}}


async def test_conditions_of_others_stay_and_are_never_overwritten_unseen(server: Server, store: KubernetesResources) -> None:
    theirs = {"type": "Approved", "status": "True", "lastTransitionTime": "2024-05-01T12:00:00Z"}
    found = onepassword_item.from_dict(RAW | {"status": {"conditions": [theirs, READY.to_object(), 5]}}, Rendering())
    server.script(reply(RAW))
    await store.write_status(found, READY, facts={})
    sent = msgspec.json.decode(server.seen[0].body)
    assert sent["status"]["conditions"] == [theirs, READY.to_object()]
    assert sent["metadata"] == {"uid": "u", "resourceVersion": RAW["metadata"]["resourceVersion"]}


@pytest.mark.parametrize(("status", "kind"), [(404, ClusterAbsentError), (409, ClusterConflictError)])
async def test_what_is_gone_or_another_takes_no_condition(
    server: Server, store: KubernetesResources, status: int, kind: type[Exception]
) -> None:
    server.script(reply({}, status=status))
    await failing(kind, store.write_status(onepassword_item.from_dict(RAW, Rendering()), READY, facts={}))
