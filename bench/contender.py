"""An operator to measure, given as a command: ours, or another with the same variables and flags. Its process, and what it costs."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench import gauges
from controlplane import leash
from controlplane.errors import ControlPlaneError
from harness import in_pod
from harness.connect_process import ConnectProcess
from harness.official_process import namespace_for_everybody
from harness.operator_process import free_port

AS_DEPLOYED = Path(__file__).with_name("as_deployed.py")
OURS, PEER = "ours", "peer"
STOP_SECONDS = 40.0
START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """Who is measured."""

    name: str
    command: tuple[str, ...]

    @classmethod
    def ours(cls) -> Self:
        """The operator of this repository."""
        return cls(name=OURS, command=(sys.executable, "-P", str(AS_DEPLOYED)))

    @classmethod
    def peer(cls, command: str) -> Self:
        """Another one; the command may have arguments."""
        program, *arguments = shlex.split(command)
        path = Path(program).resolve()
        if not os.access(path, os.X_OK):
            raise ControlPlaneError(f"{program} is no program: PEER is the command of the operator to compare with")
        return cls(name=PEER, command=(str(path), *arguments))

    @property
    def is_ours(self) -> bool:
        """Whether the deployed role is enough, and a start costs little."""
        return self.name == OURS


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a process is started with."""

    kubeconfig: Path
    connect: ConnectProcess
    log: Path
    interval_seconds: int
    environment: dict[str, str]
    flags: tuple[str, ...] = ()


class Running:
    """A process of a contender."""

    def __init__(self, contender: Contender, start: Start) -> None:
        self.interval_seconds = start.interval_seconds
        self._log = start.log
        self._ready_seconds = 0.0
        self._probe_port = free_port()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OP_", "ONEPASSWORD_", "KUBE"))}
        settings = {
            "OP_CONNECT_HOST": start.connect.url,
            "OP_CONNECT_TOKEN": start.connect.token,
            "KUBECONFIG": str(start.kubeconfig),
            "POLLING_INTERVAL": str(start.interval_seconds),
        }
        self._environment = inherited | settings | start.environment
        command = [
            *contender.command,
            "--zap-log-level=info",
            f"--health-probe-bind-address=127.0.0.1:{self._probe_port}",
            "--metrics-bind-address=0",
            *start.flags,
        ]
        self.started = time.monotonic()
        self._process = self._spawn(command if contender.is_ours else in_pod.command(command))
        if not contender.is_ours:
            self._insist(command)

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self._log.open("a") as file:
            return subprocess.Popen(leash.command(command), env=self._environment, stdout=file, stderr=file)

    def _insist(self, command: list[str]) -> None:
        # Where the kernel gives it no mount namespace, everybody has to see the file that it looks for, until it has read it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._process.wait(0.3) == in_pod.REFUSED:
                with namespace_for_everybody():
                    self.started = time.monotonic()
                    self._process = self._spawn(command)
                    self.wait_answering()

    @property
    def pid(self) -> int:
        """The process number, for the gauges."""
        return self._process.pid

    def wait_answering(self) -> float:
        """Seconds from the start until /readyz said yes for the first time that anybody asked."""
        while not self._ready_seconds and not self._answers():
            if (code := self._process.poll()) is not None:
                raise RuntimeError(f"the operator ended with code {code}:\n{self._log.read_text(errors='replace')[-3000:]}")
            if time.monotonic() > self.started + START_SECONDS:
                raise RuntimeError(
                    f"the operator is not ready after {START_SECONDS:.0f} s:\n{self._log.read_text(errors='replace')[-3000:]}"
                )
            time.sleep(0.05)
        self._ready_seconds = self._ready_seconds or time.monotonic() - self.started
        return self._ready_seconds

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._probe_port}/readyz", timeout=5):
                return True
        except OSError:
            return False

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        return gauges.cpu_seconds(self.pid)

    def rss_mib(self) -> float:
        """What is resident now."""
        return gauges.status_mib(self.pid, "VmRSS")

    def peak_rss_mib(self) -> float:
        """The most that ever was."""
        return gauges.status_mib(self.pid, "VmHWM")

    def signal(self, number: signal.Signals) -> float:
        """Send a signal; when."""
        self._process.send_signal(number)
        return time.monotonic()

    def stop(self) -> float:
        """SIGTERM, and SIGKILL for what does not end; the seconds it took."""
        asked = time.monotonic()
        if self.alive():
            self._process.send_signal(signal.SIGCONT)
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return time.monotonic() - asked
