"""Programs that run beside a test, a measurement or the demo: the kernel kills each when the thread that started it ends."""

import os
import signal
import subprocess
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from controlplane import leash

ask = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
"""One request to loopback; a proxy that the machine may have is not meant for that."""

FOREIGN = ("OP_", "ONEPASSWORD_", "WATCH_NAMESPACE", "POLLING_INTERVAL", "AUTO_RESTART", "KUBE")


def own_environment() -> dict[str, str]:
    """This process's environment without the variables that would set up an operator or kubectl of the developer's."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}


def launch(
    command: Sequence[str | Path], *, environment: Mapping[str, str], log: Path, stdout: int | None = None
) -> subprocess.Popen[bytes]:
    """Start a program whose output goes to the end of the log, in a session of its own: a Ctrl-C is for the process that started it."""
    with log.open("ab") as file:
        return subprocess.Popen(
            leash.command([str(part) for part in command]),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file if stdout is None else stdout,
            stderr=file,
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], *, timeout: float) -> int:
    """SIGTERM, also to a process that stands still; the exit code. A process that does not end in time is killed, and that is an error."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def log_tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]
