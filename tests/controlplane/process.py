"""One program of the control plane: its port, its process, its log, its readiness.

Starts child processes and asks them over HTTP on loopback whether they are ready.
"""

import http.client
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controlplane import leash
from controlplane.errors import ControlPlaneError

START_TIMEOUT_SECONDS = 60.0  # a loaded machine is slow, not broken
STOP_TIMEOUT_SECONDS = 3.0
POLL_SECONDS = 0.03
LOG_LINES_SHOWN = 20


class ReservedPort:
    """A free loopback port that nobody else is given while this object lives.

    The socket is bound and never listens; programs that set SO_REUSEPORT may listen on the port beside it. Without it, two control
    planes that start at once could be given the same port between the search for a free one and its use.
    """

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]

    def close(self) -> None:
        self._socket.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An HTTP address that answers 200 when its program is ready."""

    port: int
    path: str
    tls: ssl.SSLContext | None

    def answers(self) -> bool:
        if self.tls is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        else:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=self.tls)
        try:
            connection.request("GET", self.path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class Program:
    """A running program that dies with the process that started it."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                leash.command(list(command)), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_ready(self, probe: Probe) -> None:
        """Return when the probe answers; raise with the end of the log when the program dies or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not probe.answers():
            if self._process.poll() is not None:
                raise ControlPlaneError(f"{self.name} ended with code {self._process.returncode} at start:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"{self.name} is not ready after {START_TIMEOUT_SECONDS:.0f} s:\n{self.log_tail()}")
            time.sleep(POLL_SECONDS)

    def log_tail(self) -> str:
        """The last lines of the log, and where the rest is."""
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:]
        return "\n".join([*(f"    {line}" for line in lines), f"  (end of {self.log})"])

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
