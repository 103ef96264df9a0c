"""The Kubernetes proxy names what passes, and does to it what its rules say and nothing else."""

import itertools
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3
import yaml

from controlplane import access
from controlplane.launcher import ControlPlane
from harness.kube_proxy import KubeProxy
from harness.proxy.rules import CallAfter, CallBefore, HoldEvents, Rule

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

    def watch(self) -> urllib3.BaseHTTPResponse:
        """A watch of what happens from now on."""
        since = self.call("GET", self.maps)[1]["metadata"]["resourceVersion"]
        path = f"{self._server}{self.maps}?watch=true&resourceVersion={since}"
        return self._pool.request("GET", path, preload_content=False, timeout=10)

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


def next_names(watch: urllib3.BaseHTTPResponse, count: int) -> list[str]:
    """The names of the next objects, without the one that Kubernetes puts into every new namespace at some moment."""
    names = (json.loads(watch.readline())["object"]["metadata"]["name"] for _ in itertools.count())
    return list(itertools.islice((name for name in names if name != "kube-root-ca.crt"), count))


def test_requests_are_recorded_by_their_kubernetes_names(proxy: KubeProxy, client: Client, namespace: str) -> None:
    about = {"kind": "Namespace", "name": namespace, "namespace": namespace}
    event = {"metadata": {"name": "an-event"}, "involvedObject": about, "type": "Normal", "reason": "Test"}
    client.create("one")
    client.call("GET", f"{client.maps}/one")
    client.call("GET", client.maps)
    client.call("DELETE", f"{client.maps}/one")
    client.call("GET", "/apis/apps/v1/deployments")
    client.call("GET", f"/api/v1/namespaces/{namespace}")
    client.call("POST", f"/api/v1/namespaces/{namespace}/events", event)
    client.call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/nobody/token", {})
    seen = [(r.verb, r.resource, r.subresource, r.namespace, r.name, r.status) for r in proxy.requests]
    assert seen == [
        ("create", "configmaps", "", namespace, "one", 201),
        ("get", "configmaps", "", namespace, "one", 200),
        ("list", "configmaps", "", namespace, "", 200),
        ("delete", "configmaps", "", namespace, "one", 200),
        ("list", "deployments", "", "", "", 200),
        ("get", "namespaces", "", namespace, namespace, 200),
        ("create", "events", "", namespace, "an-event", 201),
        ("create", "serviceaccounts", "token", namespace, "nobody", 404),
    ]
    assert {r.user_agent for r in proxy.requests} == {"proxy-test"}
    assert [r.resource for r in proxy.writes(events=False) if r.committed] == ["configmaps", "configmaps"]


@pytest.mark.parametrize(("action", "there", "seen"), [(CallBefore, set(), (None, False)), (CallAfter, {"one"}, (201, True))])
def test_a_hook_may_drop_a_request_before_and_after_its_commit_and_change_the_rules(
    proxy: KubeProxy, client: Client, action: type[CallBefore | CallAfter], there: set[str], seen: tuple[int | None, bool]
) -> None:
    def drop(_request: object) -> bool:
        proxy.clear()
        return False

    proxy.add(Rule(action(drop), verb="create", resource="configmaps"))
    with pytest.raises(ABORTED):
        client.create("one")
    assert client.names() == there
    assert [(r.status, r.committed) for r in proxy.writes()] == [seen]
    assert client.create("two") == 201


def test_held_events_come_in_order_after_release(proxy: KubeProxy, client: Client) -> None:
    watch = client.watch()
    client.create("zero")
    assert next_names(watch, 1) == ["zero"]
    held = proxy.add(Rule(HoldEvents(), resource="configmaps"))
    late = client.watch()  # a watch that opens under the rule gets its headers, so that its client believes in it
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
