"""The Kubernetes proxy names what passes, and does to it what its rules say and nothing else."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3
import yaml

from controlplane import access
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness.kube_proxy import (
    WRITES,
    CallAfter,
    CallBefore,
    CutWatches,
    Delay,
    DropAfterForward,
    DropBeforeForward,
    HoldEvents,
    KubeProxy,
    Request,
    Respond,
    Rule,
)
from harness.waiting import eventually

pytestmark = pytest.mark.cluster

ABORTED = (urllib3.exceptions.ProtocolError, urllib3.exceptions.SSLError)


class Client:
    """A client that never retries, so that a test sees each connection's fate."""

    def __init__(self, proxy: KubeProxy, namespace: str) -> None:
        config = yaml.safe_load(proxy.kubeconfig_for(access.ADMIN).read_text())
        cluster = config["clusters"][0]["cluster"]
        headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}", "User-Agent": "proxy-test"}
        self._pool = urllib3.PoolManager(ca_certs=cluster["certificate-authority"], headers=headers, retries=False, maxsize=20)
        self._server = cluster["server"]
        self.maps = f"/api/v1/namespaces/{namespace}/configmaps"

    def call(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        answer = self._pool.request(method, self._server + path, json=body)
        return answer.status, answer.json()

    def create(self, name: str) -> int:
        return self.call("POST", self.maps, {"metadata": {"name": name}})[0]

    def names(self) -> set[str]:
        return {found["metadata"]["name"] for found in self.call("GET", self.maps)[1]["items"]} - {"kube-root-ca.crt"}

    def watch(self, query: str = "", *, accept: str = "application/json") -> urllib3.BaseHTTPResponse:
        headers = {**self._pool.headers, "Accept": accept}
        return self._pool.request("GET", f"{self._server}{self.maps}?watch=true{query}", headers=headers, preload_content=False, timeout=10)

    def close(self) -> None:
        self._pool.clear()


@pytest.fixture
def proxy(control_plane: ControlPlane) -> Iterator[KubeProxy]:
    with KubeProxy(control_plane) as running:
        yield running


@pytest.fixture
def client(proxy: KubeProxy, namespace: str) -> Iterator[Client]:
    connected = Client(proxy, namespace)
    yield connected
    connected.close()


def maps_since_now(client: Client) -> str:
    """A query for a watch of what happens from now on."""
    return f"&resourceVersion={client.call('GET', client.maps)[1]['metadata']['resourceVersion']}"


def next_names(watch: urllib3.BaseHTTPResponse, count: int) -> list[str]:
    """The names of the next objects, without the one that Kubernetes puts into every new namespace at some moment."""
    names = (json.loads(watch.readline())["object"]["metadata"]["name"] for _ in itertools.count())
    return list(itertools.islice((name for name in names if name != "kube-root-ca.crt"), count))


def test_requests_are_recorded_by_their_kubernetes_names(proxy: KubeProxy, client: Client, namespace: str) -> None:
    client.create("one")
    client.call("GET", f"{client.maps}/one")
    client.call("GET", client.maps)
    client.call("PUT", f"{client.maps}/one?dryRun=All", {"metadata": {"name": "one"}})
    client.call("DELETE", f"{client.maps}/one")
    client.call("GET", "/apis/apps/v1/deployments")
    client.call("GET", f"/api/v1/namespaces/{namespace}")
    client.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/nobody/token", {})
    seen = [(r.verb, r.group, r.resource, r.subresource, r.namespace, r.name, r.status) for r in proxy.requests]
    assert seen == [
        ("create", "", "configmaps", "", namespace, "one", 201),
        ("get", "", "configmaps", "", namespace, "one", 200),
        ("list", "", "configmaps", "", namespace, "", 200),
        ("update", "", "configmaps", "", namespace, "one", 200),
        ("delete", "", "configmaps", "", namespace, "one", 200),
        ("list", "apps", "deployments", "", "", "", 200),
        ("get", "", "namespaces", "", namespace, namespace, 200),
        ("create", "", "serviceaccounts", "token", namespace, "nobody", 404),
    ]
    assert [r.number for r in proxy.requests] == list(range(1, 9))
    assert {r.user_agent for r in proxy.requests} == {"proxy-test"}
    assert [r.verb for r in proxy.requests if r.committed] == ["create", "delete"]
    assert [r.dry_run for r in proxy.requests].index(True) == 3


def test_writes_of_events_are_told_apart(proxy: KubeProxy, client: Client, namespace: str) -> None:
    about = {"kind": "Namespace", "name": namespace, "namespace": namespace}
    event = {"metadata": {"name": "an-event"}, "involvedObject": about, "type": "Normal", "reason": "Test"}
    client.create("one")
    assert client.call("POST", f"/api/v1/namespaces/{namespace}/events", event)[0] == 201
    assert [r.resource for r in proxy.writes()] == ["configmaps", "events"]
    assert [r.resource for r in proxy.writes(events=False)] == ["configmaps"]


def test_the_official_client_works_through_it(proxy: KubeProxy, namespace: str) -> None:
    with Observer.connect(proxy.kubeconfig_for(access.ADMIN)) as connected:
        connected.core.create_namespaced_config_map(namespace, {"metadata": {"name": "one"}, "data": {"key": "ü" * 400_000}})
        assert connected.core.read_namespaced_config_map("one", namespace).data["key"] == "ü" * 400_000


def test_delay_forwards_later(proxy: KubeProxy, client: Client) -> None:
    proxy.add(Rule(Delay(0.4), verb="create", times=1))
    started = time.monotonic()
    assert client.create("one") == 201
    assert time.monotonic() - started >= 0.4
    client.create("two")
    assert time.monotonic() - started < 0.8


def test_respond_answers_with_a_status_and_forwards_nothing(proxy: KubeProxy, client: Client) -> None:
    rule = proxy.add(Rule(Respond(429, "TooManyRequests", "slow down", retry_after=7), verb="create", resource="configmaps", nth=2))
    assert client.create("one") == 201
    status, body = client.call("POST", client.maps, {"metadata": {"name": "two"}})
    assert (status, body["kind"], body["reason"], body["details"]["retryAfterSeconds"]) == (429, "Status", "TooManyRequests", 7)
    assert client.create("three") == 201
    assert client.names() == {"one", "three"}
    assert rule.matched == 3
    assert [(r.status, r.forwarded, r.faults) for r in proxy.writes()][1] == (429, False, ("Respond",))


def test_a_removed_rule_does_nothing(proxy: KubeProxy, client: Client) -> None:
    proxy.remove(proxy.add(Rule(Respond(500))))
    proxy.add(Rule(Respond(500)))
    proxy.clear()
    assert client.create("one") == 201


def test_drop_before_forward_never_sends(proxy: KubeProxy, client: Client) -> None:
    proxy.add(Rule(DropBeforeForward(), verb="create", name="one"))
    with pytest.raises(ABORTED):
        client.create("one")
    assert client.create("two") == 201
    assert client.names() == {"two"}
    assert [(r.status, r.forwarded) for r in proxy.writes()] == [(None, False), (201, True)]


def test_drop_after_forward_loses_the_answer_of_a_write_that_is_done(proxy: KubeProxy, client: Client) -> None:
    proxy.add(Rule(DropAfterForward(), verb=WRITES, resource="configmaps", times=1))
    with pytest.raises(ABORTED):
        client.create("one")
    assert client.names() == {"one"}
    assert [(r.status, r.committed, r.faults) for r in proxy.writes()] == [(201, True, ("DropAfterForward",))]


def test_held_events_come_in_order_after_release(proxy: KubeProxy, client: Client) -> None:
    watch = client.watch(maps_since_now(client))
    held = proxy.add(Rule(HoldEvents(), resource="configmaps"))
    late = client.watch(maps_since_now(client))  # a watch that opens under the rule gets its headers, so that its client believes in it
    for name in ("one", "two", "three"):
        client.create(name)
    with ThreadPoolExecutor() as threads:
        readers = [threads.submit(next_names, each, 3) for each in (watch, late)]
        time.sleep(0.3)
        assert not any(reader.done() for reader in readers)
        held.release()
        assert [reader.result(5) for reader in readers] == [["one", "two", "three"]] * 2
    watch.close()
    late.close()


def test_cut_watches_end_cleanly(proxy: KubeProxy, client: Client) -> None:
    watch = client.watch(maps_since_now(client))
    proxy.remove(proxy.add(Rule(CutWatches(), resource="configmaps")))
    assert watch.readline() == b""
    proxy.add(Rule(CutWatches(lifetime=0.2), resource="configmaps"))
    started = time.monotonic()
    assert client.watch(maps_since_now(client)).readline() == b""
    assert 0.2 <= time.monotonic() - started < 2


def test_events_pass_at_once_and_a_client_that_leaves_ends_its_watch(proxy: KubeProxy, client: Client) -> None:
    watch = client.watch(maps_since_now(client))
    client.create("one")
    assert next_names(watch, 1) == ["one"]
    watch.close()
    eventually(lambda: not proxy._forwarder._streams, timeout=5, what="the proxy to end the watch")


def test_events_in_protobuf_pass_at_once_too(client: Client) -> None:
    """They have no line feeds at their ends, and may have some inside."""
    ours = f"{maps_since_now(client)}&fieldSelector=metadata.name!=kube-root-ca.crt"
    watch = client.watch(ours, accept="application/vnd.kubernetes.protobuf;stream=watch")
    for name in ("one", "two", "three"):
        client.create(name)
        event = watch.read(int.from_bytes(watch.read(4), "big"))
        assert name.encode() in event
    watch.close()


@pytest.mark.parametrize(("action", "expected"), [(CallBefore, set()), (CallAfter, {"one"})])
def test_a_client_can_be_killed_before_and_after_a_commit(
    proxy: KubeProxy, client: Client, action: type[CallBefore | CallAfter], expected: set[str]
) -> None:
    victim = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])

    def kill(_request: Request) -> bool:
        victim.kill()
        return False

    proxy.add(Rule(action(kill), verb="create", resource="configmaps"))
    with pytest.raises(ABORTED):
        client.create("one")
    assert victim.wait(5) == -9
    assert client.names() == expected


def test_a_hook_may_change_the_rules(proxy: KubeProxy, client: Client) -> None:
    proxy.add(Rule(CallBefore(lambda _request: proxy.clear()), verb="create"))
    proxy.add(Rule(Respond(500), verb="create", nth=2))
    assert [client.create("one"), client.create("two")] == [201, 201]


def test_wait_for_blocks_until_a_request_has_been_answered(proxy: KubeProxy, client: Client) -> None:
    proxy.add(Rule(Delay(0.3), verb="create"))
    with ThreadPoolExecutor() as threads:
        threads.submit(client.create, "one")
        arrived = proxy.wait_for(lambda r: r.name == "one", 5)
        answered = proxy.wait_for(lambda r: r.name == "one" and r.status is not None, 5)
    assert (arrived.status, answered.status, arrived.number) == (None, 201, answered.number)
    with pytest.raises(TimeoutError, match="no such request"):
        proxy.wait_for(lambda r: r.name == "never", 0.1)


def test_it_carries_hundreds_of_requests_a_second_over_few_connections(proxy: KubeProxy, client: Client) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(20) as threads:
        statuses = list(threads.map(lambda _: client.call("GET", client.maps)[0], range(1000)))
    assert set(statuses) == {200}
    assert len(proxy.requests) == 1000
    rate = 1000 / (time.monotonic() - started)
    print(f"{rate:.0f} requests/s")
    assert rate > 100
