"""docs/reliability.md is about the faults of today: the same rows, in the same words. What was measured is its own business."""

from pathlib import Path

import pytest

from faults import reliability_page
from faults.client_faults import FAULTS
from faults.reliability_page import HEAD, NEIGHBOURS, SECTIONS, Findings, Measured

PAGE = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text()
COLUMNS = 3
"""Those that are promises and no figures."""


def promises(page: str) -> list[list[str]]:
    """Of every row of every table, what is promised."""
    faults, _, neighbours = page.partition("## Neighbours")
    rows = [line.split("|")[1 : 1 + COLUMNS] for line in faults.splitlines() if line.startswith("|") and not line.startswith("|--")]
    return rows + [line.split("|")[1:3] for line in neighbours.splitlines() if line.startswith("|")]


def measured_at(seconds: float) -> Findings:
    measured = [Measured(fault=fault, lasted=seconds, requests=1, recovery=seconds, memory=1) for fault in FAULTS]
    return Findings(measured, dict.fromkeys(NEIGHBOURS, "seen"))


def test_the_page_says_what_the_table_of_faults_says() -> None:
    assert PAGE.startswith(HEAD), "docs/reliability.md is stale: run `make reliability`"
    assert promises(PAGE) == promises(reliability_page.render(measured_at(1.0))), "docs/reliability.md is stale: run `make reliability`"


def test_every_fault_is_in_a_section() -> None:
    assert [fault for faults in SECTIONS.values() for fault in faults] == FAULTS


def test_a_page_with_a_row_that_was_not_measured_is_not_written() -> None:
    with pytest.raises(ValueError, match=f"not measured, .*: {FAULTS[0].name}"):
        reliability_page.render(Findings(measured_at(1.0).faults[1:], measured_at(1.0).neighbours))
    with pytest.raises(ValueError, match=r"not measured, .*: an item whose file"):
        reliability_page.render(Findings(measured_at(1.0).faults))
