"""Failures in a row."""

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.index.retries import Retries

A = SecretKey("app", "a")


@pytest.fixture
def retries(clock: FakeClock) -> Retries:
    return Retries(clock)


def test_failures_count_until_a_success_or_the_end_of_the_claim(retries: Retries, clock: FakeClock) -> None:
    assert (retries.attempts(A), retries.attempt(A), retries.failing_seconds(A)) == (0, 1, 0.0)
    retries.note_failure(A)
    clock.advance(5)
    retries.note_failure(A)
    assert (retries.attempts(A), retries.attempt(A), retries.failing_seconds(A)) == (2, 2, 5.0)
    retries.note_success(A)
    assert (retries.attempts(A), retries.failing_seconds(A), retries._failures) == (0, 0.0, {})
    retries.note_failure(A)
    retries.forget(A)
    assert retries.attempts(A) == 0, "nobody asks for it any more"


def test_statuses_that_can_not_be_written_make_for_longer_delays(retries: Retries) -> None:
    for expected in (1, 2):
        retries.note_success(A)
        retries.note_status_failure(A)
        assert retries.attempts(A) == expected
    retries.note_status_success(A)
    retries.note_success(A)
    assert retries._failures == {}
    retries.note_status_success(A)


def test_a_refused_claim_beside_the_winner_is_tried_less_and_less_often(retries: Retries) -> None:
    for _ in range(3):
        retries.note_refusals(A, somebody=True)
    assert (retries.attempts(A), retries.attempt(A)) == (0, 3)
    retries.note_refusals(A, somebody=False)
    assert (retries.attempt(A), retries._failures) == (1, {})
    retries.note_refusals(A, somebody=False)
