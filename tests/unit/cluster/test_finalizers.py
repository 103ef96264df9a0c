"""The official operator's finalizer over the wire."""

from typing import Any

import msgspec
import pytest

from fakes.calls import failing
from fakes.scripted_server import Answer, Server, reply
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.finalizers import KubernetesFinalizers
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterConflictError, ClusterDeniedError
from onepassword_operator.model.target import ObjectRef

RESOURCE = ObjectRef("OnePasswordItem", "app", "db")
PATH = "/apis/onepassword.com/v1/namespaces/app/onepassworditems/db"


def shown(*finalizers: str, uid: str = "u", version: str = "7") -> dict[str, Any]:
    return {"metadata": {"namespace": "app", "name": "db", "uid": uid, "resourceVersion": version, "finalizers": list(finalizers)}}


@pytest.fixture
def finalizers(api: KubernetesApi) -> KubernetesFinalizers:
    return KubernetesFinalizers(api)


@pytest.mark.parametrize(
    ("source", "path"), [(RESOURCE, PATH), (ObjectRef("Deployment", "app", "db"), "/apis/apps/v1/namespaces/app/deployments/db")]
)
async def test_it_is_taken_from_exactly_the_object_that_was_read_and_others_stay(
    server: Server, finalizers: KubernetesFinalizers, source: ObjectRef, path: str
) -> None:
    server.script(reply(shown("theirs", names.OFFICIAL_FINALIZER, "orphan")), reply(shown("theirs", "orphan", version="8")))
    assert await finalizers.remove(source, "u") == 8
    assert [(request.method, request.path) for request in server.seen] == [("GET", path), ("PATCH", path)]
    assert msgspec.json.decode(server.seen[1].body) == {
        "metadata": {"uid": "u", "resourceVersion": "7", "finalizers": ["theirs", "orphan"]}
    }


@pytest.mark.parametrize("answer", [shown("theirs"), shown(), {"metadata": {"uid": "u", "resourceVersion": "7"}}])
async def test_where_it_is_not_nothing_is_written(server: Server, finalizers: KubernetesFinalizers, answer: Any) -> None:
    server.script(reply(answer))
    assert await finalizers.remove(RESOURCE, "u") == 7
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "answers",
    [
        [reply({}, status=404)],
        [reply(shown(names.OFFICIAL_FINALIZER, uid="another"))],
        [reply(shown(names.OFFICIAL_FINALIZER)), reply({}, status=404)],
    ],
)
async def test_what_is_gone_or_goes_or_a_namesake_is_let_be(
    server: Server, finalizers: KubernetesFinalizers, answers: list[Answer]
) -> None:
    server.script(*answers)
    assert await finalizers.remove(RESOURCE, "u") is None
    assert len(server.seen) == len(answers)


async def test_a_conflict_reads_again(server: Server, finalizers: KubernetesFinalizers) -> None:
    official = names.OFFICIAL_FINALIZER
    server.script(reply(shown(official)), reply({"message": "changed"}, status=409))
    server.script(reply(shown("new", official, version="9")), reply(shown(version="10")))
    assert await finalizers.remove(RESOURCE, "u") == 10
    assert msgspec.json.decode(server.seen[3].body)["metadata"] == {"uid": "u", "resourceVersion": "9", "finalizers": ["new"]}


async def test_conflicts_without_end_are_left_for_later(server: Server, finalizers: KubernetesFinalizers) -> None:
    for _ in range(3):
        server.script(reply(shown(names.OFFICIAL_FINALIZER)), reply({"message": "changed"}, status=409))
    with pytest.raises(ClusterConflictError, match="OnePasswordItem app/db"):
        await finalizers.remove(RESOURCE, "u")
    assert len(server.seen) == 6


async def test_a_missing_right_is_told(server: Server, finalizers: KubernetesFinalizers) -> None:
    server.script(reply(shown(names.OFFICIAL_FINALIZER)), reply({"message": "onepassworditems is forbidden: User x"}, status=403))
    await failing(ClusterDeniedError, finalizers.remove(RESOURCE, "u"))
