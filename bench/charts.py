"""Which plots a scenario gets."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

from bench.plots import Bar, Point, bars, lines
from bench.records import Case, Measured, Record, Report

Drawn = dict[str, str]
"""SVG by name."""


def draw(scenario: str, report: Report) -> Drawn:
    """All plots of a scenario; none for one that is better read as a table."""
    return DRAWINGS[scenario](report) if scenario in DRAWINGS and report.records else {}


def _grouped(
    records: Sequence[Record], label: Callable[[Case], str]
) -> dict[str, dict[str, list[Measured]]]:
    """Measurements by label and contender, small cases first."""
    found: dict[str, dict[str, list[Measured]]] = {}
    for record in sorted(records, key=lambda r: (*_size(r.case), r.contender)):
        found.setdefault(label(record.case), {}).setdefault(record.contender, []).append(
            record.measured
        )
    return found


def _size(case: Case) -> tuple[int, int, int, int]:
    return case["items"], case["latency_ms"], case["vaults"], case.get("foreign", 0)


def _bar(series: str, values: Sequence[float]) -> Bar:
    return Bar(series=series, value=statistics.median(values), least=min(values), most=max(values))


def _bars(grouped: Mapping[str, Mapping[str, list[Measured]]], name: str) -> dict[str, list[Bar]]:
    found = {
        label: [
            _bar(who, values)
            for who, runs in by_contender.items()
            if (values := [r.figures[name] for r in runs if name in r.figures])
        ]
        for label, by_contender in grouped.items()
    }
    return {label: group for label, group in found.items() if group}


def _cold(report: Report) -> Drawn:
    grouped = _grouped(
        report.records, lambda case: f"N = {case['items']:,}, Connect {case['latency_ms']} ms"
    )
    groups = _bars(grouped, "last_secret_seconds")
    for label, group in groups.items():
        floors = [run.figures["floor_seconds"] for runs in grouped[label].values() for run in runs]
        group.append(_bar("floor", floors))
    return {
        "cold": bars(
            "Cold start: from the start of the process to the last Secret",
            groups,
            unit="seconds",
            log=True,
        )
    }


def _idle(report: Report) -> Drawn:
    units = ("resources", "Connect requests per poll")
    return {
        "idle-requests": lines(
            "Idle: Connect requests per poll",
            _over_n(report, "connect_requests_per_poll"),
            units=units,
            log=(True, True),
        ),
        "idle-cpu": lines(
            "Idle: CPU per poll",
            _over_n(report, "cpu_ms_per_poll"),
            units=("resources", "milliseconds per poll"),
            log=(True, True),
        ),
    }


def _over_n(report: Report, name: str) -> dict[str, list[Point]]:
    """The worst case of each size: the claim is that neither size nor vaults matter."""
    found: dict[str, dict[int, float]] = {}
    for record in report.records:
        by_size = found.setdefault(record.contender, {})
        by_size[record.case["items"]] = max(
            by_size.get(record.case["items"], 0.0), record.measured.figures[name]
        )
    return {
        who: [(float(n), value) for n, value in sorted(by_size.items())]
        for who, by_size in sorted(found.items())
    }


def _memory(report: Report) -> Drawn:
    def label(case: Case) -> str:
        return f"N = {case['items']:,}" + (
            f" + {case['foreign']:,} foreign" if case.get("foreign") else ""
        )

    return {
        "memory": bars(
            "Memory at rest (RSS)", _bars(_grouped(report.records, label), "rss_mib"), unit="MiB"
        )
    }


def _rotation(report: Report) -> Drawn:
    grouped = _grouped(
        report.records, lambda case: f"N = {case['items']:,}, every {case['interval_seconds']} s"
    )
    groups: dict[str, list[Bar]] = {}
    for label, by_contender in grouped.items():
        for name, figure in (("p50", "p50_seconds"), ("p99", "p99_seconds")):
            found = _bars({label: by_contender}, figure).get(label)
            groups |= {f"{label}: {name}": found} if found else {}
    return {
        "rotation": bars("Rotation: from the edit of an item to its Secret", groups, unit="seconds")
    }


def _failover(report: Report) -> Drawn:
    groups = {}
    for name in ("sigterm", "sigkill", "sigstop"):
        seconds = [
            value for record in report.records for value in record.measured.series.get(name, [])
        ]
        groups[name.upper()] = [_bar("ours", seconds)]
    return {
        "failover": bars(
            "Failover: from the signal to the first write of the other replica",
            groups,
            unit="seconds",
        )
    }


def _isolation(report: Report) -> Drawn:
    troubles = list(report.records[0].measured.series)
    grouped = _grouped(report.records, lambda _case: "all")["all"]
    groups = {
        name.replace("_", " "): group
        for name in troubles
        if (group := _bars({"": grouped}, f"{name}_p99_seconds").get("", []))
    }
    return {"isolation": bars("Isolation: p99 of the healthy vaults", groups, unit="seconds")}


def _fanout(report: Report) -> Drawn:
    series: dict[str, list[Point]] = {}
    for record in report.records:
        took = record.measured.series["seconds"]
        series.setdefault(
            record.contender,
            [(0.0, 0.0), *((moment, float(place)) for place, moment in enumerate(took, 1))],
        )
    return {
        "fanout": lines(
            "Fan-out: Deployments rolled out after one edit",
            series,
            units=("seconds since the edit", "Deployments"),
        )
    }


def _steady(report: Report) -> Drawn:
    series = {
        record.contender: list(
            zip((at / 60 for at in m.series["at_seconds"]), m.series["rss_mib"], strict=True)
        )
        for record in report.records
        for m in [record.measured]
    }
    return {"steady": lines("Steady state: memory over time", series, units=("minutes", "MiB"))}


DRAWINGS: Mapping[str, Callable[[Report], Drawn]] = {
    "cold": _cold,
    "idle": _idle,
    "memory": _memory,
    "rotation": _rotation,
    "failover": _failover,
    "isolation": _isolation,
    "fanout": _fanout,
    "steady": _steady,
}
