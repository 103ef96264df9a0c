"""The checklists of the embedded server and of the client are complete, and the tests they name exist and run."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract import client_checklist, connect_checklist

TESTS = Path(__file__).parents[1]
FOLDERS = (TESTS / "unit" / "devconnect", Path(__file__).parent)
"""Where a test is that is named without its folder, in them or below."""
SERVER, CLIENT = connect_checklist.CHECKLIST, client_checklist.CHECKLIST


@pytest.mark.parametrize(
    ("checklist", "lines", "kinds"),
    [(SERVER, 50, {"must", "should", "fault"}), (CLIENT, 45, {"does", "differs"})],
    ids=["server", "client"],
)
def test_every_line_is_there_and_shown_by_something(
    checklist: dict[int, connect_checklist.Line | client_checklist.Line], lines: int, kinds: set[str]
) -> None:
    assert list(checklist) == list(range(1, lines + 1))
    assert {line.kind for line in checklist.values()} == kinds
    assert all(line.shown_by and line.sentence.endswith(".") for line in checklist.values())
    assert len({line.sentence for line in checklist.values()}) == lines


def test_whatever_differs_says_why() -> None:
    assert {number for number, line in CLIENT.items() if line.why.endswith(".")} == {
        number for number, line in CLIENT.items() if line.kind == "differs"
    }


@pytest.mark.parametrize(
    "shown_by",
    [
        *(pytest.param(line.shown_by, id=f"server {number}") for number, line in SERVER.items()),
        *(pytest.param(line.shown_by, id=f"client {number}") for number, line in CLIENT.items()),
    ],
)
def test_the_tests_of_a_line_exist_and_are_not_skipped(shown_by: tuple[str, ...]) -> None:
    for name in shown_by:
        module, _, function = name.partition("::")
        assert function in running_tests(module), name


@functools.cache
def running_tests(module: str) -> set[str]:
    """The tests of a module that pytest would run: neither marked to be skipped nor expected to fail, and their class neither."""
    folders = (TESTS,) if "/" in module else FOLDERS
    (path,) = (found for folder in folders for found in folder.rglob(f"{module}.py"))
    return set(_functions(ast.parse(path.read_text()).body))


def _functions(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if any("skip" in mark or "xfail" in mark for mark in map(ast.unparse, node.decorator_list)):
            continue
        if isinstance(node, ast.ClassDef):
            yield from _functions(node.body)
        else:
            yield node.name


def test_a_test_that_is_skipped_would_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_x.py").write_text(
        "@pytest.mark.skip\ndef test_a(): ...\n\n\ndef test_b(): ...\n\n\n"
        "class TestC:\n    def test_c(self): ...\n\n\n@pytest.mark.xfail\nclass TestD:\n    def test_d(self): ...\n"
    )
    monkeypatch.setitem(globals(), "FOLDERS", (tmp_path,))
    assert running_tests("test_x") == {"test_b", "test_c"}
