"""The operator as a process, as its user runs it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from controlplane import leash
from harness.connect_process import ConnectProcess

SERVICE_ACCOUNT = "system:serviceaccount:onepassword-operator:onepassword-operator"


def free_port() -> int:
    """A port nobody listens on, below those that the kernel gives to outgoing connections and could give away before it is used."""
    while True:
        port = random.randrange(12000, 30000)  # noqa: S311  spreads test workers, guards nothing
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class OperatorProcess:
    """A running `onepassword-operator run`; its log goes to a file, at debug level."""

    def __init__(self, *, kubeconfig: Path, connect: ConnectProcess, log: Path, environment: dict[str, str], flags: list[str]) -> None:
        self.log = log
        self._probe_port, self._metrics_port = free_port(), free_port()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OP_", "ONEPASSWORD_", "KUBE"))}
        settings = {
            "OP_CONNECT_HOST": connect.url,
            "OP_CONNECT_TOKEN": connect.token,
            "KUBECONFIG": str(kubeconfig),
            "POLLING_INTERVAL": "1",
        }
        command = [
            *(sys.executable, "-m", "onepassword_operator", "--zap-log-level=debug"),
            f"--health-probe-bind-address=127.0.0.1:{self._probe_port}",
            f"--metrics-bind-address=127.0.0.1:{self._metrics_port}",
            *flags,
        ]
        with log.open("a") as file:
            self.process = subprocess.Popen(leash.command(command), env=inherited | settings | environment, stdout=file, stderr=file)

    def _get(self, port: int, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def probe(self, path: str) -> tuple[int, str]:
        """Status and text of /healthz or /readyz; 0 while nothing listens."""
        return self._get(self._probe_port, path)

    def metrics(self) -> str:
        """The exposition."""
        return self._get(self._metrics_port, "/metrics")[1]

    def wait_ready(self, *, timeout: float = 30.0) -> None:
        """Return when /readyz says so."""
        deadline = time.monotonic() + timeout
        while self.probe("/readyz")[0] != 200:
            assert self.process.poll() is None, f"the operator ended:\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"not ready within {timeout} s:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.05)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)
