"""What is known of live Secrets, and what outlives them."""

from __future__ import annotations

import pytest

from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.outcome import Skipped
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.workload import RestartMark
from onepassword_operator.service.index import secret_states
from onepassword_operator.service.index.secret_states import SecretState, SecretStates

A, B = SecretKey("app", "a"), SecretKey("app", "b")
X1, X2 = Revisions((Revision("v", "x", 1),)), Revisions((Revision("v", "x", 2),))
STAMP = "2024-05-01T12:00:00Z"
MARK = RestartMark(X1, STAMP)
SKIPPED = (Skipped(label="a b", why="no key"),)


@pytest.fixture
def states() -> SecretStates:
    return SecretStates()


def test_nothing_is_known_of_a_secret_that_was_never_seen(states: SecretStates) -> None:
    assert states.of(A) == SecretState()


def test_a_reconcile_notes_what_the_secret_holds_and_a_restart_that_is_due(states: SecretStates) -> None:
    states.seen(A, 7)
    states.in_line(A, X1, skipped=SKIPPED, mark=MARK)
    assert states.of(A) == SecretState(resource_version=7, existed=True, held=X1, skipped=SKIPPED, mark=MARK)
    states.in_line(A, X1, skipped=None, mark=RestartMark(X1, STAMP))
    assert states.of(A).mark is MARK
    states.read(A, SKIPPED)
    assert states.of(A).skipped == SKIPPED


def test_what_is_presumed_counts_only_where_nothing_is_known(states: SecretStates) -> None:
    states.presume(A, None)
    assert states.of(A) == SecretState()
    states.presume(A, X1)
    states.presume(A, X2)
    assert states.of(A).held == X1
    states.learned(A, held=X2, mark=None)
    assert states.of(A).held == X2


def test_a_newer_write_keeps_its_mark_when_an_older_restart_ends(states: SecretStates) -> None:
    states.restarted(A, 9)
    states.seen(A, 7)
    states.in_line(A, X1, skipped=None, mark=MARK)
    states.restarted(A, 7)
    assert states.of(A).mark == MARK
    states.restarted(A, 8)
    assert (states.of(A).mark, states.of(A).resource_version) == (None, 8)


def test_marks_are_found_by_namespace(states: SecretStates) -> None:
    states.learned(A, held=X1, mark=MARK)
    states.existed(B)
    states.learned(SecretKey("other", "c"), held=X1, mark=MARK)
    assert states.pending("app") == {A: MARK}
    assert (states.pending_namespaces(), states.count_pending()) == ({"app", "other"}, 2)


def test_what_a_secret_held_and_was_owed_outlives_its_claims(states: SecretStates) -> None:
    states.seen(A, 7)
    states.learned(A, held=X1, mark=MARK)
    states.forget(A)
    assert states.count_pending() == 0
    assert states.of(A) == SecretState(existed=True, held=X1, mark=MARK)
    states.existed(A)
    states.seen(A, 1)
    assert (states.of(A).held, states.count_pending()) == (X1, 1)


def test_only_so_many_departed_secrets_are_remembered(states: SecretStates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_states, "_DEPARTED", 1)
    for key in (A, B):
        states.learned(key, held=X1, mark=None)
        states.forget(key)
    states.existed(SecretKey("app", "c"))
    states.forget(SecretKey("app", "c"))
    assert (states.of(A).held, states.of(B).held) == (None, X1)
