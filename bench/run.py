"""`make bench`: measures the operator, beside another one if given, and writes the page.

Needs the programs of `make tools`. Nothing passes or fails by a figure; the exit code is 1 only if
something could not be measured.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
# Of a script Python puts its own folder on the path, not the two that are imported from.
if __name__ == "__main__":
    sys.path[:1] = [str(REPOSITORY), str(REPOSITORY / "tests")]

from bench import machine, page, plan  # noqa: E402
from bench.contender import OURS, Contender  # noqa: E402
from bench.gauges import Neighbours  # noqa: E402
from bench.records import Record, Report, load_all  # noqa: E402
from bench.scene import Scene, Setup  # noqa: E402
from controlplane.errors import ControlPlaneError  # noqa: E402
from controlplane.launcher import ControlPlane, say_aloud  # noqa: E402

PAGE = REPOSITORY / "docs" / "performance.md"
RESULTS = REPOSITORY / "docs" / "performance"
WARM_UP = plan.Stage(
    setup=Setup(items=20, vaults=2),
    contenders=plan.BOTH,
    minutes=0.4,
    steps=(plan.step("cold", plan.LONG),),
)


class Bench:
    """One benchmark: its contenders, and the reports that it fills."""

    def __init__(
        self, contenders: Sequence[Contender], reports: dict[str, Report], results: Path
    ) -> None:
        self._contenders = {contender.name: contender for contender in contenders}
        self._reports, self._results = reports, results
        self.failures = 0

    def run(self, stages: Sequence[plan.Stage], runs: int) -> None:
        """Every stage as often as asked; whoever came first in one run comes last in the next."""
        todo = [
            (number, stage, name)
            for number in range(1, runs + 1)
            for stage in stages
            for name in stage.contenders[:: 1 if number % 2 else -1]
        ]
        left = sum(stage.minutes for _, stage, _ in todo)
        for name in self._contenders:
            self._play(WARM_UP, name, run=0, keep=False)
        for place, (number, stage, name) in enumerate(todo, 1):
            size = (
                f"N = {stage.setup.items:,}, V = {stage.setup.vaults}, {stage.setup.latency_ms} ms"
            )
            what = ", ".join(step.scenario for step in stage.steps)
            say_aloud(
                f"[{place}/{len(todo)}] about {left:.0f} min left; run {number}: {name}, {size}: "
                f"{what}"
            )
            self._play(stage, name, run=number)
            left -= stage.minutes

    def _play(self, stage: plan.Stage, name: str, *, run: int, keep: bool = True) -> None:
        crds = sorted((REPOSITORY / "crds").glob("*.yaml"))
        with (
            tempfile.TemporaryDirectory(prefix="bench-") as directory,
            ControlPlane.start(crds=crds) as plane,
        ):
            try:
                with Scene(
                    plane, stage.setup, contender=self._contenders[name], directory=Path(directory)
                ) as scene:
                    for step in stage.steps:
                        self._take(scene, step, run=run, keep=keep)
            except (RuntimeError, AssertionError) as error:
                # The rest is worth having all the same; the exit code tells.
                self.failures += 1
                say_aloud(f"bench: {name}, {stage.setup}: {error}")

    def _take(self, scene: Scene, step: plan.Step, *, run: int, keep: bool) -> None:
        neighbours, started = Neighbours(), time.monotonic()
        measured = plan.SCENARIOS[step.scenario](scene, interval=step.interval, **step.sizes)
        if not keep:
            return
        report = self._reports[step.scenario]
        report.records.append(
            Record(
                contender=scene.contender.name,
                case=scene.case() | {"interval_seconds": step.interval},
                run=run,
                date=_now(),
                measured=measured,
                surroundings=neighbours.figures(),
            )
        )
        report.save(self._results)  # at once, because a long benchmark may be interrupted
        shown = ", ".join(f"{key} {value:.4g}" for key, value in measured.figures.items())
        say_aloud(f"  {step.scenario} ({time.monotonic() - started:.0f} s): {shown}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write."""
    options = _parser().parse_args(arguments)
    try:
        failures = 0 if options.page_only else _measure(options)
        page.write(load_all(options.results), page=options.page, plots=options.results)
        say_aloud(f"wrote {options.page}")
    except (ControlPlaneError, RuntimeError, OSError) as error:
        say_aloud(f"bench: {error}")
        return 1
    return 1 if failures else 0


def _measure(options: argparse.Namespace) -> int:
    contenders = [Contender.ours(), *([Contender.peer(options.peer)] if options.peer else [])]
    wanted = [c for c in contenders if not options.contender or c.name == options.contender]
    minutes = options.minutes or (0.5 if options.quick else 1.0)
    stages = plan.chosen(
        (plan.quick if options.quick else plan.full)(minutes),
        set(options.only),
        {c.name for c in wanted},
    )
    if options.sizes:
        stages = [stage for stage in stages if stage.setup.items in options.sizes]
    if not stages:
        raise RuntimeError("nothing to measure: no stage of the plan is left")
    kept = load_all(options.results) if options.add else {}
    versions = {
        c.name: machine.operator_version()
        if c.name == OURS
        else options.peer_version or machine.peer_version(c.command)
        for c in contenders
    }
    reports = {name: _report(name, kept.get(name), versions) for name in options.only}
    bench = Bench(wanted, reports, options.results)
    bench.run(stages, options.runs)
    return bench.failures


def _report(scenario: str, kept: Report | None, versions: dict[str, str]) -> Report:
    records = kept.records if kept else []
    known = kept.contenders if kept else {}
    return Report(
        scenario=scenario, machine=machine.describe(), contenders=known | versions, records=records
    )


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Measures operators end to end on a real control plane; "
        "writes the figures as JSON, and the page that shows them.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    everything = list(plan.SCENARIOS)
    parser.add_argument(
        "--only",
        type=_scenarios,
        default=everything,
        metavar="NAME,...",
        help=f"scenarios: {', '.join(everything)}",
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: every scenario in a few minutes"
    )
    parser.add_argument(
        "--sizes",
        type=_numbers,
        default=[],
        metavar="N,...",
        help="only stages with so many resources; empty: all",
    )
    parser.add_argument(
        "--runs", type=int, default=1, metavar="N", help="how often; who comes first alternates"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=None,
        metavar="N",
        help="length of the steady state (1, or 0.5 if quick)",
    )
    parser.add_argument(
        "--peer", default="", metavar="COMMAND", help="another operator to measure beside ours"
    )
    parser.add_argument(
        "--peer-version",
        default="",
        metavar="TEXT",
        help="what the page calls it; empty: as its program",
    )
    parser.add_argument(
        "--contender",
        choices=["ours", "peer"],
        default=None,
        help="only one of the two; empty: both",
    )
    parser.add_argument(
        "--add",
        action="store_true",
        help="add to the figures that are there instead of replacing a scenario's",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=RESULTS,
        metavar="DIR",
        help="where the figures go, or come from, and the plots",
    )
    parser.add_argument(
        "--page", type=Path, default=PAGE, metavar="FILE", help="where the page goes"
    )
    parser.add_argument(
        "--page-only", action="store_true", help="measure nothing, write the page from the figures"
    )
    return parser


def _scenarios(text: str) -> list[str]:
    names = text.split(",")
    if unknown := sorted(set(names) - plan.SCENARIOS.keys()):
        raise argparse.ArgumentTypeError(f"no such scenario: {', '.join(unknown)}")
    return names


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
