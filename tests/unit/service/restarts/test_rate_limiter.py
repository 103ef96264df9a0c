"""Turns at an even pace."""

import asyncio

import pytest

from fakes.clock import FakeClock
from onepassword_operator.service.restarts.rate_limiter import Pace


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pace(clock: FakeClock) -> Pace:
    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    return Pace(10.0, clock, sleep=sleep)


async def turns(pace: Pace, clock: FakeClock, number: int) -> list[float]:
    started, taken = clock.now, []
    for _ in range(number):
        await pace.turn()
        taken.append(round(clock.now - started, 6))
    return taken


async def test_the_first_turn_is_at_once_and_the_others_come_evenly(pace: Pace, clock: FakeClock) -> None:
    assert await turns(pace, clock, 4) == [0.0, 0.1, 0.2, 0.3]


async def test_a_quiet_time_is_not_saved_up(pace: Pace, clock: FakeClock) -> None:
    await turns(pace, clock, 2)
    clock.advance(60)
    assert await turns(pace, clock, 3) == [0.0, 0.1, 0.2]


async def test_work_that_takes_longer_than_the_gap_waits_no_further(pace: Pace, clock: FakeClock) -> None:
    await pace.turn()
    clock.advance(0.25)
    assert await turns(pace, clock, 2) == [0.0, 0.1]


async def test_those_who_ask_at_once_get_a_turn_each_in_their_order(clock: FakeClock) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 6))

    pace = Pace(10.0, clock, sleep=sleep)
    await asyncio.gather(*(pace.turn() for _ in range(4)))
    assert waited == [0.1, 0.2, 0.3]
