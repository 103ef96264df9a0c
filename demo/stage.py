"""Starts and stops the parts of the tour: control plane, embedded Connect server, operator. All on loopback, none outlives this process.

The kernel kills each part when the thread that started it ends (`tests/controlplane/leash.py`), so use this from the main thread.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

from controlplane import leash
from controlplane.launcher import ControlPlane
from demo.cluster import Cluster
from demo.errors import TourError

REPOSITORY: Final = Path(__file__).resolve().parents[1]
CRD: Final = REPOSITORY / "crds" / "onepassworditems.yaml"
SEED: Final = REPOSITORY / "demo" / "seed.yaml"
OPERATOR_USER: Final = "system:serviceaccount:onepassword-operator:onepassword-operator"
POLLING_SECONDS: Final = 2
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 10.0
LOG_LINES: Final = 15
_FOREIGN: Final = ("OP_", "ONEPASSWORD_OPERATOR_", "WATCH_NAMESPACE", "POLLING_INTERVAL", "AUTO_RESTART", "KUBECONFIG")


class Stage:
    """The running parts; a context manager that ends them, last started first."""

    plane: ControlPlane
    cluster: Cluster
    connect_url: str

    def __init__(self) -> None:
        self._closing = ExitStack()
        self._operator: subprocess.Popen[bytes] | None = None
        self._admin = ""
        self._probe_port = free_port()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an impatient second Ctrl-C must not leave half of it behind
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._closing.close()

    def start_control_plane(self, say: Callable[[str], None]) -> None:
        """Start etcd, kube-apiserver and kube-controller-manager, with the CRD from the first second on."""
        self.plane = self._closing.enter_context(ControlPlane.start(crds=[CRD], say=say))
        environment = own_environment() | {
            "KUBECONFIG": str(self.plane.admin_kubeconfig),
            "KUBECACHEDIR": str(self.plane.directory / "kubectl"),
        }
        self.cluster = Cluster(self.kubectl, folder=REPOSITORY, environment=environment, check_alive=self._check_operator)

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

    @property
    def admin_url(self) -> str:
        """Where the embedded Connect server lets its items be edited."""
        return self._admin

    def connect_arguments(self) -> list[str]:
        """What the operator's command is given to be the Connect server."""
        return ["dev-connect", "--seed", str(SEED.relative_to(REPOSITORY)), "--token-file", str(self.token_file)]

    def start_connect(self) -> None:
        """Start the embedded Connect server with the seed; it says where it listens in one line, which holds its token too."""
        command = [str(program()), *self.connect_arguments()]
        server = self._start(command, own_environment(), stdout=subprocess.PIPE, log=self.plane.directory / "connect.log")
        if server.stdout is None or not select.select([server.stdout], [], [], START_SECONDS)[0]:
            raise TourError(expected=f"the Connect server to be ready within {START_SECONDS:.0f} s", seen="not a word from it")
        line = server.stdout.readline()
        if not line:
            raise TourError(expected="the Connect server to start", seen=(self.plane.directory / "connect.log").read_text().strip())
        reported = json.loads(line)
        self.connect_url, self._admin = reported["url"], reported["admin"]

    def operator_arguments(self) -> list[str]:
        """What the operator's command is given to be the operator: probes on a free port of loopback, no metrics."""
        return [f"--health-probe-bind-address=127.0.0.1:{self._probe_port}", "--metrics-bind-address=0"]

    def start_operator(self) -> None:
        """Start the operator as its service account, and return when its /readyz says 200."""
        environment = own_environment() | {
            "OP_CONNECT_HOST": self.connect_url,
            "OP_CONNECT_TOKEN": self.token_file.read_text(),
            "KUBECONFIG": str(self.plane.kubeconfig_for(OPERATOR_USER)),
            "POLLING_INTERVAL": str(POLLING_SECONDS),
        }
        command = [str(program()), *self.operator_arguments()]
        self._operator = self._start(command, environment, stdout=None, log=self.operator_log)
        self.cluster.until(lambda: readiness(self._probe_port), lambda said: said == "200", expected="/readyz of the operator to say 200")

    def stop_operator(self) -> int:
        """Ask the operator to end, as the kubelet would, and return its exit code."""
        operator, self._operator = self._operator, None
        return end(operator) if operator else 0

    def edit_item(self, vault: str, item: str, fields: Mapping[str, str]) -> None:
        """Edit an item in the embedded Connect server, as a person would in the 1Password app."""
        self._ask("POST", f"/vaults/{quote(vault)}/items/{quote(item)}", {"fields": fields})

    def forget_requests(self) -> None:
        """Let the embedded Connect server count from zero."""
        self._ask("DELETE", "/requests")

    def requests(self) -> dict[str, int]:
        """What the embedded Connect server was asked since then: route and how often."""
        counted: dict[str, int] = self._ask("GET", "/requests")["by_route"]
        return counted

    def _ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  JSON
        what = f"{method} {path} at the Connect server's admin port"
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(self._admin).port, timeout=START_SECONDS)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise TourError(expected=f"an answer to {what}", seen=type(error).__name__) from None
        finally:
            connection.close()
        if response.status >= 300:
            raise TourError(expected=f"success of {what}", seen=str(response.status))
        return json.loads(content or "null")

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

    def _start(self, command: list[str], environment: Mapping[str, str], *, stdout: int | None, log: Path) -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            process = subprocess.Popen(
                leash.command(command),
                cwd=REPOSITORY,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output if stdout is None else stdout,
                stderr=output,
                start_new_session=True,
            )
        self._closing.callback(end, process)
        return process

    def _check_operator(self) -> None:
        if self._operator and self._operator.poll() is not None:
            raise TourError(expected="the operator to keep running", seen=f"it ended with code {self._operator.returncode}")


def own_environment() -> dict[str, str]:
    """This process's environment without what would set up an operator or kubectl of yours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}


def program() -> Path:
    """The operator's command, beside the interpreter that runs this."""
    return Path(sys.executable).with_name("onepassword-operator")


def end(process: subprocess.Popen[bytes]) -> int:
    """SIGTERM, then SIGKILL; the exit code."""
    if process.poll() is None:
        process.terminate()
    try:
        return process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def readiness(port: int) -> str:
    """What /readyz says."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
    finally:
        connection.close()
