"""What one benchmark measures, as values, and as JSON."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Self

Counts = dict[str, int]
"""Requests by name; `GET /v1/vaults` for Connect, `create secrets` for Kubernetes."""

WRITES = ("create", "update", "patch", "delete")


def writes(requests: Counts) -> int:
    """How many of the Kubernetes requests write."""
    return sum(count for name, count in requests.items() if name.split()[0] in WRITES)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cold:
    """All resources exist, no Secret does, and the operator's process is started; until the last resource is Ready."""

    first_secret_seconds: float
    last_secret_seconds: float
    last_ready_seconds: float
    cpu_seconds: float
    peak_rss_mib: float
    connect_requests: Counts
    kubernetes_requests: Counts
    """By the operator's own counter."""
    api_server_requests: Counts
    """By the API server's audit log, which has the watches as well."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settling:
    """What is still done after the last resource is Ready, until the second poll from there."""

    connect_requests: Counts
    kubernetes_requests: Counts
    cpu_seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Nothing changes."""

    polls: int
    seconds: float
    connect_requests: Counts
    kubernetes_requests: Counts
    api_server_requests: Counts
    cpu_seconds: float
    rss_mib: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """The operator is stopped and started again with everything in place; until its second poll."""

    stop_seconds: float
    ready_seconds: float
    connect_requests: Counts
    kubernetes_requests: Counts
    api_server_requests: Counts
    cpu_seconds: float
    peak_rss_mib: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """Items in vaults of their own are edited one after the other; each edit until its Secret shows the new version."""

    seconds: list[float]
    connect_requests: Counts
    kubernetes_requests: Counts


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What else the machine did during a run."""

    load_before: float
    load_after: float
    others_cores: float
    """Cores that processes outside of the benchmark kept busy, on average."""
    stolen_cores: float
    """Cores that the hypervisor gave to other machines, on average."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pass through all phases."""

    cold: Cold
    settling: Settling
    idle: Idle
    restart: Restart
    rotation: Rotation
    surroundings: Surroundings

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Self:
        """Read what `dataclasses.asdict` wrote."""
        return cls(
            cold=Cold(**raw["cold"]),
            settling=Settling(**raw["settling"]),
            idle=Idle(**raw["idle"]),
            restart=Restart(**raw["restart"]),
            rotation=Rotation(**raw["rotation"]),
            surroundings=Surroundings(**raw["surroundings"]),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One size and latency, and its runs."""

    items: int
    latency_ms: int
    runs: list[Run]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is kept of a benchmark."""

    date: str
    machine: dict[str, str]
    interval_seconds: int
    cases: list[Case]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a report."""
        raw = json.loads(path.read_text(encoding="utf-8"))
        cases = [Case(items=c["items"], latency_ms=c["latency_ms"], runs=[Run.from_json(run) for run in c["runs"]]) for c in raw["cases"]]
        return cls(date=raw["date"], machine=raw["machine"], interval_seconds=raw["interval_seconds"], cases=cases)

    def save(self, path: Path) -> None:
        """Write the report."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(_rounded(dataclasses.asdict(self)), indent=1) + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    # A tenth of a millisecond: more digits are noise, and make every diff of the file unreadable.
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return [_rounded(inner) for inner in value] if isinstance(value, list) else value
