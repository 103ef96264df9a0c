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


@pytest.mark.parametrize(("before", "seconds"), [(0, 0.0), (2, 60.0), (1, 0.25)], ids=["first", "after a quiet time", "after long work"])
async def test_a_turn_after_the_gap_is_at_once_and_the_others_come_evenly(
    limiter: RateLimiter, clock: FakeClock, before: int, seconds: float
) -> None:
    await turns(limiter, clock, before)
    clock.advance(seconds)
    assert await turns(limiter, clock, 4) == [0.0, 0.1, 0.2, 0.3]


async def test_those_who_ask_at_once_get_a_turn_each_in_their_order(clock: FakeClock) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 6))

    limiter = RateLimiter(10.0, clock, sleep=sleep)
    await asyncio.gather(*(limiter.turn() for _ in range(4)))
    assert waited == [0.1, 0.2, 0.3]
