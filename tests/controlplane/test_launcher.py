"""The local control plane behaves like a cluster, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from controlplane import launcher, workspace
from controlplane.errors import ControlPlaneError
from controlplane.process import Probe, Program
from harness.waiting import eventually

pytestmark = pytest.mark.cluster

OWNER_THAT_STARTS_AND_WAITS = """
import signal
from controlplane.launcher import ControlPlane
plane = ControlPlane.start()
print(plane.directory, *(program.pid for program in plane.programs), flush=True)
signal.pause()
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_killed_run_leaves_no_process_and_its_directory_is_swept_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    tests = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-c", OWNER_THAT_STARTS_AND_WAITS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(tests)}) as owner:
        assert owner.stdout is not None
        directory, *numbers = owner.stdout.readline().split()
        pids = [int(number) for number in numbers]
        assert len(pids) == 3
        assert all(alive(pid) for pid in pids)
        owner.send_signal(signal.SIGKILL)
    eventually(lambda: not any(alive(pid) for pid in pids), timeout=10, what="the programs to die with their owner")
    os.utime(directory, (0, 0))
    workspace.sweep(tmp_path)
    assert not Path(directory).exists()


def test_a_directory_in_use_is_not_swept() -> None:
    with workspace.own_directory() as path:
        os.utime(path, (0, 0))
        workspace.sweep(path.parent)
        assert path.exists()
    assert not path.exists()


def test_a_missing_program_is_named_together_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(ControlPlaneError, match=r"etcd, kube-apiserver, kube-controller-manager, kubectl not found in .*: correct"):
        launcher.find_binaries()


def test_a_program_that_dies_at_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    program = Program("failing", ["/bin/sh", "-c", "seq 1 50; exit 3"], tmp_path / "failing.log")
    with pytest.raises(ControlPlaneError, match=r"failing ended with code 3 at start:\n    31\n(.*\n)+    50\n"):
        program.wait_ready(Probe(port=1, path="/", tls=None))
