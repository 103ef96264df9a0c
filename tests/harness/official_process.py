"""1Password's own operator as a process, as its chart runs it: the real program, built by `make tools`."""

import contextlib
import fcntl
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from controlplane.errors import ControlPlaneError
from controlplane.launcher import find_binaries
from harness import in_pod
from harness.connect_process import ConnectProcess
from harness.operator_process import OperatorProcess, addresses, settings
from harness.ports import free_port

PROGRAM = "official-operator"

NAME_IN_ITS_IMAGE = "manager"
"""The API server names the field manager of its writes after the program, as `User-Agent` gives it; so it runs under this name."""

RECONCILED = re.compile(r'Reconcile successful\s.*"namespace": "(?P<namespace>[^"]*)", "name": "(?P<name>[^"]*)"')


class PeerProcess(OperatorProcess):
    """An operator that looks for the files of a pod when it starts, as the official one does."""

    stop_seconds = 40.0

    def __init__(self, command: Sequence[str | Path], *, environment: Mapping[str, str], log: Path, probe_port: int) -> None:
        if refused():
            with namespace_for_everybody():
                super().__init__(command, environment=environment, log=log, probe_port=probe_port)
                self.wait_ready(timeout=60)
        else:
            super().__init__(in_pod.command([str(part) for part in command]), environment=environment, log=log, probe_port=probe_port)


class OfficialProcess(PeerProcess):
    """The running program; its log goes to a file, at the level that tells of every reconciliation."""

    def __init__(
        self, *, kubeconfig: Path, connect: ConnectProcess, directory: Path, environment: dict[str, str], flags: Sequence[str]
    ) -> None:
        probe_port = free_port()
        super().__init__(
            [named_as_in_its_image(directory), "--zap-log-level=5", *addresses(probe_port), *flags],
            environment=settings(kubeconfig, connect) | environment,
            log=directory / f"official-{time.monotonic_ns()}.log",
            probe_port=probe_port,
        )
        self.wait_ready(timeout=60)

    def reconciled(self, name: str) -> int:
        """How many times it has come to the end with a resource or Deployment of the name."""
        return sum(found["name"] == name for found in RECONCILED.finditer(self.log.read_text(errors="replace")))

    def looks(self) -> int:
        """How many times it has begun with anything that it reconciles."""
        return self.log.read_text(errors="replace").count("\tReconciling\t")


def refused() -> bool:
    return subprocess.run(in_pod.command(["/bin/true"]), capture_output=True, check=False).returncode == in_pod.REFUSED


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
