"""examples/operator-and-server.sh runs both on a cluster, and ends both."""

import base64
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from controlplane import leash
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness.processes import own_environment
from harness.waiting import eventually
from harness.world import GROUP, PLURAL

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "operator-and-server.sh"
SEED: dict[str, Any] = {"vaults": [{"name": "Prod", "items": [{"title": "billing db", "fields": {"password": "fake-canary"}}]}]}

pytestmark = pytest.mark.cluster


@pytest.fixture
def running(installed: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[psutil.Popen]:
    seed = tmp_path / "seed.yaml"
    seed.write_text(yaml.safe_dump(SEED))
    environment = {
        **own_environment(),
        "KUBECONFIG": str(installed.admin_kubeconfig),
        "WATCH_NAMESPACE": namespace,
        "SEED": str(seed),
        "OP_CONNECT_TOKEN": "of-another-server",
        "PROGRAM": f"{sys.executable} -m onepassword_operator",
        "TMPDIR": str(tmp_path),
    }
    flags = ["--metrics-bind-address=0", "--health-probe-bind-address=0"]
    with (tmp_path / "log").open("w") as log:
        command = leash.command(["/bin/bash", str(SCRIPT), *flags])
        process = psutil.Popen(command, env=environment, stdout=log, stderr=log)
    yield process
    for left in (*process.children(recursive=True), process) if process.is_running() else ():
        left.kill()
    process.wait(10)


def test_a_resource_becomes_a_secret_and_a_signal_ends_both(
    running: psutil.Popen, observer: Observer, namespace: str, tmp_path: Path
) -> None:
    spec = {"itemPath": "vaults/Prod/items/billing db"}
    resource = {"apiVersion": "/".join(GROUP), "kind": "OnePasswordItem", "metadata": {"name": "db"}, "spec": spec}
    observer.custom.create_namespaced_custom_object(*GROUP, namespace, PLURAL, resource)
    secrets = eventually(lambda: observer.core.list_namespaced_secret(namespace).items, len, timeout=30, what="a Secret")
    assert base64.b64decode(secrets[0].data["password"]) == b"fake-canary"
    started = running.children(recursive=True)
    assert len([process for process in started if "onepassword_operator" in process.cmdline()]) == 2
    running.send_signal(signal.SIGTERM)
    assert running.wait(30) == 0
    assert not psutil.wait_procs(started, timeout=10)[1]
    assert {path.name for path in tmp_path.iterdir()} == {"seed.yaml", "log"}, "its folder is gone"
    assert "fake-canary" not in (tmp_path / "log").read_text()
    assert subprocess.run(["bash", "-n", str(SCRIPT)], check=False).returncode == 0
