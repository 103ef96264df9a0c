"""Reads CPU, memory and request counts of the operator from outside, and what the rest of the machine is doing."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from pathlib import Path

import psutil

from bench.figures import Counts, Surroundings
from cluster.operator_process import SERVICE_ACCOUNT, OperatorProcess

MIB = 1024 * 1024
_SAMPLE = re.compile(r'^onepassword_operator_requests_total\{code="[^"]*",route="([^"]*)",side="kubernetes"\} (\S+)$', re.MULTILINE)


def cpu_seconds(pid: int) -> float:
    """User and system time of a live process by its CPU clock: psutil's steps of 10 ms are coarser than an idle poll."""
    return time.clock_gettime((~pid << 3) | 2)  # CPUCLOCK_SCHED of the process, as clock_getcpuclockid(3) makes it


def rss_mib(pid: int) -> float:
    """Memory that is resident now."""
    return float(psutil.Process(pid).memory_info().rss) / MIB


def peak_rss_mib(pid: int) -> float:
    """The most memory that was ever resident; the kernel keeps it, psutil does not show it on Linux."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def kubernetes_requests(operator: OperatorProcess) -> Counts:
    """The operator's own count, by verb and resource. kopf's watches are not in it."""
    found: Counter[str] = Counter()
    for route, value in _SAMPLE.findall(operator.metrics()):
        found[route] += int(float(value))
    return dict(found)


def since(earlier: Counts, later: Counts) -> Counts:
    """What was added to a counter; nothing is left out that moved."""
    return {name: grown for name, count in sorted(later.items()) if (grown := count - earlier.get(name, 0))}


class AuditLog:
    """The API server's record of what the operator asked."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def now(self) -> int:
        """This moment, for `counts`: how long the log is. Cheap, unlike the counting."""
        return self._path.stat().st_size

    def counts(self, start: int, end: int) -> Counts:
        """Requests between two moments, by verb and resource; a watch counts when it begins, everything else when it ends."""
        found: Counter[str] = Counter()
        with self._path.open("rb") as file:
            file.seek(start)
            for line in file.read(end - start).splitlines(keepends=True):
                if line.endswith(b"\n") and SERVICE_ACCOUNT.encode() in line and (name := _request(line)):
                    found[name] += 1
        return dict(sorted(found.items()))


def _request(line: bytes) -> str:
    entry = json.loads(line)
    begins = entry["stage"] == "ResponseStarted"
    if entry["user"]["username"] != SERVICE_ACCOUNT or begins != (entry["verb"] == "watch"):
        return ""
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

    def surroundings(self) -> Surroundings:
        """The figures so far."""
        seconds = time.monotonic() - self._started
        busy, stolen = _machine_seconds()
        others = (busy - self._busy) - (_own_seconds() - self._own)
        return Surroundings(
            load_before=self._load,
            load_after=os.getloadavg()[0],
            others_cores=max(others / seconds, 0.0),
            stolen_cores=(stolen - self._stolen) / seconds,
        )


def _machine_seconds() -> tuple[float, float]:
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq, times.steal


def _own_seconds() -> float:
    # This process, the children it has waited for, and the live ones: control plane, Connect, operator.
    me = psutil.Process()
    own = me.cpu_times()
    total = own.user + own.system + own.children_user + own.children_system
    for child in me.children(recursive=True):
        times = child.cpu_times()
        total += times.user + times.system
    return float(total)
