"""Pages whose tables name the tests that show a row: the rows are complete, and the tests exist and run."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPATIBILITY = (ROOT / "docs" / "compatibility.md").read_text()
SERVER, CLIENT = (Path(__file__).with_name(name).read_text() for name in ("connect_checklist.md", "client_checklist.md"))
PAGES = COMPATIBILITY + SERVER + CLIENT
NAMED = sorted(set(re.findall(r"`(tests/[^`]+\.py)::(\w+)`", PAGES)))
FILES = sorted(set(re.findall(r"`((?:tests|deploy|docs|crds)/[\w./]+)`", COMPATIBILITY)))


@pytest.mark.parametrize(("page", "rows"), [(COMPATIBILITY, 40), (SERVER, 50), (CLIENT, 45)], ids=["compatibility", "server", "client"])
def test_every_row_is_there_and_names_a_test_or_says_why_there_is_none(page: str, rows: int) -> None:
    found = re.findall(r"^\| (\d+) \| (.*) \| ([^|]+) \|$", page, re.MULTILINE)
    assert [int(number) for number, _, _ in found] == list(range(1, rows + 1))
    assert len({said for _, said, _ in found}) == rows
    assert not [number for number, _, shown_by in found if not shown_by.startswith("none: ") and "::test_" not in shown_by]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_exists_and_is_not_skipped(file: str, name: str) -> None:
    assert name in running_tests(ast.parse((ROOT / file).read_text()).body)


def running_tests(body: list[ast.stmt]) -> Iterator[str]:
    """The tests of a module that pytest would run: neither marked to be skipped nor expected to fail, and their class neither."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            marks = " ".join(map(ast.unparse, node.decorator_list))
            if "skip" not in marks and "xfail" not in marks:
                yield from running_tests(node.body) if isinstance(node, ast.ClassDef) else [node.name]


def test_a_test_that_is_skipped_would_not_count() -> None:
    module = "@mark.skip\ndef test_a(): ...\ndef test_b(): ...\nclass C:\n def test_c(_): ...\n@mark.xfail\nclass D:\n def test_d(_): ..."
    assert list(running_tests(ast.parse(module).body)) == ["test_b", "test_c"]


@pytest.mark.parametrize("file", FILES)
def test_a_file_that_is_named_exists(file: str) -> None:
    assert (ROOT / file).exists()


def test_a_row_says_how_it_compares_with_what_is_usual() -> None:
    assert set(re.findall(r"^\| \d+ \| (\w+) \|", SERVER, re.MULTILINE)) == {"must", "should", "fault"}
    assert len(re.findall(r"^\| \d+ \| [^|]+\. \| (?:does|differs: [^|]+\.) \|", CLIENT, re.MULTILINE)) == 45
    tables = COMPATIBILITY[: COMPATIBILITY.index("## Weaknesses")]
    said = [row.rsplit("| ", 1)[1] for row in re.findall(r"^(\| .+) \|$(?!\n\|---)", tables, re.MULTILINE)]
    assert len(said) > 100
    assert not [text for text in said if not text.startswith(("same", "differs", "adopted", "new:", "no restart", "not there yet"))]
