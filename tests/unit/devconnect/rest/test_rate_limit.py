"""How many requests an account may make."""

from typing import Any

from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.rest.rate_limit import RateLimit


def limit(clock: Any, **settings: Any) -> RateLimit:
    return RateLimit(clock=clock, behaviour=Behaviour(**settings))


def test_one_too_many_waits_for_the_next_minute_and_is_then_served(clock: Any) -> None:
    clock.now = 120.0
    rate = limit(clock, events_per_minute=2)
    assert [rate.take(), rate.take(), rate.take()] == [None, None, 60]
    clock.advance(45)
    assert rate.take() == 15
    clock.advance(15)
    assert rate.take() is None


def test_the_longer_of_two_waits_counts(clock: Any) -> None:
    clock.now = 7200.0
    rate = limit(clock, events_per_minute=1, events_per_hour=1)
    assert [rate.take(), rate.take()] == [None, 3600]


def test_the_limits_of_the_real_service_are_the_default(clock: Any) -> None:
    rate = limit(clock)
    assert [rate.take() for _ in range(600)] == [None] * 600
    assert rate.take() is not None
