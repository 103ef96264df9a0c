"""What is woken is done, again until it succeeds, and never twice at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from fakes.calls import given_up, turns, until
from fakes.clock import FakeClock
from fakes.meter import FakeMeter
from onepassword_operator.model.errors import (
    ClusterAbsentError,
    ClusterDeniedError,
    ClusterInvalidError,
    ClusterUnavailableError,
    OperatorError,
)
from onepassword_operator.service.restarts.restart_workloads import NamespaceKey
from onepassword_operator.service.runtime.internal_errors import InternalErrors
from onepassword_operator.service.runtime.retry_loop import RetryLoop
from onepassword_operator.service.runtime.work_queue import WorkQueue

APP, OTHER = NamespaceKey("app"), NamespaceKey("other")


class Work:
    """What there is to do: which keys had their turn, and what each came to."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.errors: list[OperatorError] = []
        self.steps = 0
        """Until so many turns are over, there is more to do."""
        self.changed = asyncio.Event()
        self.during: Callable[[], None] | None = None
        self.gate: asyncio.Event | None = None

    async def run(self, place: NamespaceKey) -> bool:
        self.ran.append(place.namespace)
        if self.during:
            during, self.during = self.during, None
            during()
        if self.gate:
            await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        return len(self.ran) < self.steps

    async def times(self, count: int) -> None:
        await until(lambda: len(self.ran) >= count)


@pytest.fixture
def work() -> Work:
    return Work()


def loop_over(work: Work, **options: float) -> RetryLoop[NamespaceKey]:
    clock = FakeClock()
    return RetryLoop(work.run, queue=WorkQueue(), clock=clock, errors=InternalErrors(clock, FakeMeter(), namespaces=lambda: 1), **options)


@pytest.fixture
async def loop(work: Work) -> AsyncIterator[RetryLoop[NamespaceKey]]:
    made = loop_over(work, interval_seconds=0.001)
    workers = [asyncio.create_task(made.run()) for _ in range(2)]
    yield made
    made.close()
    await given_up(*workers)


@pytest.mark.parametrize(
    "error", [ClusterUnavailableError("no answer"), ClusterAbsentError("gone"), ClusterInvalidError("only a change helps")]
)
async def test_what_failed_is_tried_again(loop: RetryLoop[NamespaceKey], work: Work, error: OperatorError) -> None:
    work.errors = [error]
    loop.wake(APP)
    await work.times(2)
    await turns()
    assert work.ran == ["app", "app"]


async def test_what_is_woken_during_its_turn_gets_another(loop: RetryLoop[NamespaceKey], work: Work) -> None:
    work.during = lambda: loop.wake(APP)
    loop.wake(APP)
    await work.times(2)


async def test_one_in_trouble_does_not_hold_up_another(loop: RetryLoop[NamespaceKey], work: Work) -> None:
    loop._interval_seconds = 3600
    work.errors = [ClusterDeniedError("RBAC")]
    loop.wake(APP)
    loop.wake(OTHER)
    await work.times(2)
    assert work.ran == ["app", "other"]


async def test_workers_go_on_side_by_side_but_never_on_the_same(loop: RetryLoop[NamespaceKey], work: Work) -> None:
    work.gate = asyncio.Event()
    for place in (APP, OTHER, APP):
        loop.wake(place)
        await turns()
    assert (work.ran, loop.depth()) == (["app", "other"], 2)
    work.gate.set()
    await work.times(3)
    await turns()
    assert (work.ran, loop.depth()) == (["app", "other", "app"], 0)


async def test_whoever_has_more_to_do_goes_on_behind_the_others(work: Work) -> None:
    loop = loop_over(work)
    work.steps = 4
    for key in (APP, OTHER):
        loop.wake(key)
    while loop.depth():
        await loop.run_next()
    assert work.ran == ["app", "other", "app", "other", "app"]


async def test_waits_grow_until_it_succeeds_and_a_wake_ends_them(
    loop: RetryLoop[NamespaceKey], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(loop._queue, "add_later", lambda *_, delay_seconds: waits.append(delay_seconds))
    loop._interval_seconds = 60.0
    work.errors = [ClusterUnavailableError("no answer")] * 3
    for turn in range(5):
        if turn == 4:
            work.errors = [ClusterUnavailableError("no answer")]
        loop.wake(APP)
        await work.times(turn + 1)
        await turns()
    assert len(waits) == 4  # one turn succeeded
    assert waits[0] < waits[1] < waits[2]
    assert waits[3] == waits[0]
