"""What we want to reach, and where each of those figures is found among the records.

A figure that is missed stays in the table.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.contender import OURS
from bench.records import Measured, Report

Reports = Mapping[str, Report]
Read = Callable[[Measured], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One figure with its bound."""

    work: str
    figure: str
    at_most: float
    values: Callable[[Reports, str], Sequence[float]]
    """Of a contender, one per run; empty if it was not measured."""
    exact: bool = False

    def met(self, reports: Reports) -> bool | None:
        """Whether the median of ours is within the bound; None if there is none."""
        values = self.values(reports, OURS)
        if not values:
            return None
        median = statistics.median(values)
        return median == self.at_most if self.exact else median <= self.at_most


def measured(reports: Reports, scenario: str, contender: str, **case: int) -> list[Measured]:
    """All runs of a case; unnamed parts may be anything, but foreign Secrets are absent."""
    wanted = {"foreign": 0} | case
    records = reports[scenario].records if scenario in reports else []
    return [
        record.measured
        for record in records
        if record.contender == contender
        and all(record.case.get(name, 0) == value for name, value in wanted.items())
    ]


def figure(scenario: str, read: str | Read, **case: int) -> Callable[[Reports, str], list[float]]:
    """A figure of one case."""

    def values(reports: Reports, contender: str) -> list[float]:
        found = measured(reports, scenario, contender, **case)
        if callable(read):
            return [read(one) for one in found]
        return [one.figures[read] for one in found if read in one.figures]

    return values


def worst(scenario: str, name: str) -> Callable[[Reports, str], list[float]]:
    """The largest of a figure over all cases, each by the median of its runs."""

    def values(reports: Reports, contender: str) -> list[float]:
        by_case: dict[str, list[float]] = {}
        for record in reports[scenario].records if scenario in reports else []:
            if record.contender == contender:
                by_case.setdefault(repr(sorted(record.case.items())), []).append(
                    record.measured.figures[name]
                )
        return [max(statistics.median(found) for found in by_case.values())] if by_case else []

    return values


def _per_foreign(reports: Reports, contender: str) -> list[float]:
    without = [one.figures["rss_mib"] for one in measured(reports, "memory", contender, items=1000)]
    beside = [
        one.figures["rss_mib"]
        for one in measured(reports, "memory", contender, items=1000, foreign=10000)
    ]
    return (
        [1024 * (value - statistics.median(without)) / 10000 for value in beside] if without else []
    )


def _later(trouble: str) -> Read:
    def read(one: Measured) -> float:
        return (
            one.figures.get(f"{trouble}_p99_seconds", float("inf"))
            - one.figures["nothing_wrong_p99_seconds"]
        )

    return read


def _beyond_lists(one: Measured) -> float:
    return one.figures["kubernetes_requests"] - one.figures["kubernetes_lists"]


def _not_once(one: Measured) -> float:
    return one.figures["deployments"] - one.figures["rolled_out_once"]


COLD = [(1000, 0, 5), (1000, 20, 6), (5000, 5, 25), (5000, 100, 60), (20000, 5, 120)]
MEMORY = [(1000, 75), (5000, 110), (20000, 200)]
FAILOVER = [("sigterm", "SIGTERM", 3), ("sigkill", "SIGKILL", 18), ("sigstop", "SIGSTOP", 20)]
TROUBLES = [
    ("hung", "one vault of four hangs"),
    ("slow", "one vault of four takes 10 s"),
    ("denied", "one vault of four says 401"),
    ("broken", "1,000 broken resources"),
]

AIMS: list[Aim] = [
    *(
        Aim(
            work=f"cold start, {n:,} resources, Connect {latency} ms",
            figure="last Secret, s",
            at_most=bound,
            values=figure("cold", "last_secret_seconds", items=n, latency_ms=latency),
        )
        for n, latency, bound in COLD
    ),
    Aim(
        work="idle poll, any N and V",
        figure="Connect requests",
        at_most=1,
        values=worst("idle", "connect_requests_per_poll"),
        exact=True,
    ),
    Aim(
        work="idle poll, any N and V",
        figure="CPU, ms",
        at_most=10,
        values=worst("idle", "cpu_ms_per_poll"),
    ),
    Aim(
        work="poll with one changed vault of 5,000 items",
        figure="CPU, ms",
        at_most=20,
        values=figure("changed", "cpu_ms_per_poll", items=5000, vaults=1),
    ),
    Aim(
        work="rotation, interval 15 s",
        figure="p50, s",
        at_most=8,
        values=figure("rotation", "p50_seconds", interval_seconds=15),
    ),
    Aim(
        work="rotation, interval 15 s",
        figure="p99, s",
        at_most=17,
        values=figure("rotation", "p99_seconds", interval_seconds=15),
    ),
    Aim(
        work="rotation, interval 1 s, 5,000 resources",
        figure="p99, s",
        at_most=2,
        values=figure("rotation", "p99_seconds", interval_seconds=1, items=5000),
    ),
    Aim(
        work="restart, 5,000 in place, 10 vaults",
        figure="Connect requests",
        at_most=12,
        values=figure("restart", "connect_requests", items=5000, vaults=10),
    ),
    Aim(
        work="restart, 5,000 in place",
        figure="Kubernetes requests but lists",
        at_most=30,
        values=figure("restart", _beyond_lists, items=5000),
    ),
    Aim(
        work="restart, 5,000 in place",
        figure="Kubernetes writes",
        at_most=0,
        values=figure("restart", "kubernetes_writes", items=5000),
    ),
    Aim(
        work="restart, 5,000 in place",
        figure="a new resource served, s",
        at_most=3,
        values=figure("restart", "new_secret_seconds", items=5000),
    ),
    *(
        Aim(
            work=f"memory, {n:,} resources",
            figure="RSS, MiB",
            at_most=b,
            values=figure("memory", "rss_mib", items=n),
        )
        for n, b in MEMORY
    ),
    Aim(
        work="memory, 10,000 foreign Secrets of 10 KiB",
        figure="KiB for each",
        at_most=0.05,
        values=_per_foreign,
    ),
    *(
        Aim(
            work=f"failover, leader gets {signal}",
            figure="longest, s",
            at_most=b,
            values=figure("failover", f"{name}_max_seconds"),
        )
        for name, signal, b in FAILOVER
    ),
    Aim(
        work="failover",
        figure="double restarts",
        at_most=0,
        values=figure("failover", "double_restarts"),
    ),
    Aim(
        work="failover, leader gets SIGSTOP",
        figure="late writes",
        at_most=1,
        values=figure("failover", "sigstop_late_writes"),
    ),
    *(
        Aim(
            work=what,
            figure="p99 of the others later by, s",
            at_most=1,
            values=figure("isolation", _later(t)),
        )
        for t, what in TROUBLES
    ),
    Aim(
        work="200 Deployments on one item",
        figure="not rolled out exactly once",
        at_most=0,
        values=figure("fanout", _not_once),
    ),
    Aim(
        work="200 Deployments on one item",
        figure="most in one second",
        at_most=10,
        values=figure("fanout", "busiest_second"),
    ),
    Aim(
        work="steady state, 5,000 resources",
        figure="writes",
        at_most=0,
        values=figure("steady", "kubernetes_writes"),
    ),
    Aim(
        work="steady state, 5,000 resources",
        figure="RSS slope, MiB/h",
        at_most=1,
        values=figure("steady", "rss_slope_mib_per_hour"),
    ),
]
