"""A webhook of the cluster's that changes our Secrets as they are written."""

import base64
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from controlplane.certificates import Authority
from faults.reliability_page import Findings
from harness.fixtures import MakeWorld
from harness.proxy.ledger import Request
from harness.waiting import eventually
from harness.world import World, seed

pytestmark = pytest.mark.cluster

RESYNC_SECONDS = 10
PATCH = [{"op": "add", "path": "/data/ca.crt", "value": base64.b64encode(b"pem").decode()}]


class AddsKey(http.server.BaseHTTPRequestHandler):
    """Answers each AdmissionReview with one more key of the Secret."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        patch = base64.b64encode(json.dumps(PATCH).encode()).decode()
        response = {"uid": asked["request"]["uid"], "allowed": True, "patchType": "JSONPatch", "patch": patch}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's name
        pass


@pytest.fixture
def world(make_world: MakeWorld, tmp_path: Path) -> Iterator[World]:
    """A world whose namespace has the webhook."""
    made = make_world(seed(db="canary-db-0"))
    pair = (authority := Authority(tmp_path / "webhook", "webhook")).server("webhook")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), AddsKey)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pair.certificate, pair.key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    webhook: dict[str, Any] = {
        "name": "adds-a-key.example.com",
        "clientConfig": {
            "url": f"https://127.0.0.1:{server.server_port}/",
            "caBundle": base64.b64encode(authority.certificate.read_bytes()).decode(),
        },
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": made.namespace}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"], "operations": ["CREATE", "UPDATE"]}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    admission = kubernetes.client.AdmissionregistrationV1Api(made.observer.api)
    body: Any = {"metadata": {"name": made.namespace}, "webhooks": [webhook]}
    admission.create_mutating_webhook_configuration(body)
    yield made
    admission.delete_mutating_webhook_configuration(made.namespace)
    server.shutdown()
    thread.join()
    server.server_close()


def secrets(world: World, *verbs: str) -> list[Request]:
    return [request for request in world.proxy.requests if request.resource == "secrets" and request.verb in verbs]


def test_a_webhook_that_adds_a_key_costs_one_write_per_change_and_the_resource_names_the_key(world: World, findings: Findings) -> None:
    world.begin("db", ONEPASSWORD_OPERATOR_RESYNC_SECONDS=str(RESYNC_SECONDS), AUTO_RESTART="true")
    world.wait_data("db", {"password": b"canary-db-0", "ca.crt": b"pem"})
    world.wait_ready("db")
    assert 'an admission webhook changes it on the way: key "ca.crt"' in world.condition("db")["message"]
    world.deployment("web", "db")
    world.connect.edit("v", "db", fields={"password": "canary-db-1"})
    world.rollouts("web", 2)
    world.no_marks()
    listed = len(secrets(world, "list"))
    eventually(lambda: len(secrets(world, "list")), lambda lists: lists > listed + 2, timeout=90, what="three resyncs")
    assert world.data("db") == {"password": b"canary-db-1", "ca.crt": b"pem"}
    assert [request.verb for request in secrets(world, "create", "update", "patch")] == ["create", "update", "patch"]
    assert world.replica_sets("web") == 2
    findings.beside("an admission webhook that adds a key to our Secrets", "one write, one rollout, and none at three resyncs")
