"""What whoever runs the operator sees of it: probes, metrics, exit codes, the CRD that is missing, the rights it uses."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld
from harness.kube_proxy import CutWatches, Respond, Rule
from harness.operator_process import OperatorProcess
from harness.paths import REPOSITORY
from harness.waiting import eventually

pytestmark = pytest.mark.cluster

SEED: dict[str, Any] = {"vaults": [{"name": "v", "items": [{"title": "db", "fields": {"password": "canary-password-1"}}]}]}


def value(metrics: str, name: str) -> float:
    """A metric's value; labels as written in the exposition."""
    return float(next(line for line in metrics.splitlines() if line.startswith(name + " ")).split()[-1])


def test_metrics_tell_what_happened(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    operator = world.operator()
    world.item("db", "vaults/v/items/db")
    world.item("bad", "nonsense")
    world.wait_ready("db")
    world.deployment("web", "db")
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.rollouts("web", 2)
    world.no_marks()
    world.patch_secret("db", {"data": {"password": "ZWRpdGVk"}})
    world.wait_data("db", {"password": b"canary-password-2"})
    world.connect.wait_polls(1)
    text = operator.metrics()
    prefix = "onepassword_operator_"
    assert value(text, prefix + "last_successful_poll_timestamp_seconds") > 1.7e9
    assert value(text, prefix + 'requests_total{code="200",route="GET /v1/vaults",side="connect"}') >= 3
    assert value(text, prefix + 'requests_total{code="201",route="create secrets",side="kubernetes"}') == 1
    assert value(text, prefix + 'syncs_total{reason="Synced"}') >= 3
    assert value(text, prefix + 'syncs_total{reason="InvalidItemPath"}') == 1
    assert value(text, prefix + "drift_repairs_total") == 1
    assert value(text, prefix + "workload_restarts_total") == 1
    assert value(text, prefix + "pending_restarts") == 0
    assert value(text, prefix + "queue_depth") == 0
    assert value(text, prefix + "resync_found_total") == 0


def test_a_pending_restart_shows_in_the_metrics(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    operator = world.operator()
    world.item("db", "vaults/v/items/db")
    world.wait_ready("db")
    world.deployment("web", "db")
    world.proxy.add(Rule(Respond(403, "Forbidden", 'admission webhook "x" denied'), verb="patch", resource="deployments"))
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    eventually(lambda: value(operator.metrics(), "onepassword_operator_pending_restarts"), lambda number: number == 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_soon(make_world: MakeWorld, number: signal.Signals) -> None:
    world = make_world(SEED)
    operator = world.operator()
    operator.process.send_signal(number)
    assert operator.process.wait(10) == 0
    assert "Traceback" not in world.log.read_text()


def test_without_the_crd_it_is_not_ready_says_how_to_apply_it_and_recovers(
    control_plane: ControlPlane, tmp_path: Path, make_world: MakeWorld
) -> None:
    world = make_world(SEED)
    with ControlPlane.start(binaries=control_plane.binaries) as bare:
        connected = Observer.connect(bare.admin_kubeconfig)
        try:
            operator = OperatorProcess.start(
                kubeconfig=bare.kubeconfig_for("admin"), connect=world.connect, log=tmp_path / "bare.log", environment={}, flags=[]
            )
            eventually(lambda: operator.probe("/healthz"), lambda answer: answer == (200, "ok"))
            status, text = operator.probe("/readyz")
            assert (status, "CRD" in text) == (503, True)
            said = eventually((tmp_path / "bare.log").read_text, lambda text: "kubectl apply -f crds/" in text)
            crds = connected.extensions
            crds.create_custom_resource_definition(yaml.safe_load((REPOSITORY / "crds" / "onepassworditems.yaml").read_text()))
            operator.wait_ready()
            assert said.count("kubectl apply -f crds/") == 1
            assert operator.stop() == 0
        finally:
            connected.close()


def test_the_log_is_json_on_request(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.operator("--zap-encoder=json")
    lines = [json.loads(line) for line in world.log.read_text().splitlines()]
    assert all({"ts", "level", "logger", "msg"} <= line.keys() for line in lines)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["ts"]) for line in lines)


def test_a_long_name_of_a_resource_is_no_problem(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    world.operator()
    name = "x" * 240 + ".long"
    world.item(name, "vaults/v/items/db")
    world.wait_ready(name)
    eventually(lambda: world.events(name), lambda events: events == [("Normal", "Created")])


@pytest.mark.timeout(180)
def test_watches_that_the_api_server_ends_are_started_again(make_world: MakeWorld) -> None:
    world = make_world(SEED)
    operator = world.operator(POLLING_INTERVAL="60")
    refused = world.proxy.add(Rule(Respond(503, "ServiceUnavailable"), verb="watch"))
    world.proxy.remove(world.proxy.add(Rule(CutWatches())))
    eventually(world.log.read_text, lambda text: "watches ended, starting them again" in text, timeout=60)
    world.item("meanwhile", "vaults/v/items/db")
    world.proxy.remove(refused)
    world.wait_ready("meanwhile", timeout=40)
    world.item("db", "vaults/v/items/db")
    world.wait_ready("db", timeout=40)
    assert operator.probe("/healthz") == (200, "ok")
