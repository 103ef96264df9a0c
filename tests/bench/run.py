"""`make bench`: measures the operator end to end, prints the figures, and writes docs/performance.md.

Needs the programs of `make tools`. Nothing passes or fails by a figure; the exit code is 1 only if something could not be measured.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
if __name__ == "__main__":  # run as a script, Python puts this file's folder on the path and not the tests' root
    sys.path[0] = str(REPOSITORY / "tests")

from bench import machine, page, phases  # noqa: E402
from bench.figures import Case, Report, Run  # noqa: E402
from bench.scene import Setup  # noqa: E402
from controlplane.errors import ControlPlaneError  # noqa: E402
from controlplane.launcher import ControlPlane, say_aloud  # noqa: E402

RESULTS = REPOSITORY / "tests" / "bench" / "results" / "latest.json"
PAGE = REPOSITORY / "docs" / "performance.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    chosen = _parser().parse_args(arguments)
    try:
        if not chosen.page_only:
            report = measure(chosen)
            print("\n\n".join(table.markdown() for table in page.tables(report)))
        write_page(chosen.results, chosen.page)
    except (ControlPlaneError, RuntimeError, OSError) as error:
        say_aloud(f"bench: {error}")
        return 1
    return 0


def measure(chosen: argparse.Namespace) -> Report:
    """Every case as often as asked; the runs of a case are spread over the whole time, so that a busy minute hits all cases alike."""
    cases = [Case(items=size, latency_ms=latency, runs=[]) for size in chosen.sizes for latency in chosen.latencies]
    date = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    report = Report(date=date, machine=machine.describe(), interval_seconds=chosen.interval, cases=cases)
    for number in range(1, chosen.runs + 1):
        for case in cases:
            say_aloud(f"run {number} of {chosen.runs}: N = {case.items:,}, Connect latency {case.latency_ms} ms")
            case.runs.append(_run(case, chosen))
        report.save(chosen.results)  # after each round, because a long benchmark may be interrupted
    return report


def _run(case: Case, chosen: argparse.Namespace) -> Run:
    setup = Setup(
        items=case.items,
        latency_ms=case.latency_ms,
        interval_seconds=chosen.interval,
        polls=chosen.polls,
        rotations=min(chosen.rotations, case.items),
    )
    crds = sorted((REPOSITORY / "crds").glob("*.yaml"))
    with tempfile.TemporaryDirectory(prefix="bench-") as directory, ControlPlane.start(crds=crds) as plane:
        return phases.run(plane, setup, Path(directory))


def write_page(results: Path, target: Path) -> None:
    """Write the page from the figures."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page.render(Report.load(results)), encoding="utf-8")
    say_aloud(f"wrote {target}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Measures the operator end to end on a real control plane; prints the figures, writes them as JSON and as a page.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--sizes", type=_numbers(1), default=[200, 1000], metavar="N,...", help="numbers of OnePasswordItems")
    parser.add_argument("--latencies", type=_numbers(0), default=[0, 20], metavar="MS,...", help="delays of every Connect reply")
    parser.add_argument("--runs", type=_number(1), default=1, metavar="N", help="runs of every case")
    parser.add_argument("--interval", type=_number(1), default=5, metavar="S", help="the operator's polling interval")
    parser.add_argument("--polls", type=_number(1), default=5, metavar="N", help="idle polls to measure")
    parser.add_argument("--rotations", type=_number(1), default=10, metavar="N", help="items to edit")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FILE", help="where the figures go, or come from")
    parser.add_argument("--page", type=Path, default=PAGE, metavar="FILE", help="where the page goes")
    parser.add_argument("--page-only", action="store_true", help="measure nothing, write the page from the figures")
    return parser


def _number(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if (read := int(text)) < least:
            raise ValueError
        return read

    return number


def _numbers(least: int) -> Callable[[str], list[int]]:
    def numbers(text: str) -> list[int]:
        return [_number(least)(part) for part in text.split(",")]

    return numbers


if __name__ == "__main__":
    sys.exit(main())
