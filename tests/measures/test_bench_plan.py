"""The benchmark's plan can be carried out, and its page says of an aim what the figures say. No cluster is needed for either."""

import inspect
import statistics
from xml.etree import ElementTree

import pytest

from bench import page, plan, plots, prose
from bench.aims import AIMS, Aim, figure
from bench.records import Measured, Record, Report

SURROUNDINGS = {"load_before": 0.0, "load_after": 0.0, "others_cores": 0.0, "stolen_cores": 0.0}


@pytest.mark.parametrize("stages", [plan.full(1.0), plan.quick(1.0)], ids=["full", "quick"])
def test_a_plan_has_every_scenario_and_gives_each_step_what_it_takes(stages: list[plan.Stage]) -> None:
    steps = [step for stage in stages for step in stage.steps]
    assert {step.scenario for step in steps} == set(plan.SCENARIOS) == set(prose.SCENARIOS) == set(prose.COLUMNS)
    for step in steps:
        inspect.signature(plan.SCENARIOS[step.scenario]).bind(None, interval=step.interval, **step.sizes)


def test_a_selection_leaves_out_what_was_not_asked_for() -> None:
    stages = plan.chosen(plan.full(1.0), {"cold"}, {"ours"})
    assert stages
    assert all([step.scenario for step in stage.steps] == ["cold"] for stage in stages)
    assert all(stage.contenders == ("ours",) for stage in stages)


def report(*seconds: float) -> dict[str, Report]:
    """A cold start of one case, measured so often."""
    case = {"items": 1000, "vaults": 10, "latency_ms": 0, "interval_seconds": 60}
    records = [
        Record(
            contender="ours",
            case=case,
            run=run,
            date="2026-01-01",
            measured=Measured(figures={"last_secret_seconds": value, "floor_seconds": 1.0}),
            surroundings=SURROUNDINGS,
        )
        for run, value in enumerate(seconds, 1)
    ]
    return {"cold": Report(scenario="cold", machine={}, contenders={}, records=records)}


@pytest.mark.parametrize(("seconds", "met"), [((4.0,), True), ((6.0,), False), ((4.0, 4.5, 9.0), True), ((), None)])
def test_an_aim_is_reached_by_the_median_of_the_runs(seconds: tuple[float, ...], *, met: bool | None) -> None:
    aim = Aim(work="w", figure="f", at_most=5, values=figure("cold", "last_secret_seconds", items=1000, latency_ms=0))
    assert aim.met(report(*seconds)) is met


def test_a_missed_aim_and_an_unmeasured_one_stay_in_the_table() -> None:
    text = page.render(report(4.0, 6.5, 9.0), folder="performance")
    rows = [line for line in text.splitlines() if line.startswith("| ") and "last Secret, s" in line]
    assert any("6.5 (4 – 9)" in row and "**no**" in row for row in rows)
    table = text[text.index("## Aims") : text.index("## Figures")]
    assert len([line for line in table.splitlines() if line.startswith("| ")]) == len(AIMS) + 1


def test_a_plot_shows_medians_and_escapes_its_labels() -> None:
    bar = plots.Bar(series="ours", value=statistics.median([1.0, 2.0, 40.0]), least=1.0, most=40.0)
    svg = plots.bars("a < b", {"N & V": [bar]}, unit="s", log=True)
    texts = [element.text for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]  # noqa: S314  drawn here
    assert {"a < b", "N & V", "2", "ours"} <= set(texts)


def test_a_line_of_zeros_can_be_drawn_on_a_logarithmic_scale() -> None:
    svg = plots.lines("t", {"ours": [(100.0, 0.0), (1000.0, 1.0)]}, units=("x", "y"), log=(True, True))
    assert "nan" not in svg
    ElementTree.fromstring(svg)  # noqa: S314  drawn here
