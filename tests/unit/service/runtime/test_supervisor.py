"""Supervised tasks: none ends unnoticed."""

import asyncio
import contextlib

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model.errors import InternalError
from onepassword_operator.service.runtime import supervisor as supervise
from onepassword_operator.service.runtime.supervisor import Supervisor


async def forever() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise OSError("gone")


async def returns() -> None:
    return


async def test_all_is_well_while_all_run_and_stopping_ends_every_one() -> None:
    tasks = Supervisor(FakeClock())
    for name in ("a", "b"):
        tasks.start(name, forever)
    await asyncio.sleep(0)
    assert tasks.trouble() == ""
    await tasks.stop()
    assert tasks.trouble() == "stopped: a, b"


async def test_the_first_failure_is_raised_and_told() -> None:
    tasks = Supervisor(FakeClock())
    tasks.start("a", forever)
    tasks.start("b", fails)
    with pytest.raises(OSError, match="gone"):
        await tasks.first_end()
    assert tasks.trouble() == "stopped: b"
    await tasks.stop()


async def test_a_task_that_returns_is_a_failure_too_also_if_it_was_started_after_the_others() -> None:
    tasks = Supervisor(FakeClock())
    tasks.start("a", forever)
    waiting = asyncio.create_task(tasks.first_end())
    await asyncio.sleep(0)
    tasks.start("b", returns)
    with pytest.raises(InternalError, match="ended: b"):
        await waiting
    await tasks.stop()


async def test_an_event_loop_that_stood_still_is_told() -> None:
    clock = FakeClock()
    tasks = Supervisor(clock)
    tasks.start("heartbeat", tasks.heartbeat)
    await asyncio.sleep(0)
    clock.advance(supervise.LAG_LIMIT_SECONDS + 1)
    assert tasks.trouble() == "the event loop stood still for 31 s"
    await tasks.stop()


async def test_a_task_that_does_not_stop_is_left_behind_and_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervise, "STOP_SECONDS", 0.01)
    free = asyncio.Event()

    async def stubborn() -> None:
        while not free.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await free.wait()

    tasks = Supervisor(FakeClock())
    tasks.start("stubborn", stubborn)
    await asyncio.sleep(0)
    await tasks.stop()
    assert [record.task for record in caplog.records] == ["stubborn"]  # type: ignore[attr-defined]
    free.set()
    await asyncio.sleep(0)
