"""Secrets over the wire."""

import base64
import dataclasses
from typing import Any

import msgspec
import pytest

from fakes.scripted_server import Server, reply
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.secret_store import KubernetesSecrets, to_object
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.secret import DesiredSecret, OwnerReference, SecretKey
from onepassword_operator.rules import page_size
from onepassword_operator.wire import secret

MIB = 1024 * 1024

KEY = SecretKey("app", "db")
RAW: dict[str, Any] = {
    "metadata": {"namespace": "app", "name": "db", "uid": "u", "resourceVersion": "7", "annotations": {"a": "b"}},
    "data": {"password": base64.b64encode(b"one").decode()},
}
OBSERVED = secret.from_json(msgspec.json.encode(RAW))
FOREIGN = OwnerReference(
    kind="X", name="x", uid="x", api_version="v1", raw={"apiVersion": "v1", "kind": "X", "name": "x", "uid": "x", "controller": True}
)
OWNER = OwnerReference(kind="OnePasswordItem", name="db", uid="c", api_version="onepassword.com/v1")


def desired(**members: Any) -> DesiredSecret:
    data = {"password": Confidential(b"two")}
    secret = DesiredSecret(key=KEY, type="Opaque", labels={"l": "1"}, annotations={"a": "1"}, owners=(OWNER,), data=data)
    return dataclasses.replace(secret, **members)


@pytest.fixture
def store(api: KubernetesApi) -> KubernetesSecrets:
    return KubernetesSecrets(api)


async def test_a_secret_is_read_or_absent_and_the_time_is_the_servers(server: Server, store: KubernetesSecrets) -> None:
    server.script(reply(RAW, headers={"Date": "Wed, 01 Jan 2031 00:00:00 GMT"}), reply({}, status=404))
    assert await store.get(KEY) == OBSERVED
    assert store.server_time().startswith("2031-01-01")
    assert await store.get(KEY) is None
    assert server.paths() == ["/api/v1/namespaces/app/secrets/db"] * 2


@pytest.mark.parametrize(("namespace", "path"), [("", "/api/v1/secrets"), ("a", "/api/v1/namespaces/a/secrets")])
async def test_only_ours_are_listed_of_a_namespace_or_of_the_cluster(
    server: Server, store: KubernetesSecrets, namespace: str, path: str
) -> None:
    server.script(reply({"items": [RAW]}))
    assert [found.key async for found in store.list_managed(namespace, wanted={KEY})] == [KEY]
    assert server.paths() == [path]
    assert {request.query["labelSelector"] for request in server.seen} == {"operator.1password.io/managed=true"}


async def test_of_a_secret_that_nobody_wants_nothing_but_its_name_is_decoded(server: Server, store: KubernetesSecrets) -> None:
    others = {"metadata": {"namespace": "app", "name": "others"}}  # the rest that every Secret has is missing, and nobody notices
    server.script(reply({"items": [others, RAW, others]}))
    assert [found.key async for found in store.list_managed("", wanted={KEY})] == [KEY]


async def test_secrets_may_be_large_so_the_first_page_is_small(server: Server, store: KubernetesSecrets) -> None:
    server.script(reply({"items": []}))
    assert [found async for found in store.list_managed("", wanted=set())] == []
    assert int(server.seen[0].query["limit"]) * 1.5 * MIB < page_size.CAP_BYTES


async def test_a_secret_is_created_with_values_in_base64(server: Server, store: KubernetesSecrets) -> None:
    server.script(reply(RAW, status=201))
    assert (await store.create(desired())).resource_version == 7
    (request,) = server.seen
    assert (request.method, request.path) == ("POST", "/api/v1/namespaces/app/secrets")
    owner = {"apiVersion": "onepassword.com/v1", "kind": "OnePasswordItem", "name": "db", "uid": "c"}
    metadata = {"name": "db", "namespace": "app", "labels": {"l": "1"}, "annotations": {"a": "1"}, "ownerReferences": [owner]}
    data = {"password": base64.b64encode(b"two").decode()}
    body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data}
    assert msgspec.json.decode(request.body) == body


async def test_a_secret_is_replaced_over_exactly_what_was_read(server: Server, store: KubernetesSecrets) -> None:
    server.script(reply(RAW))
    await store.replace(desired(), basis=OBSERVED)
    (request,) = server.seen
    metadata = msgspec.json.decode(request.body)["metadata"]
    assert (request.method, metadata["uid"], metadata["resourceVersion"]) == ("PUT", "u", "7")


async def test_annotations_are_set_and_removed_on_exactly_what_was_read(server: Server, store: KubernetesSecrets) -> None:
    server.script(reply(RAW))
    await store.annotate(OBSERVED, {"a": None, "b": "2"})
    (request,) = server.seen
    assert request.method == "PATCH"
    assert msgspec.json.decode(request.body) == {"metadata": {"uid": "u", "resourceVersion": "7", "annotations": {"a": None, "b": "2"}}}


async def test_owners_are_written_on_exactly_what_was_read_with_all_they_say(server: Server, store: KubernetesSecrets) -> None:
    server.script(reply(RAW))
    bare = OwnerReference(kind="Deployment", name="web", uid="w", api_version="apps/v1")
    written = await store.own(OBSERVED, (FOREIGN, bare))
    (request,) = server.seen
    assert (request.method, request.path, written.resource_version) == ("PATCH", "/api/v1/namespaces/app/secrets/db", 7)
    references = [FOREIGN.raw, {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "w"}]
    assert msgspec.json.decode(request.body) == {"metadata": {"uid": "u", "resourceVersion": "7", "ownerReferences": references}}


def test_what_was_there_before_survives_a_replace() -> None:
    body = to_object(desired(finalizers=("f",), immutable=True, owners=(FOREIGN,)))
    assert body["metadata"]["finalizers"] == ["f"]
    assert body["metadata"]["ownerReferences"] == [FOREIGN.raw]
    assert body["immutable"] is True
