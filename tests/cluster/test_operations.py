"""What whoever runs the operator sees of it: probes, metrics, exit codes, the CRD that is missing, the rights it uses."""

import json
import re
import signal

import pytest

from harness.fixtures import MakeWorld
from harness.proxy.rules import CutWatches, Respond, Rule
from harness.waiting import eventually
from harness.world import seed

pytestmark = pytest.mark.cluster

SEED = seed(db="canary-password-1")


def test_metrics_tell_what_happened(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin("db")
    operator = world.operators[0]
    world.item("bad", "nonsense")
    world.deployment("web", "db")
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.rollouts("web", 2)
    world.no_marks()
    world.patch_secret("db", {"data": {"password": "ZWRpdGVk"}})
    world.wait_data("db", {"password": b"canary-password-2"})
    world.connect.wait_polls(1)
    assert operator.metric("last_successful_poll_timestamp_seconds") > 1.7e9
    assert operator.metric('requests_total{code="200",route="GET /v1/vaults",side="connect"}') >= 3
    assert operator.metric('requests_total{code="201",route="create secrets",side="kubernetes"}') == 1
    assert operator.metric('syncs_total{reason="Synced"}') >= 3
    exact = {'syncs_total{reason="InvalidItemPath"}': 1, "drift_repairs_total": 1, "workload_restarts_total": 1}
    exact |= dict.fromkeys(("pending_restarts", "queue_depth", "resync_found_total"), 0)
    assert {name: operator.metric(name) for name in exact} == exact
    assert all(f"\nonepassword_operator_{name} " in operator.metrics() for name in exact)
    world.proxy.add(Rule(Respond(403, "Forbidden", 'admission webhook "x" denied'), verb="patch", resource="deployments"))
    world.connect.edit("v", "db", fields={"password": "canary-password-3"})
    eventually(lambda: operator.metric("pending_restarts"), lambda number: number == 1)


def test_the_log_is_json_on_request_and_ctrl_c_ends_it_cleanly_and_soon(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    operator = world.operator("--zap-encoder=json")
    operator.process.send_signal(signal.SIGINT)
    assert operator.process.wait(10) == 0
    lines = [json.loads(line) for line in world.log.read_text().splitlines()]
    assert all({"ts", "level", "logger", "msg"} <= line.keys() for line in lines)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"]) for line in lines)
    assert "Traceback" not in world.log.read_text()


@pytest.mark.timeout(180)
def test_watches_that_the_api_server_ends_are_started_again(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin(POLLING_INTERVAL="60")
    refused = world.proxy.add(Rule(Respond(503, "ServiceUnavailable"), verb="watch"))
    world.proxy.remove(world.proxy.add(Rule(CutWatches())))
    eventually(world.log.read_text, lambda text: "watches ended, starting them again" in text, timeout=60)
    world.item("meanwhile", "vaults/v/items/db")
    world.proxy.remove(refused)
    world.wait_ready("meanwhile", timeout=40)
    world.item("db", "vaults/v/items/db")
    world.wait_ready("db", timeout=40)
    assert world.operators[0].probe("/healthz") == (200, "ok")
