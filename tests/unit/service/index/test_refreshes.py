"""Reads of 1Password that somebody asks for."""

from fakes.clock import FakeClock
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.index.refreshes import INTERVAL_SECONDS, Refreshes

A = SecretKey("app", "a")


def test_the_next_one_waits() -> None:
    clock = FakeClock()
    refreshes = Refreshes(clock)
    assert (refreshes.take(A), refreshes.ask(A), refreshes.take(A), refreshes.take(A)) == (False, 0.0, True, False)
    clock.advance(1)
    assert (refreshes.ask(A), refreshes.take(A)) == (INTERVAL_SECONDS - 1, False)
    clock.advance(INTERVAL_SECONDS - 1)
    assert refreshes.take(A)
