"""Every scenario of the official operator's tests is shown by a test of ours that is collected and runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contract import scenario_marks
from dropin.scenarios import SCENARIOS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def marked(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What pytest itself collects, so that a mark on something that is no test, or is never collected, counts for nothing."""
    target = tmp_path_factory.mktemp("scenarios") / "marks.json"
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-m", "official", "-p", "contract.scenario_marks"]
    command += ["-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cov"]
    command += [str(path) for path in (ROOT / "tests").rglob("test_*.py") if "mark.official" in path.read_text()]
    search_path = os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {scenario_marks.VARIABLE: str(target), "PYTHONPATH": search_path}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    found: list[dict[str, Any]] = json.loads(target.read_text())
    return found


def test_the_table_is_whole() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert [name for name in names if isinstance(name, int)] == list(range(1, 96))
    assert len(set(names)) == len(names)


def test_a_mark_names_a_row(marked: list[dict[str, Any]]) -> None:
    known = {scenario.name for scenario in SCENARIOS}
    assert not [(entry["test"], row) for entry in marked for row in entry["rows"] if row not in known]
    assert not [entry["test"] for entry in marked if not entry["rows"]]


def test_every_row_is_shown_by_a_test_that_runs(marked: list[dict[str, Any]]) -> None:
    shown = {row for entry in marked if entry["runs"] for row in entry["rows"]}
    assert not [scenario.name for scenario in SCENARIOS if scenario.name not in shown]


def test_what_needs_a_cluster_is_shown_on_one(marked: list[dict[str, Any]]) -> None:
    shown = {row for entry in marked if entry["runs"] and entry["cluster"] for row in entry["rows"]}
    assert not [scenario.name for scenario in SCENARIOS if scenario.needs_a_cluster and scenario.name not in shown]
