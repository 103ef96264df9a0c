"""So many at once, and whoever takes long holds up nobody."""

import asyncio
from collections.abc import Callable

import pytest

from onepassword_operator.service.runtime.slots import SLOW_SECONDS, Slots


class Timer:
    def __init__(self, function: Callable[[], None]) -> None:
        self.function: Callable[[], None] | None = function

    def cancel(self) -> None:
        self.function = None


class Holders:
    """Slots, and holders that stay until they are told to leave."""

    def __init__(self, count: int, slow: int) -> None:
        self.timers: list[Timer] = []
        self.slots = Slots(count, slow=slow, later=self.later)
        self.holding: list[str] = []
        self.tasks: dict[str, tuple[asyncio.Event, asyncio.Task[None]]] = {}

    def later(self, seconds: float, function: Callable[[], None]) -> Timer:
        assert seconds == SLOW_SECONDS
        self.timers.append(Timer(function))
        return self.timers[-1]

    async def two_seconds_pass(self) -> None:
        timers, self.timers = self.timers, []
        for timer in timers:
            if timer.function:
                timer.function()
        await asyncio.sleep(0.001)

    async def come(self, *names: str) -> None:
        for name in names:
            leave = asyncio.Event()
            self.tasks[name] = leave, asyncio.create_task(self.stay(name, leave))
        await asyncio.sleep(0.001)

    async def stay(self, name: str, leave: asyncio.Event) -> None:
        async with self.slots.slot() as slot:
            self.holding.append(name)
            slot.start()
            await leave.wait()
            self.holding.remove(name)

    async def leave(self, name: str) -> None:
        leave, task = self.tasks.pop(name)
        leave.set()
        await task
        await asyncio.sleep(0.001)


async def test_only_so_many_hold_a_slot_at_once() -> None:
    holders = Holders(2, slow=0)
    await holders.come("a", "b", "c")
    assert holders.holding == ["a", "b"]
    await holders.leave("a")
    assert holders.holding == ["b", "c"]


async def test_whoever_takes_long_goes_on_while_the_next_one_begins() -> None:
    holders = Holders(1, slow=1)
    await holders.come("slow", "next", "third")
    await holders.two_seconds_pass()
    assert holders.holding == ["slow", "next"]
    await holders.two_seconds_pass()
    assert holders.holding == ["slow", "next"]  # one is slow already
    await holders.leave("slow")
    assert holders.holding == ["next"]
    await holders.two_seconds_pass()
    assert holders.holding == ["next", "third"]
    for name in ("next", "third"):
        await holders.leave(name)
    await holders.come("a", "b")
    assert holders.holding == ["a"]  # as many slots as ever


async def test_a_cancelled_holder_frees_its_slot() -> None:
    holders = Holders(1, slow=1)
    await holders.come("slow")
    await holders.two_seconds_pass()
    _, task = holders.tasks["slow"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await holders.come("a", "b")
    assert len(holders.holding) == 2  # "slow" never came to take its name off the list
    await holders.two_seconds_pass()
    assert holders.holding == ["slow", "a", "b"]
