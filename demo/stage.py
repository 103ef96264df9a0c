"""Starts and stops the parts of the tour: control plane, embedded Connect server, operator.

All on loopback, none outlives this process.

The kernel kills each part when the thread that started it ends (`tests/controlplane/leash.py`), so
use this from the main thread.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from controlplane import access
from controlplane.launcher import ControlPlane
from demo.cluster import Cluster
from demo.errors import TourError
from harness.connect_process import ConnectProcess
from harness.operator_process import OperatorProcess, addresses, settings
from harness.paths import REPOSITORY
from harness.ports import free_port
from harness.processes import own_environment

CRD: Final = REPOSITORY / "crds" / "onepassworditems.yaml"
SEED: Final = REPOSITORY / "demo" / "seed.yaml"
OPERATOR_USER: Final = access.OPERATOR
POLL_REQUEST: Final = "GET /v1/vaults"
POLLING_SECONDS: Final = 2
LOG_LINES: Final = 15
OK: Final = 200


class Stage:
    """The running parts; a context manager that ends them, last started first."""

    plane: ControlPlane
    cluster: Cluster
    connect: ConnectProcess

    def __init__(self) -> None:
        self._closing = ExitStack()
        self._operator: OperatorProcess | None = None
        self._probe_port = free_port()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        # An impatient second Ctrl-C must not leave half of it behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._closing.close()

    def start_control_plane(self, say: Callable[[str], None]) -> None:
        """Start etcd, kube-apiserver and kube-controller-manager, and install the CRD."""
        self.plane = self._closing.enter_context(ControlPlane.start(crds=[CRD], say=say))
        environment = own_environment() | {
            "KUBECONFIG": str(self.plane.admin_kubeconfig),
            "KUBECACHEDIR": str(self.plane.directory / "kubectl"),
        }
        self.cluster = Cluster(
            self.kubectl,
            folder=REPOSITORY,
            environment=environment,
            check_alive=self._check_operator,
        )

    @property
    def kubectl(self) -> Path:
        """The kubectl that belongs to the control plane."""
        return self.plane.binaries / "kubectl"

    @property
    def operator_log(self) -> Path:
        """Where the operator's log goes; removed with the rest."""
        return self.plane.directory / "operator.log"

    @property
    def token_file(self) -> Path:
        """Where the Connect server's token is, for the owner's eyes only; removed with the rest."""
        return self.plane.directory / "connect-token"

    def connect_arguments(self) -> list[str]:
        """What the operator's command is given to be the Connect server."""
        return [
            "dev-connect",
            "--seed",
            str(SEED.relative_to(REPOSITORY)),
            "--token-file",
            str(self.token_file),
        ]

    def start_connect(self) -> None:
        """Start the embedded Connect server with the seed.

        It prints its address and its token in one line.
        """
        try:
            self.connect = ConnectProcess(
                SEED, self.plane.directory, "--token-file", str(self.token_file)
            )
        except AssertionError as error:
            raise TourError(expected="the Connect server to start", seen=str(error)) from None
        self._closing.callback(self.connect.stop)

    def operator_arguments(self) -> list[str]:
        """The operator's flags: probes on a free port of loopback, no metrics."""
        return addresses(self._probe_port)

    def start_operator(self) -> None:
        """Start the operator as its service account, and return when its /readyz says 200."""
        self._operator = OperatorProcess(
            [Path(sys.executable).with_name("onepassword-operator"), *self.operator_arguments()],
            environment=settings(
                self.plane.kubeconfig_for(OPERATOR_USER),
                self.connect,
                polling_seconds=POLLING_SECONDS,
            ),
            log=self.operator_log,
            probe_port=self._probe_port,
        )
        self._closing.callback(self.stop_operator)
        operator = self._operator
        self.cluster.until(
            lambda: operator.probe("/readyz")[0],
            lambda said: said == OK,
            expected="/readyz of the operator to say 200",
        )

    def stop_operator(self) -> int:
        """Ask the operator to end, as the kubelet would, or else kill it; return its exit code."""
        operator, self._operator = self._operator, None
        if operator is None:
            return 0
        with suppress(subprocess.TimeoutExpired):
            operator.stop()
        return operator.process.wait()

    def wait_while_running(self) -> None:
        """Return only by an exception: KeyboardInterrupt, or a TourError when the operator ends."""
        while True:
            self._check_operator()
            time.sleep(0.5)

    def log_tail(self) -> list[str]:
        """The last lines of the operator's log."""
        if not hasattr(self, "plane") or not self.operator_log.exists():
            return ["(the operator was not started)"]
        return self.operator_log.read_text(errors="replace").splitlines()[-LOG_LINES:]

    def _check_operator(self) -> None:
        if self._operator and not self._operator.alive():
            raise TourError(
                expected="the operator to keep running",
                seen=f"it ended with code {self._operator.process.returncode}",
            )


def requests_if_quiet(stage: Stage) -> dict[str, int]:
    """Return the requests to Connect so far, and reset them unless all are idle polls."""
    asked = stage.connect.counts()
    if not asked.keys() <= {POLL_REQUEST}:
        stage.connect.reset()
    return asked
