"""The checklist of the embedded server is complete, and the tests it names exist and run."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

from contract.connect_checklist import CHECKLIST

FOLDERS = (Path(__file__).parents[1] / "unit" / "devconnect", Path(__file__).parent)
LINES = 50


def test_every_line_is_there_and_shown_by_something() -> None:
    assert list(CHECKLIST) == list(range(1, LINES + 1))
    assert {line.kind for line in CHECKLIST.values()} == {"must", "should", "fault"}
    assert all(line.shown_by and line.sentence.endswith(".") for line in CHECKLIST.values())
    assert len({line.sentence for line in CHECKLIST.values()}) == LINES


@pytest.mark.parametrize("number", CHECKLIST)
def test_the_tests_of_a_line_exist_and_are_not_skipped(number: int) -> None:
    for name in CHECKLIST[number].shown_by:
        module, _, function = name.partition("::")
        assert function in running_tests(module), name


@functools.cache
def running_tests(module: str) -> set[str]:
    """The tests of a module that pytest would run: neither marked to be skipped nor expected to fail."""
    (path,) = (found for folder in FOLDERS if (found := folder / f"{module}.py").exists())
    functions = (node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {node.name for node in functions if not any("skip" in mark or "xfail" in mark for mark in map(ast.unparse, node.decorator_list))}


def test_a_test_that_is_skipped_would_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_x.py").write_text("@pytest.mark.skip\ndef test_a(): ...\n\n\ndef test_b(): ...\n")
    monkeypatch.setitem(globals(), "FOLDERS", (tmp_path,))
    assert running_tests("test_x") == {"test_b"}
