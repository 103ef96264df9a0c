"""Reads a process's CPU and memory, the API server's record of requests, the machine's load."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

Counts = dict[str, int]
"""Requests by name; `GET /v1/vaults` for Connect, `create secrets` for Kubernetes."""

WRITES = ("create", "update", "patch", "delete", "deletecollection")


def cpu_seconds(pid: int) -> float:
    """User and system time of a live process by its CPU clock.

    /proc/PID/stat has the same in steps of 10 ms, coarser than a poll.
    """
    # CPUCLOCK_SCHED of the process, as clock_getcpuclockid(3) makes it.
    return time.clock_gettime((~pid << 3) | 2)


def status_mib(pid: int, name: str) -> float:
    """A size from /proc/PID/status: VmRSS is resident now, VmHWM the most that ever was."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 1024


def writes(requests: Counts) -> int:
    """Count the requests that write, without renewals of the lease, which need no work."""
    return sum(
        count
        for name, count in requests.items()
        if name.split()[0] in WRITES and not name.endswith(" leases")
    )


class AuditLog:
    """The API server's record of what the benchmark's operators asked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> int:
        """This moment, for the rest: how long the log is. Cheap, unlike the counting."""
        return self._path.stat().st_size

    def counts(self, user: str, start: int, end: int) -> Counts:
        """A user's requests between two moments, by verb and resource.

        A watch counts when it begins, everything else when it ends.
        """
        return dict(
            sorted(Counter(_name(entry) for entry in self.entries(user, start, end)).items())
        )

    def entries(self, user: str, start: int, end: int) -> Iterator[dict[str, Any]]:
        """The same, in full and in order."""
        with self._path.open("rb") as file:
            file.seek(start)
            for line in file:
                if file.tell() > end:
                    return
                if line.endswith(b"\n") and user.encode() in line:
                    entry = json.loads(line)
                    begins = entry["stage"] == "ResponseStarted"
                    if entry["user"]["username"] == user and begins == (entry["verb"] == "watch"):
                        yield entry


def _name(entry: dict[str, Any]) -> str:
    what = entry.get("objectRef") or {}
    parts = [what.get("resource") or "discovery", what.get("subresource")]
    return f"{entry['verb']} {'/'.join(part for part in parts if part)}"


class Neighbours:
    """How much of the machine went to others since this was made."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._started = time.monotonic()
        self._busy, self._stolen = _machine_seconds()
        self._own = _own_seconds()

    def figures(self) -> dict[str, float]:
        """The load before and after, and the cores that others took on average."""
        seconds = max(time.monotonic() - self._started, 0.001)
        busy, stolen = _machine_seconds()
        others = (busy - self._busy) - (_own_seconds() - self._own)
        return {
            "load_before": self._load,
            "load_after": os.getloadavg()[0],
            "others_cores": max(others / seconds, 0.0),
            "stolen_cores": (stolen - self._stolen) / seconds,
        }


def _machine_seconds() -> tuple[float, float]:
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq, times.steal


def _own_seconds() -> float:
    # This process, the children it has waited for, and the live ones: control plane, Connect,
    # operator.
    me = psutil.Process()
    own = me.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in me.children(recursive=True):
        times = child.cpu_times()
        total += times.user + times.system
    return float(total)
