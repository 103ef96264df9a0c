"""So many requests a minute, and polls before everything else."""

import asyncio
import heapq
from collections.abc import Callable

import pytest

from fakes.calls import given_up, turns
from fakes.clock import FakeClock
from onepassword_operator.connect import budget
from onepassword_operator.connect.budget import Budget

POLL, LIST, ITEM = "GET /v1/vaults", "GET /v1/vaults/:uuid/items", "GET /v1/vaults/:uuid/items/:uuid"


class Crowd:
    """A budget, requests that want to go out and when they did, and a clock that brings what was put off when its time comes."""

    def __init__(self, per_minute: int) -> None:
        self.clock = FakeClock()
        self.paced = Budget(per_minute, self.clock, later=self._later)
        self.gone: list[tuple[float, str]] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []

    def _later(self, seconds: float, function: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.clock.now + seconds, len(self._due), function))

    async def pass_by(self, seconds: float) -> None:
        end = self.clock.now + seconds
        await asyncio.sleep(0)
        while self._due and self._due[0][0] <= end:
            self.clock.now, _, function = heapq.heappop(self._due)
            function()
            await turns(3)
        self.clock.now = end

    def ask(self, route: str, times: int = 1) -> None:
        self.tasks += [asyncio.create_task(self.one(route)) for _ in range(times)]

    async def one(self, route: str) -> None:
        await self.paced.turn(route)
        self.gone.append((self.clock.now, route))

    def most_in_a_minute(self) -> int:
        times = sorted(at for at, _ in self.gone)
        return max(sum(start <= at < start + 60 for at in times) for start in times)


@pytest.mark.parametrize("per_minute", [10, 60, 100, 999])
async def test_no_minute_sees_more_and_none_is_wasted(per_minute: int) -> None:
    crowd = Crowd(per_minute)
    await crowd.pass_by(3600)  # a quiet hour is not saved up
    crowd.ask(ITEM, 5 * per_minute)
    await crowd.pass_by(180)
    assert crowd.most_in_a_minute() <= per_minute
    assert len(crowd.gone) >= 3 * per_minute * 0.9
    await given_up(*crowd.tasks)


async def test_without_a_limit_nothing_waits() -> None:
    assert [await Crowd(0).paced.turn(ITEM) for _ in range(10_000)] == [0.0] * 10_000


async def test_a_poll_is_next_however_many_items_wait_then_lists() -> None:
    crowd = Crowd(60)
    crowd.ask(ITEM, 100)
    await crowd.pass_by(0)
    before = len(crowd.gone)
    assert crowd.paced.waiting() == 100 - before
    crowd.ask(LIST)
    crowd.ask(POLL)
    await crowd.pass_by(4)
    assert [route for _, route in crowd.gone[before : before + 3]] == [POLL, LIST, ITEM]
    await given_up(*crowd.tasks)


async def test_lists_that_are_due_faster_than_they_can_go_out_leave_every_third_turn_to_items_and_none_of_a_polls() -> None:
    crowd = Crowd(60)

    async def lists_for_ever() -> None:
        while True:
            await crowd.one(LIST)

    crowd.tasks += [asyncio.create_task(lists_for_ever()) for _ in range(2)]
    await crowd.pass_by(10)
    before = len(crowd.gone)
    crowd.ask(ITEM, 2)
    await crowd.pass_by(7)
    assert [route for _, route in crowd.gone[before : before + 6]] == [LIST, LIST, ITEM, LIST, LIST, ITEM]
    before = len(crowd.gone)
    crowd.ask(ITEM)
    crowd.ask(POLL, 4)
    await crowd.pass_by(8)
    assert [route for _, route in crowd.gone[before : before + 7]] == [*[POLL] * 4, LIST, LIST, ITEM]
    await given_up(*crowd.tasks)


async def test_who_waited_is_told_how_long() -> None:
    crowd = Crowd(10)
    assert await crowd.paced.turn(ITEM) == 0.0
    waits = asyncio.create_task(crowd.paced.turn(ITEM))
    await crowd.pass_by(60)
    assert await waits == pytest.approx(60 / 9)


async def test_one_that_gave_up_takes_nobodys_turn() -> None:
    crowd = Crowd(10)
    await crowd.paced.turn(ITEM)
    crowd.ask(ITEM, 2)
    await asyncio.sleep(0)
    crowd.tasks[0].cancel()
    await crowd.pass_by(7)
    assert len(crowd.gone) == 1
    assert crowd.paced.waiting() == 0


async def test_by_itself_it_waits_on_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr(budget, "MINUTE_SECONDS", 0.01)
    paced = Budget(10, clock)
    await paced.turn(ITEM)
    waits = asyncio.create_task(paced.turn(ITEM))
    await asyncio.sleep(0)
    clock.advance(1)
    await waits
