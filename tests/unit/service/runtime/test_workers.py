"""Passes over Secrets, so many at once, and none that takes long holds up the others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from fakes.calls import turns, until
from fakes.clock import FakeClock
from fakes.meter import FakeMeter
from onepassword_operator.model.errors import InternalError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.rules.retry import INTERNAL_SECONDS
from onepassword_operator.service.runtime import slots
from onepassword_operator.service.runtime.internal_errors import EVERYWHERE, InternalErrors
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue
from onepassword_operator.service.runtime.workers import Workers


class Work:
    def __init__(self) -> None:
        self.begun: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.bugs: set[str] = set()

    async def __call__(self, key: SecretKey) -> None:
        self.begun.append(key.name)
        if key.name in self.bugs:
            raise ZeroDivisionError
        if gate := self.gates.get(key.name):
            await gate.wait()


class Shop:
    def __init__(self, count: int) -> None:
        self.queue: WorkQueue[SecretKey] = WorkQueue()
        self.work, self.begin = Work(), asyncio.Event()
        self.clock = FakeClock()
        errors = InternalErrors[SecretKey](self.clock, FakeMeter(), namespaces=lambda: 1)
        self.workers = Workers(self.queue, self.work, count=count, begin=self.begin, errors=errors)
        self.tasks = [asyncio.create_task(self.workers.run()) for _ in range(self.workers.loops)]

    async def add(self, *names: str) -> None:
        for name in names:
            self.queue.add(SecretKey("app", name), Priority.NEW)
        await turns(20)

    async def until_begun(self, count: int) -> None:
        await until(lambda: len(self.work.begun) >= count)


@pytest.fixture
async def shop(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shop]:
    monkeypatch.setattr(slots, "SLOW_SECONDS", 0.001)
    made = Shop(count=2)
    yield made
    for task in made.tasks:
        task.cancel()
    for task in made.tasks:
        with contextlib.suppress(asyncio.CancelledError, InternalError):
            await task


async def test_nothing_is_taken_before_the_beginning(shop: Shop) -> None:
    await shop.add("a")
    assert shop.work.begun == []
    shop.begin.set()
    await shop.add("b")
    assert (shop.work.begun, shop.queue.depth()) == (["a", "b"], 0)


async def test_passes_that_hang_hold_no_worker_for_long_and_not_more_than_two_for_each(shop: Shop) -> None:
    shop.begin.set()
    hanging = [f"hangs-{number}" for number in range(6)]
    shop.work.gates = {name: asyncio.Event() for name in hanging}
    for count in (2, 4, 6):
        await shop.add(*hanging[:count])
        await shop.until_begun(count)  # timers of a millisecond are what is waited for
    await shop.add("healthy")
    assert "healthy" not in shop.work.begun
    shop.work.gates[hanging[0]].set()
    await until(lambda: "healthy" in shop.work.begun)


async def test_a_bug_over_one_key_costs_that_key_some_minutes_and_no_other_anything(shop: Shop) -> None:
    shop.begin.set()
    shop.work.bugs = {"poison"}
    for turn in range(2 * EVERYWHERE):
        await shop.add("poison", f"{turn}")
        assert f"{turn}" in shop.work.begun
    assert shop.work.begun.count("poison") == 1
    assert (shop.queue.depth(), shop.queue.delayed()) == (0, 1)
    shop.clock.advance(INTERNAL_SECONDS)
    await shop.add("poison")
    assert shop.work.begun.count("poison") == 2
    assert not any(task.done() for task in shop.tasks)


async def test_a_bug_over_every_key_ends_the_worker(shop: Shop) -> None:
    shop.begin.set()
    names = [f"{number}" for number in range(EVERYWHERE)]
    shop.work.bugs = {*names}
    await shop.add(*names)
    (ended,) = [task for task in shop.tasks if task.done()]
    with pytest.raises(InternalError, match="ZeroDivisionError"):
        await ended
    assert shop.queue.depth() == 0
