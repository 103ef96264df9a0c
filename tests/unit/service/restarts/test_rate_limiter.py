"""Turns at an even pace."""

import asyncio

import pytest

from fakes.clock import FakeClock
from onepassword_operator.service.restarts.rate_limiter import RateLimiter


@pytest.fixture
def limiter(clock: FakeClock) -> RateLimiter:
    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    return RateLimiter(10.0, clock, sleep=sleep)


async def turns(limiter: RateLimiter, clock: FakeClock, number: int) -> list[float]:
    started, taken = clock.now, []
    for _ in range(number):
        await limiter.turn()
        taken.append(round(clock.now - started, 6))
    return taken


async def test_the_first_turn_is_at_once_and_the_others_come_evenly(limiter: RateLimiter, clock: FakeClock) -> None:
    assert await turns(limiter, clock, 4) == [0.0, 0.1, 0.2, 0.3]


async def test_a_quiet_time_is_not_saved_up(limiter: RateLimiter, clock: FakeClock) -> None:
    await turns(limiter, clock, 2)
    clock.advance(60)
    assert await turns(limiter, clock, 3) == [0.0, 0.1, 0.2]


async def test_work_that_takes_longer_than_the_gap_waits_no_further(limiter: RateLimiter, clock: FakeClock) -> None:
    await limiter.turn()
    clock.advance(0.25)
    assert await turns(limiter, clock, 2) == [0.0, 0.1]


async def test_those_who_ask_at_once_get_a_turn_each_in_their_order(clock: FakeClock) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 6))

    limiter = RateLimiter(10.0, clock, sleep=sleep)
    await asyncio.gather(*(limiter.turn() for _ in range(4)))
    assert waited == [0.1, 0.2, 0.3]
