"""Edits by others, and repairs in a row."""

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.index.repairs import MEMORY_SECONDS, Repairs

A, B = SecretKey("app", "a"), SecretKey("app", "b")
X1, X2 = Revisions((Revision("v", "x", 1),)), Revisions((Revision("v", "x", 2),))


@pytest.fixture
def repairs(clock: FakeClock) -> Repairs:
    return Repairs(clock)


def repair(repairs: Repairs, revisions: Revisions = X1) -> None:
    repairs.note_edit(A)
    repairs.begin(A)
    repairs.note_write(A, revisions)


def test_repairs_of_one_revision_soon_after_a_write_are_in_a_row(repairs: Repairs, clock: FakeClock) -> None:
    repairs.begin(A)
    repairs.note_write(A, X1)
    for expected in (1, 2, 3):
        clock.advance(MEMORY_SECONDS - 1)
        repair(repairs)
        assert repairs.in_a_row(A) == expected
    assert repairs.note_edit(A) == 3


def test_another_revision_and_a_rest_end_the_row(repairs: Repairs, clock: FakeClock) -> None:
    repairs.note_write(A, X1)
    repair(repairs)
    repair(repairs, X2)
    assert repairs.in_a_row(A) == 0
    repair(repairs, X2)
    assert repairs.in_a_row(A) == 1
    clock.advance(MEMORY_SECONDS)
    repairs.note_edit(A)
    repairs.begin(A)
    assert repairs.in_a_row(A) == 0


def test_writes_are_remembered_for_a_minute_and_edits_until_they_are_answered(repairs: Repairs, clock: FakeClock) -> None:
    repairs.note_write(A, X1)
    repairs.note_edit(A)
    clock.advance(MEMORY_SECONDS)
    repairs.note_write(B, X1)
    assert set(repairs._repairs) == {A, B}
    repairs.begin(A)
    repairs.note_write(B, X1)
    assert set(repairs._repairs) == {B}
