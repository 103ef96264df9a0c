"""Records → tables and plots, and those → the page. Neither is ever edited by hand."""

from __future__ import annotations

import re
import statistics
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench import charts, prose
from bench.aims import AIMS, Aim, Reports
from bench.contender import OURS, PEER
from bench.gauges import Counts
from bench.plots import number
from bench.records import Measured, Record, Report

_NUMERIC = re.compile(r"((≤ )?-?[\d.,]+( \(.*\))?)?")
BUSY_CORES = 0.25
"""More than this in other hands, and the page says so."""


def write(reports: Reports, *, page: Path, plots: Path) -> None:
    """Write the page, and the plots that it shows."""
    plots.mkdir(parents=True, exist_ok=True)
    drawn = {
        name: svg
        for scenario, report in reports.items()
        for name, svg in charts.draw(scenario, report).items()
    }
    for name, svg in drawn.items():
        (plots / f"{name}.svg").write_text(svg, encoding="utf-8")
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(reports, folder=plots.name), encoding="utf-8")


def render(reports: Reports, *, folder: str) -> str:
    """The whole page."""
    parts = [
        prose.INTRODUCTION,
        "## Where and when",
        _where(reports),
        prose.REPEAT,
        "## Aims",
        prose.AIMS,
        _aims(reports),
        "## Figures",
        prose.READING,
    ]
    for scenario, (title, text) in prose.SCENARIOS.items():
        if scenario in reports:
            parts += [
                f"### {title}",
                text,
                *_plots(scenario, reports[scenario], folder),
                _table(reports[scenario]),
                *_routes(reports[scenario]),
            ]
    parts += [prose.HOW, prose.LIMITS]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _where(reports: Reports) -> str:
    facts: dict[str, dict[str, None]] = {}
    for report in reports.values():
        measured = {record.contender for record in report.records}
        versions = {_title(who): what for who, what in report.contenders.items() if who in measured}
        for name, fact in (report.machine | versions).items():
            facts.setdefault(name, {})[fact] = None
    dates = sorted(record.date for report in reports.values() for record in report.records)
    first = (
        f"Measured from {dates[0]} to {dates[-1]}." if dates else "Nothing has been measured yet."
    )
    rows = [["", ""], *([name, "; ".join(found)] for name, found in facts.items())]
    return "\n\n".join([first, _busy(reports), markdown(rows)])


def _busy(reports: Reports) -> str:
    shared = [
        (record.surroundings["others_cores"] + record.surroundings["stolen_cores"], scenario)
        for scenario, report in reports.items()
        for record in report.records
    ]
    most = max(shared, default=(0.0, ""))[0]
    if most <= BUSY_CORES:
        return (
            f"The machine did little else: at most {most:.2f} cores were in other hands during a "
            "measurement."
        )
    busy = sorted({scenario for cores, scenario in shared if cores > BUSY_CORES})
    return textwrap.fill(
        f"**The machine was shared**: up to {most:.2f} cores were in other hands, "
        f"and more than {BUSY_CORES} during measurements of {', '.join(busy)}. "
        "There, times include the wait for a core; counts are not affected.",
        prose.WIDTH,
    )


def _title(contender: str) -> str:
    return {OURS: "Operator (ours)", PEER: "Operator (peer)"}.get(contender, contender)


# --- aims ---


def _aims(reports: Reports) -> str:
    rows = [["work", "figure", "aim", "ours", "reached", "peer"]]
    for aim in AIMS:
        reached = {True: "yes", False: "**no**", None: ""}[aim.met(reports)]
        rows.append(
            [
                aim.work,
                aim.figure,
                _bound(aim),
                spread(aim.values(reports, OURS)),
                reached,
                spread(aim.values(reports, PEER)),
            ]
        )
    return markdown(rows)


def _bound(aim: Aim) -> str:
    return number(aim.at_most) if aim.exact else f"≤ {number(aim.at_most)}"


# --- tables ---


def _table(report: Report) -> str:
    """A row for each case and contender, a column for each figure."""
    columns = prose.COLUMNS[report.scenario]
    names = list(dict.fromkeys(name for record in report.records for name in record.case))
    rows = [
        [
            *(prose.CASES[name] for name in names),
            "operator",
            *(label for label, _ in columns),
            "runs",
        ]
    ]
    for case, contender, runs in _cases(report):
        values = [
            spread([run.figures[key] for run in runs if key in run.figures]) for _, key in columns
        ]
        rows.append(
            [*(f"{case.get(name, 0):,}" for name in names), contender, *values, str(len(runs))]
        )
    return markdown(rows)


def _cases(report: Report) -> Iterator[tuple[dict[str, int], str, list[Measured]]]:
    grouped: dict[str, list[Record]] = {}
    for record in report.records:
        grouped.setdefault(f"{sorted(record.case.items())} {record.contender}", []).append(record)
    order = sorted(
        grouped.values(),
        key=lambda records: (
            [records[0].case.get(name, 0) for name in prose.CASES],
            records[0].contender,
        ),
    )
    for records in order:
        yield records[0].case, records[0].contender, [record.measured for record in records]


def _routes(report: Report) -> list[str]:
    """Which requests, for the largest case of each contender."""
    largest = {contender: (case, runs) for case, contender, runs in _cases(report)}
    who = [
        name
        for name in ("connect", "kubernetes")
        if any(name in run.requests for _, runs in largest.values() for run in runs)
    ]
    if not who or report.scenario not in prose.ROUTES:
        return []
    header = [
        "",
        *(f"{contender}, N = {case['items']:,}" for contender, (case, _) in largest.items()),
    ]
    rows = [header]
    for side in who:
        names = sorted(
            {name for _, runs in largest.values() for run in runs for name in run.requests[side]}
        )
        rows += [
            [f"`{name}`", *(_median_count(runs, side, name) for _, runs in largest.values())]
            for name in names
        ]
    return ["Requests by route, in the largest case of each (medians):", markdown(rows)]


def _median_count(runs: Sequence[Measured], side: str, name: str) -> str:
    counts: list[Counts] = [run.requests[side] for run in runs]
    return number(statistics.median(count.get(name, 0) for count in counts))


def _plots(scenario: str, report: Report, folder: str) -> list[str]:
    drawn: Mapping[str, str] = charts.draw(scenario, report)
    titles = {name: re.search(r"<title>(.*?)</title>", svg) for name, svg in drawn.items()}
    return [
        f"![{title[1] if title else name}]({folder}/{name}.svg)" for name, title in titles.items()
    ]


def spread(values: Sequence[float]) -> str:
    """Median, and the least and the most in brackets where they differ."""
    if not values:
        return ""
    middle, least, most = (
        number(round(value, 3)) for value in (statistics.median(values), min(values), max(values))
    )
    return middle if least == most else f"{middle} ({least} – {most})"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table that also reads well as text; numbers to the right."""
    columns = range(len(rows[0]))
    widths = [max(len(row[column]) for row in rows) for column in columns]
    left = [not all(_NUMERIC.fullmatch(row[column]) for row in rows[1:]) for column in columns]
    lines = [
        [row[c].ljust(widths[c]) if left[c] else row[c].rjust(widths[c]) for c in columns]
        for row in rows
    ]
    drawn = ["| " + " | ".join(cells) + " |" for cells in lines]
    rule = (
        "|"
        + "|".join(
            "-" * (width + 2) if side else "-" * (width + 1) + ":"
            for width, side in zip(widths, left, strict=True)
        )
        + "|"
    )
    return "\n".join([drawn[0], rule, *drawn[1:]])
