"""What is known of live Secrets, and what outlives them."""

from typing import NoReturn

import pytest

from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.workload import RestartMark
from onepassword_operator.service.index import secret_states
from onepassword_operator.service.index.secret_states import SecretState, SecretStates

A, B = SecretKey("app", "a"), SecretKey("app", "b")
X1, X2 = Revisions((Revision("v", "x", 1),)), Revisions((Revision("v", "x", 2),))
STAMP = "2024-05-01T12:00:00Z"
MARK = RestartMark(str(X1), STAMP)
SKIPPED = '"a b" (no key)'


@pytest.fixture
def states() -> SecretStates:
    return SecretStates()


def test_a_reconcile_notes_what_the_secret_holds_and_a_restart_that_is_due(states: SecretStates) -> None:
    states.set_version(A, 7)
    states.set_synced(A, X1, skipped=SKIPPED, mark=MARK)
    assert states.of(A) == SecretState(resource_version=7, existed=True, held=X1, skipped=SKIPPED, mark=MARK)
    states.set_synced(A, X1, skipped=None, mark=RestartMark(str(X1), STAMP))
    assert states.of(A).mark is MARK
    states.set_skipped(A, SKIPPED)
    assert states.of(A).skipped == SKIPPED


def test_what_is_presumed_counts_only_where_nothing_is_known(states: SecretStates) -> None:
    states.set_held_if_unknown(A, None)
    assert states.of(A) == SecretState()
    states.set_held_if_unknown(A, X1)
    states.set_held_if_unknown(A, X2)
    assert states.of(A).held == X1
    states.set_sealed(A, held=X2, mark=None)
    assert states.of(A).held == X2


def test_a_newer_write_keeps_its_mark_when_an_older_restart_ends(states: SecretStates) -> None:
    states.clear_mark(A, 9)
    states.set_version(A, 7)
    states.set_synced(A, X1, skipped=None, mark=MARK)
    states.clear_mark(A, 7)
    assert states.of(A).mark == MARK
    states.clear_mark(A, 8)
    assert (states.of(A).mark, states.of(A).resource_version) == (None, 8)


class NoWalk(dict[SecretKey, SecretState]):
    """Thousands of Secrets: whoever goes through all of them for one namespace does so for each."""

    def __iter__(self) -> NoReturn:
        raise AssertionError("walks over all Secrets")

    items = values = keys = __iter__


def test_marks_are_found_by_namespace_without_a_look_at_every_secret(states: SecretStates) -> None:
    states._states = NoWalk()
    states.set_sealed(A, held=X1, mark=MARK)
    states.set_existed(B)
    states.set_sealed(SecretKey("other", "c"), held=X1, mark=MARK)
    assert states.pending("app") == {A: MARK}
    assert (states.pending_namespaces(), states.count_pending()) == ({"app", "other"}, 2)
    states.clear_mark(A, 1)
    assert (states.pending("app"), states.pending_namespaces(), states.count_pending()) == ({}, {"other"}, 1)


def test_what_a_secret_held_and_was_owed_outlives_its_claims(states: SecretStates) -> None:
    states.set_version(A, 7)
    states.set_sealed(A, held=X1, mark=MARK)
    states.forget(A)
    assert states.count_pending() == 0
    assert states.of(A) == SecretState(existed=True, held=X1, mark=MARK)
    states.set_existed(A)
    assert (states.of(A).held, states.count_pending()) == (X1, 1)


def test_only_so_many_departed_secrets_are_remembered(states: SecretStates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_states, "_DEPARTED", 1)
    for key in (A, B):
        states.set_sealed(key, held=X1, mark=None)
        states.forget(key)
    states.set_existed(SecretKey("app", "c"))
    states.forget(SecretKey("app", "c"))
    assert (states.of(A).held, states.of(B).held) == (None, X1)
