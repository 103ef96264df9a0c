"""`docs/compatibility.md` covers every weakness, and the tests it names are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "compatibility.md").read_text()
ROWS = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", PAGE, re.MULTILINE)
NAMED = sorted(set(re.findall(r"`(tests/[^`]+\.py)::(\w+)`", PAGE)))
FILES = sorted(set(re.findall(r"`((?:tests|deploy|docs|crds)/[\w./]+)`", PAGE)))


def test_every_weakness_has_one_row() -> None:
    assert [int(number) for number, _ in ROWS] == list(range(1, 41))


@pytest.mark.parametrize(("number", "shown_by"), ROWS)
def test_a_row_names_a_test_or_says_why_there_is_none(number: str, shown_by: str) -> None:
    assert shown_by.startswith("none: ") or "::test_" in shown_by, number


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_exists(file: str, name: str) -> None:
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_named_exists(file: str) -> None:
    assert (ROOT / file).exists()


def test_a_row_says_same_or_differs_and_why() -> None:
    tables = PAGE[: PAGE.index("## Weaknesses")]
    rows = [row for row in re.findall(r"^\| (.+) \|$", tables, re.MULTILINE) if not set(row) <= set("-| ")]
    heads = {
        "what a cluster depends on | here",
        "situation | official | here",
        "what | official | here",
        "what | here",
        "variable | official | here",
        "flag | official | here",
    }
    said = [row.rsplit(" | ", 1)[1] for row in rows if row not in heads]
    assert said
    assert not [text for text in said if not text.startswith(("same", "differs", "adopted", "new:", "no restart", "not there yet"))]
