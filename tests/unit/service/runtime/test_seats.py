"""So many at once, and whoever takes long holds up nobody."""

import asyncio
from collections.abc import Callable

import pytest

from onepassword_operator.service.runtime.seats import PATIENCE_SECONDS, Seats


class Timer:
    def __init__(self, function: Callable[[], None]) -> None:
        self.function: Callable[[], None] | None = function

    def cancel(self) -> None:
        self.function = None


class Hall:
    """Seats, and guests who stay until they are told to leave."""

    def __init__(self, count: int, overdue: int) -> None:
        self.timers: list[Timer] = []
        self.seats = Seats(count, overdue=overdue, later=self.later)
        self.seated: list[str] = []
        self.guests: dict[str, tuple[asyncio.Event, asyncio.Task[None]]] = {}

    def later(self, seconds: float, function: Callable[[], None]) -> Timer:
        assert seconds == PATIENCE_SECONDS
        self.timers.append(Timer(function))
        return self.timers[-1]

    async def patience_ends(self) -> None:
        timers, self.timers = self.timers, []
        for timer in timers:
            if timer.function:
                timer.function()
        await asyncio.sleep(0.001)

    async def come(self, *names: str) -> None:
        for name in names:
            leave = asyncio.Event()
            self.guests[name] = leave, asyncio.create_task(self.stay(name, leave))
        await asyncio.sleep(0.001)

    async def stay(self, name: str, leave: asyncio.Event) -> None:
        async with self.seats.seat() as seat:
            self.seated.append(name)
            seat.start()
            await leave.wait()
            self.seated.remove(name)

    async def leave(self, name: str) -> None:
        leave, task = self.guests.pop(name)
        leave.set()
        await task
        await asyncio.sleep(0.001)


async def test_only_so_many_sit_at_once() -> None:
    hall = Hall(2, overdue=0)
    await hall.come("a", "b", "c")
    assert hall.seated == ["a", "b"]
    await hall.leave("a")
    assert hall.seated == ["b", "c"]


async def test_whoever_takes_long_goes_on_while_the_next_one_begins() -> None:
    hall = Hall(1, overdue=1)
    await hall.come("slow", "next", "third")
    await hall.patience_ends()
    assert hall.seated == ["slow", "next"]
    await hall.patience_ends()
    assert hall.seated == ["slow", "next"]  # one is overdue already
    await hall.leave("slow")
    assert hall.seated == ["next"]
    await hall.patience_ends()
    assert hall.seated == ["next", "third"]
    for name in ("next", "third"):
        await hall.leave(name)
    await hall.come("a", "b")
    assert hall.seated == ["a"]  # as many seats as ever


async def test_a_guest_who_is_thrown_out_leaves_a_seat() -> None:
    hall = Hall(1, overdue=1)
    await hall.come("slow")
    await hall.patience_ends()
    _, task = hall.guests["slow"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await hall.come("a", "b")
    assert len(hall.seated) == 2  # "slow" never came to take its name off the list
    await hall.patience_ends()
    assert hall.seated == ["slow", "a", "b"]
