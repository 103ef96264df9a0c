"""An operator as a process: ours as its user runs it, or any command with the same variables and flags."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.error
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness import processes
from harness.connect_process import ConnectProcess
from harness.ports import free_port
from harness.waiting import eventually


def settings(kubeconfig: Path, connect: ConnectProcess, *, polling_seconds: int = 1) -> dict[str, str]:
    """The environment of an operator that follows this Connect server."""
    return processes.own_environment() | {
        "OP_CONNECT_HOST": connect.url,
        "OP_CONNECT_TOKEN": connect.token,
        "KUBECONFIG": str(kubeconfig),
        "POLLING_INTERVAL": str(polling_seconds),
    }


def addresses(probe_port: int, metrics_port: int = 0) -> list[str]:
    """The flags that say where an operator answers; without a port, it has no metrics."""
    metrics = f"127.0.0.1:{metrics_port}" if metrics_port else "0"
    return [f"--health-probe-bind-address=127.0.0.1:{probe_port}", f"--metrics-bind-address={metrics}"]


class OperatorProcess:
    """A running operator; its log goes to a file."""

    stop_seconds = 20.0

    def __init__(
        self, command: Sequence[str | Path], *, environment: Mapping[str, str], log: Path, probe_port: int, metrics_port: int = 0
    ) -> None:
        self.log = log
        self._probe_port, self._metrics_port = probe_port, metrics_port
        self.started = time.monotonic()
        self.process: subprocess.Popen[bytes] = processes.launch(command, environment=environment, log=log)

    @staticmethod
    def start(
        *, kubeconfig: Path, connect: ConnectProcess, log: Path, environment: dict[str, str], flags: Sequence[str]
    ) -> OperatorProcess:
        """`onepassword-operator` at debug level."""
        probe_port, metrics_port = free_port(), free_port()
        return OperatorProcess(
            [sys.executable, "-m", "onepassword_operator", "--zap-log-level=debug", *addresses(probe_port, metrics_port), *flags],
            environment=settings(kubeconfig, connect) | environment,
            log=log,
            probe_port=probe_port,
            metrics_port=metrics_port,
        )

    def _get(self, port: int, path: str) -> tuple[int, str]:
        try:
            with processes.ask(f"http://127.0.0.1:{port}{path}", timeout=5) as response:
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
        return self._get(self._metrics_port, "/metrics")[1]

    def metric(self, name: str) -> float:
        """A metric's value, its name without our prefix and its labels as the exposition writes them; 0 while it is not there."""
        found = [line for line in self.metrics().splitlines() if line.startswith(f"onepassword_operator_{name} ")]
        return float(found[0].split()[-1]) if found else 0.0

    def wait_ready(self, *, timeout: float = 30.0) -> None:

        def status() -> int:
            assert self.alive(), f"the operator ended with code {self.process.returncode}:\n{processes.log_tail(self.log)}"
            return self.probe("/readyz")[0]

        eventually(
            status,
            lambda seen: seen == 200,
            timeout=timeout,
            what="200 of /readyz",
            describe=lambda seen: f"{seen}\n{processes.log_tail(self.log)}",
        )

    def alive(self) -> bool:
        return self.process.poll() is None

    def peak_memory(self) -> int:
        """The most memory (resident, in bytes) that it has had, since its start or since /proc/PID/clear_refs was told to forget."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (kilobytes,) = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
        return int(kilobytes) * 1024

    def stop(self) -> int:
        return processes.end(self.process, timeout=self.stop_seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
