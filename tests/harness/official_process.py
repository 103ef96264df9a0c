"""1Password's own operator as a process, as its chart runs it: the real program, built by `make tools`."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from controlplane import leash
from controlplane.errors import ControlPlaneError
from controlplane.launcher import find_binaries
from harness import in_pod
from harness.connect_process import ConnectProcess
from harness.operator_process import free_port

PROGRAM = "official-operator"

NAME_IN_ITS_IMAGE = "manager"
"""The API server names the field manager of its writes after the program, as `User-Agent` gives it; so it runs under this name."""

RECONCILED = re.compile(r'Reconcile successful\s.*"namespace": "(?P<namespace>[^"]*)", "name": "(?P<name>[^"]*)"')


class OfficialProcess:
    """The running program; its log goes to a file, at the level that tells of every reconciliation."""

    def __init__(
        self, *, kubeconfig: Path, connect: ConnectProcess, directory: Path, environment: dict[str, str], flags: list[str]
    ) -> None:
        self.log = directory / f"official-{time.monotonic_ns()}.log"
        self._probe_port = free_port()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OP_", "ONEPASSWORD_", "KUBE"))}
        settings = {
            "OP_CONNECT_HOST": connect.url,
            "OP_CONNECT_TOKEN": connect.token,
            "KUBECONFIG": str(kubeconfig),
            "POLLING_INTERVAL": "1",
        }
        self._environment = inherited | settings | environment
        self._command = [
            str(named_as_in_its_image(directory)),
            "--zap-log-level=5",
            f"--health-probe-bind-address=127.0.0.1:{self._probe_port}",
            "--metrics-bind-address=0",
            *flags,
        ]
        self.process = self._start(in_pod.command(self._command))
        if not self._wait_ready():
            with namespace_for_everybody():
                self.process = self._start(self._command)
                self._wait_ready()

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("a") as file:
            return subprocess.Popen(leash.command(command), env=self._environment, stdout=file, stderr=file)

    def _wait_ready(self, timeout: float = 60.0) -> bool:
        """Return when /readyz says so, or with False when the kernel refused it a mount namespace."""
        deadline = time.monotonic() + timeout
        while not self._ready():
            if self.process.poll() == in_pod.REFUSED:
                return False
            assert self.process.poll() is None, f"the official operator ended:\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"not ready within {timeout} s:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.05)
        return True

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._probe_port}/readyz", timeout=5):
                return True
        except OSError:
            return False

    def reconciled(self, name: str) -> int:
        """How many times it has come to the end with a resource or Deployment of the name."""
        return sum(found["name"] == name for found in RECONCILED.finditer(self.log.read_text(errors="replace")))

    def looks(self) -> int:
        """How many times it has begun with anything that it reconciles."""
        return self.log.read_text(errors="replace").count("\tReconciling\t")

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)


def named_as_in_its_image(directory: Path) -> Path:
    """The program under the name that it has in its image."""
    program = find_binaries() / PROGRAM
    if not os.access(program, os.X_OK):
        raise ControlPlaneError(f"{PROGRAM} not found in {program.parent}: run `make tools`")
    link = directory / NAME_IN_ITS_IMAGE
    if not link.exists():
        link.symlink_to(program)
    return link


@contextlib.contextmanager
def namespace_for_everybody() -> Iterator[None]:
    """The file of `in_pod` where every program of the machine sees it, for as long as one start takes; the way inside most containers.

    Test processes take turns, so that none removes what another is about to read.
    """
    assert os.geteuid() == 0, (
        f"the official operator reads {in_pod.NAMESPACE_FILE} at start, and this user may neither create it nor make a mount namespace "
        "that has it: run the tests as root, or allow unprivileged user namespaces"
    )
    with (Path(tempfile.gettempdir()) / "onepassword-operator-in-pod.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        made = [folder for folder in in_pod.NAMESPACE_FILE.parents if not folder.exists()]
        in_pod.NAMESPACE_FILE.parent.mkdir(parents=True, exist_ok=True)
        in_pod.NAMESPACE_FILE.write_text(in_pod.NAMESPACE)
        try:
            yield
        finally:
            in_pod.NAMESPACE_FILE.unlink()
            for folder in made:
                folder.rmdir()
