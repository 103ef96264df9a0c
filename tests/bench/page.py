"""Figures → tables, and tables → the page. The page is never edited by hand."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Sequence

from bench.figures import Case, Counts, Report, Run, writes
from bench.prose import HOW, INTRODUCTION, LIMITS, busy, reproduce

Read = Callable[[Run], float]
Row = tuple[str, Read]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A title, and cells; the first row is the header."""

    title: str
    rows: list[list[str]]

    def markdown(self) -> str:
        """As Markdown that also reads well as text."""
        widths = [max(len(row[column]) for row in self.rows) for column in range(len(self.rows[0]))]
        lines = [
            "| "
            + " | ".join(_padded(cell, width, left=not column) for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
            + " |"
            for row in self.rows
        ]
        rule = "|" + "|".join("-" * (width + 2) if not column else "-" * (width + 1) + ":" for column, width in enumerate(widths)) + "|"
        return "\n".join([f"### {self.title}", "", lines[0], rule, *lines[1:]])


def _padded(cell: str, width: int, *, left: bool) -> str:
    return cell.ljust(width) if left else cell.rjust(width)


def render(report: Report) -> str:
    """The whole page."""
    machine = "\n".join(f"| {name} | {fact} |" for name, fact in report.machine.items())
    parts = [
        INTRODUCTION,
        "## Where and when",
        f"Measured on {report.date}.\n\n{busy(report)}",
        f"| | |\n|---|---|\n{machine}",
        "## How to repeat it",
        reproduce(report),
        "## Figures",
        _reading(report),
        *(table.markdown() for table in tables(report)),
        HOW,
        LIMITS,
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _reading(report: Report) -> str:
    runs = max(len(case.runs) for case in report.cases)
    spread = f" A cell holds the median of {runs} runs, and the least and the most in brackets." if runs > 1 else " One run each."
    return (
        "A column is a number of resources (one Secret each) and the delay of every Connect reply. Requests by route are medians." + spread
    )


def tables(report: Report) -> list[Table]:
    """Every table, in the order of the phases."""
    interval = report.interval_seconds
    return [
        _figures("Cold start: from the start of the process, with no Secret in place", report, COLD),
        _routes("Cold start: Connect requests", report, lambda run: run.cold.connect_requests),
        _routes("Cold start: Kubernetes requests, by the operator's counter", report, lambda run: run.cold.kubernetes_requests),
        _routes("Cold start: Kubernetes requests, by the API server's audit log", report, lambda run: run.cold.api_server_requests),
        _figures("Settling: after the last Ready, until the second poll from there", report, SETTLING),
        _routes("Settling: Kubernetes requests, by the operator's counter", report, lambda run: run.settling.kubernetes_requests),
        _figures(f"Idle: nothing changes, polled every {interval} s", report, IDLE),
        _figures("Restart: everything in place, until the second poll", report, RESTART),
        _routes("Restart: Connect requests", report, lambda run: run.restart.connect_requests),
        _routes("Restart: Kubernetes requests, by the API server's audit log", report, lambda run: run.restart.api_server_requests),
        _figures(f"Rotation: from the edit of an item to its Secret, polled every {interval} s", report, ROTATION),
        _routes("Rotation: Connect requests", report, lambda run: run.rotation.connect_requests),
        _routes("Rotation: Kubernetes requests, by the operator's counter", report, lambda run: run.rotation.kubernetes_requests),
        _figures("The rest of the machine during a run", report, SURROUNDINGS),
    ]


def _total(counts: Counts) -> float:
    return float(sum(counts.values()))


def _busy_share(run: Run) -> float:
    return 100 * run.idle.cpu_seconds / run.idle.seconds


COLD: list[Row] = [
    ("first Secret, s", lambda run: run.cold.first_secret_seconds),
    ("last Secret, s", lambda run: run.cold.last_secret_seconds),
    ("last Ready, s", lambda run: run.cold.last_ready_seconds),
    ("CPU, s", lambda run: run.cold.cpu_seconds),
    ("peak RSS, MiB", lambda run: run.cold.peak_rss_mib),
    ("Connect requests", lambda run: _total(run.cold.connect_requests)),
    ("Kubernetes requests", lambda run: _total(run.cold.api_server_requests)),
]
SETTLING: list[Row] = [
    ("CPU, s", lambda run: run.settling.cpu_seconds),
    ("Connect requests", lambda run: _total(run.settling.connect_requests)),
]
IDLE: list[Row] = [
    ("Connect requests per poll", lambda run: _total(run.idle.connect_requests) / run.idle.polls),
    ("Kubernetes requests per poll", lambda run: _total(run.idle.api_server_requests) / run.idle.polls),
    ("Kubernetes writes per poll", lambda run: writes(run.idle.api_server_requests) / run.idle.polls),
    ("CPU per poll, ms", lambda run: 1000 * run.idle.cpu_seconds / run.idle.polls),
    ("CPU, % of a core", _busy_share),
    ("settled RSS, MiB", lambda run: run.idle.rss_mib),
]
RESTART: list[Row] = [
    ("SIGTERM to exit, s", lambda run: run.restart.stop_seconds),
    ("start to /readyz, s", lambda run: run.restart.ready_seconds),
    ("CPU, s", lambda run: run.restart.cpu_seconds),
    ("peak RSS, MiB", lambda run: run.restart.peak_rss_mib),
    ("Connect requests", lambda run: _total(run.restart.connect_requests)),
    ("Kubernetes requests", lambda run: _total(run.restart.api_server_requests)),
    ("Kubernetes writes", lambda run: float(writes(run.restart.api_server_requests))),
]
ROTATION: list[Row] = [
    ("edits", lambda run: float(len(run.rotation.seconds))),
    ("p50, s", lambda run: statistics.median(run.rotation.seconds)),
    ("max, s", lambda run: max(run.rotation.seconds)),
]
SURROUNDINGS: list[Row] = [
    ("load average before", lambda run: run.surroundings.load_before),
    ("load average after", lambda run: run.surroundings.load_after),
    ("cores kept busy by others", lambda run: run.surroundings.others_cores),
    ("cores taken by the hypervisor", lambda run: run.surroundings.stolen_cores),
]


def _figures(title: str, report: Report, rows: Sequence[Row]) -> Table:
    cells = [[label, *(_spread([read(run) for run in case.runs]) for case in report.cases)] for label, read in rows]
    return Table(title=title, rows=[_header(report), *cells])


def _routes(title: str, report: Report, read: Callable[[Run], Counts]) -> Table:
    names = sorted({name for case in report.cases for run in case.runs for name in read(run)})
    cells = [[f"`{name}`", *(_median_count(case, name, read) for case in report.cases)] for name in names]
    return Table(title=title, rows=[_header(report), *cells])


def _header(report: Report) -> list[str]:
    return ["", *(f"N = {case.items:,}, {case.latency_ms} ms" for case in report.cases)]


def _median_count(case: Case, name: str, read: Callable[[Run], Counts]) -> str:
    return _number(statistics.median(read(run).get(name, 0) for run in case.runs))


def _spread(values: list[float]) -> str:
    whole = all(value == int(value) for value in values)
    middle, least, most = (_number(value, whole=whole) for value in (statistics.median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least} – {most})"


def _number(value: float, *, whole: bool = True) -> str:
    if abs(value) >= 100 or (whole and value == int(value)):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
