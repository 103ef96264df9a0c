"""Reads of 1Password that somebody asks for."""

from __future__ import annotations

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.index.refreshes import INTERVAL_SECONDS, Refreshes

A, B = SecretKey("app", "a"), SecretKey("app", "b")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def refreshes(clock: FakeClock) -> Refreshes:
    return Refreshes(clock)


def test_one_is_taken_once(refreshes: Refreshes, clock: FakeClock) -> None:
    assert not refreshes.take(A)
    assert refreshes.ask(A) == 0.0
    assert (refreshes.is_asked(A), refreshes.asked_at(A), refreshes.asked_at(B)) == (True, clock.now, 0.0)
    assert refreshes.take(A)
    assert not refreshes.take(A)


def test_the_next_one_waits(refreshes: Refreshes, clock: FakeClock) -> None:
    refreshes.ask(A)
    refreshes.take(A)
    clock.advance(1)
    assert refreshes.ask(A) == INTERVAL_SECONDS - 1
    assert not refreshes.take(A)
    clock.advance(INTERVAL_SECONDS - 1)
    assert refreshes.take(A)


def test_one_that_failed_is_made_again_at_once(refreshes: Refreshes) -> None:
    refreshes.ask(A)
    refreshes.take(A)
    refreshes.give_back(A)
    assert (refreshes.wait(A), refreshes.take(A)) == (0.0, True)


def test_those_that_another_leader_has_answered_are_dropped(refreshes: Refreshes, clock: FakeClock) -> None:
    refreshes.ask(A)
    clock.advance(1)
    refreshes.ask(B)
    refreshes.drop(before=clock.now, answered=lambda _key: False)
    assert refreshes.is_asked(A)
    refreshes.drop(before=clock.now, answered=lambda _key: True)
    assert (refreshes.is_asked(A), refreshes.is_asked(B)) == (False, True)


def test_what_nobody_asks_for_is_forgotten(refreshes: Refreshes) -> None:
    refreshes.ask(A)
    refreshes.forget(A)
    assert not refreshes.is_asked(A)
