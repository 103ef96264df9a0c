"""The Lease over the wire, and where it lives."""

import pathlib
from typing import Any

import msgspec
import pytest

from fakes.calls import failing
from fakes.scripted_server import Server, reply
from onepassword_operator.cluster import lease
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.lease import KubernetesLease, home_namespace
from onepassword_operator.model.errors import ClusterAbsentError, ClusterConflictError, ClusterDeniedError, ClusterError
from onepassword_operator.model.lease import HeldLease, LeaseRecord

RECORD = LeaseRecord(holder="me", lease_seconds=15, acquired="a", renewed="r", transitions=1)
COLLECTION = "/apis/coordination.k8s.io/v1/namespaces/ops/leases"
RAW: dict[str, Any] = {"metadata": {"name": "one-team", "resourceVersion": "7"}, "spec": RECORD.to_spec()}


@pytest.fixture
def store(api: KubernetesApi) -> KubernetesLease:
    return KubernetesLease(api, namespace="ops", name="one-team")


async def test_the_lease_is_read_or_absent(server: Server, store: KubernetesLease) -> None:
    server.script(reply(RAW), reply({}, status=404))
    assert await store.get() == HeldLease(RECORD, "7")
    assert await store.get() is None
    assert server.paths() == [f"{COLLECTION}/one-team"] * 2


@pytest.mark.parametrize("members", [{}, {"spec": None}, {"spec": {}}, {"spec": dict.fromkeys(RECORD.to_spec())}])
async def test_what_a_lease_lacks_counts_as_expired(server: Server, store: KubernetesLease, members: dict[str, Any]) -> None:
    server.script(reply({"metadata": RAW["metadata"]} | members))
    assert await store.get() == HeldLease(LeaseRecord(holder="", lease_seconds=0, acquired="", renewed="", transitions=0), "7")


async def test_a_first_lease_is_created(server: Server, store: KubernetesLease) -> None:
    shown = RAW | {"spec": RAW["spec"] | {"renewTime": "r000"}}  # the API server pads its times, and what counts is what was sent
    server.script(reply(shown, status=201))
    assert await store.write(RECORD, basis=None) == HeldLease(RECORD, "7")
    sent = msgspec.json.decode(server.seen[0].body)
    assert (server.seen[0].method, server.paths(), sent["spec"]) == ("POST", [COLLECTION], RECORD.to_spec())
    assert sent["metadata"] == {"name": "one-team", "namespace": "ops"}


@pytest.mark.parametrize(("status", "kind"), [(403, ClusterDeniedError), (404, ClusterAbsentError)])
async def test_a_namespace_where_no_lease_may_be_is_named_with_the_flag(
    server: Server, store: KubernetesLease, status: int, kind: type[ClusterError]
) -> None:
    refusal = {"message": 'leases "x" is forbidden: User "me" cannot create resource "leases" in API group "g" in the namespace "ops"'}
    server.script(*[reply(refusal, status=status)] * 2)
    said = [str(await failing(kind, store.write(RECORD, basis=basis))) for basis in (None, HeldLease(RECORD, "6"))]
    assert all(each.endswith('; the Lease belongs in namespace "ops", which --leader-election-namespace changes') for each in said)


async def test_a_lease_is_replaced_only_as_it_was_read(server: Server, store: KubernetesLease) -> None:
    server.script(reply({"reason": "Conflict"}, status=409))
    await failing(ClusterConflictError, store.write(RECORD, basis=HeldLease(RECORD, "6")))
    assert server.seen[0].method == "PUT"
    assert msgspec.json.decode(server.seen[0].body)["metadata"]["resourceVersion"] == "6"


@pytest.mark.parametrize(
    ("chosen", "variable", "mounted", "context", "expected"),
    [
        ("chosen", "pod", "mounted", "context", "chosen"),
        ("", "pod", "mounted", "context", "pod"),
        ("", "", "mounted", "context", "mounted"),
        ("", "", "", "context", "context"),
        ("", "", "", "", "default"),
    ],
)
def test_the_lease_lives_in_the_namespace_that_is_chosen_else_the_pods_else_the_kubeconfigs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, chosen: str, variable: str, mounted: str, context: str, expected: str
) -> None:
    monkeypatch.setattr(lease, "SERVICE_ACCOUNT", tmp_path)
    if mounted:
        (tmp_path / "namespace").write_text(mounted + "\n")
    assert home_namespace(chosen, {"POD_NAMESPACE": variable} if variable else {}, context=context) == expected
