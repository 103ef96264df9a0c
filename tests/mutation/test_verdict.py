"""`make mutants` fails by a survivor that nobody excused, by an excuse that nobody needs, and by a low score."""

from pathlib import Path

import pytest

from mutation import run, verdict
from mutation.verdict import Change, Mutant

OURS = Change("rules/retry.py delay", "return 1", "return 2")
OTHER = Change("rules/retry.py delay", "if a:", "if not a:")
EXCUSES = verdict.excused(Path(verdict.__file__).with_name("survivors.toml"))


def mutant(change: Change, *, noticed: bool) -> Mutant:
    return Mutant("rules/retry.py", change, noticed)


KILLED, SURVIVOR = mutant(OTHER, noticed=True), mutant(OURS, noticed=False)
NINE_OF_TEN = [*[KILLED] * 9, SURVIVOR]


@pytest.mark.parametrize(
    ("mutants", "excuses", "whole", "said"),
    [
        ([KILLED], [], True, []),
        (NINE_OF_TEN, [OURS], True, []),
        (NINE_OF_TEN, [], True, ["survives, and is not listed"]),
        (NINE_OF_TEN, [OTHER], False, ["survives, and is not listed"]),
        (NINE_OF_TEN[1:], [OURS], True, ["the score is 88.9 %"]),
        (NINE_OF_TEN[1:], [OURS], False, []),
        ([KILLED], [OURS], True, ["listed, and does not survive"]),
        ([KILLED], [OURS], False, []),
    ],
)
def test_a_run_fails_by_new_survivors_and_a_run_of_everything_by_its_score_too(
    mutants: list[Mutant], excuses: list[Change], said: list[str], *, whole: bool
) -> None:
    complaints = list(verdict.complaints(mutants, excuses, whole=whole))
    assert [complaint[: len(words)] for complaint, words in zip(complaints, said, strict=True)] == said


def test_a_complaint_can_be_pasted_into_the_list(tmp_path: Path) -> None:
    page = tmp_path / "survivors.toml"
    page.write_text(Change("a f", "x = \"1\"\ny = '2'", "").as_toml())
    assert verdict.excused(page) == {Change("a f", "x = \"1\"\ny = '2'", ""): ""}


def test_the_table_counts_by_module_and_in_all() -> None:
    assert [line.split() for line in verdict.table(NINE_OF_TEN)][1:] == [
        ["rules/retry.py", "10", "1", "90.0%"],
        ["all", "10", "1", "90.0%"],
    ]


@pytest.mark.parametrize("change", EXCUSES, ids=lambda change: change.where)
def test_an_excuse_has_a_reason_and_a_place_that_is_there(change: Change) -> None:
    module, function = change.where.split()
    assert EXCUSES[change]
    assert f"def {function.rpartition('.')[2]}(" in (run.REPOSITORY / "operator" / "onepassword_operator" / module).read_text()
