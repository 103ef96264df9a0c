"""An operator to measure, given as a command: ours, or another with the same variables and flags.

Its process, and what it costs.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bench import gauges
from controlplane.errors import ControlPlaneError
from harness.connect_process import ConnectProcess
from harness.official_process import PeerProcess
from harness.operator_process import OperatorProcess, addresses, settings
from harness.ports import free_port

AS_DEPLOYED = Path(__file__).with_name("as_deployed.py")
OURS, PEER = "ours", "peer"
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
            raise ControlPlaneError(
                f"{program} is no program: PEER is the command of the operator to compare with"
            )
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
        self._ready_seconds = 0.0
        probe_port = free_port()
        kind = OperatorProcess if contender.is_ours else PeerProcess
        self._operator = kind(
            [*contender.command, "--zap-log-level=info", *addresses(probe_port), *start.flags],
            environment=settings(
                start.kubeconfig, start.connect, polling_seconds=start.interval_seconds
            )
            | start.environment,
            log=start.log,
            probe_port=probe_port,
        )

    @property
    def started(self) -> float:
        """When, by the monotonic clock."""
        return self._operator.started

    @property
    def pid(self) -> int:
        """The process number, for the gauges."""
        return self._operator.process.pid

    def wait_answering(self) -> float:
        """Seconds from the start until /readyz said yes for the first time that anybody asked."""
        if not self._ready_seconds:
            self._operator.wait_ready(timeout=START_SECONDS)
            self._ready_seconds = time.monotonic() - self.started
        return self._ready_seconds

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._operator.alive()

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
        self._operator.process.send_signal(number)
        return time.monotonic()

    def stop(self) -> float:
        """SIGTERM, and SIGKILL for what does not end; the seconds it took."""
        asked = time.monotonic()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._operator.stop()
        return time.monotonic() - asked
