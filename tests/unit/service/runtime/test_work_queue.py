"""The work queue: order, one pass per key, retries, and rest."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from fakes.calls import soon, turns
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.runtime import turns as turns_of_keys
from onepassword_operator.service.runtime import work_queue
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue

A, B, C, D = (SecretKey("app", name) for name in "abcd")
FAR = 3600.0


@pytest.fixture
async def queue() -> AsyncIterator[WorkQueue[SecretKey]]:
    made: WorkQueue[SecretKey] = WorkQueue()
    yield made
    made.close()


async def test_namespaces_that_come_and_go_take_no_room_where_nobody_takes_their_keys(queue: WorkQueue[SecretKey]) -> None:
    """A standby takes none."""
    queue.add(B, Priority.LOW)
    for number in range(2 * turns_of_keys._SLACK):
        key = SecretKey(f"app-{number}", "a")
        queue.add(key, Priority.NEW)
        queue.lower(key, Priority.LOW)
        queue.discard(key)
    assert len(queue._turns._heap) <= turns_of_keys._SLACK + 10
    assert await drained(queue) == [B]
    idle = asyncio.create_task(queue.take())
    await turns()
    idle.cancel()
    assert not queue._turns._lines


async def drained(queue: WorkQueue[SecretKey]) -> list[SecretKey]:
    taken = []
    while queue.depth():
        key = await queue.take()
        queue.done(key)
        taken.append(key)
    return taken


@pytest.mark.parametrize(
    ("added", "taken"),
    [
        ([(A, Priority.LOW), (B, Priority.CHANGED), (C, Priority.NEW), (D, Priority.DRIFT)], [C, D, B, A]),
        ([(C, Priority.CHANGED), (A, Priority.CHANGED), (B, Priority.CHANGED)], [C, A, B]),
    ],
)
async def test_new_comes_before_drift_before_changed_before_resync_and_equals_as_they_were_added(
    queue: WorkQueue[SecretKey], added: list[tuple[SecretKey, Priority]], taken: list[SecretKey]
) -> None:
    for key, priority in added:
        queue.add(key, priority)
    assert await drained(queue) == taken


async def test_a_namespace_with_half_of_what_runs_lets_the_others_pass(queue: WorkQueue[SecretKey]) -> None:
    """Its calls may be slow; without others it has all workers."""
    slow = [SecretKey("slow", str(number)) for number in range(9)]
    for key in slow:
        queue.add(key, Priority.NEW)
    assert [await queue.take() for _ in range(4)] == slow[:4]
    for key in (A, B, C, D):
        queue.add(key, Priority.LOW)
    assert [await queue.take() for _ in range(5)] == [A, B, C, D, slow[4]]
    assert [await queue.take() for _ in range(4)] == slow[5:]


async def test_a_key_added_twice_runs_once_at_its_best_priority(queue: WorkQueue[SecretKey]) -> None:
    queue.add(A, Priority.LOW)
    queue.add(B, Priority.CHANGED)
    queue.add(A, Priority.NEW)
    queue.add(A, Priority.LOW)
    assert queue.depth() == 2
    assert await drained(queue) == [A, B]


async def test_a_key_added_while_its_pass_runs_runs_once_more_and_never_twice_at_a_time(queue: WorkQueue[SecretKey]) -> None:
    queue.add(A, Priority.NEW)
    assert await queue.take() == A
    queue.add(A, Priority.LOW)
    queue.add(A, Priority.DRIFT)
    second = asyncio.create_task(queue.take())
    await turns()
    assert not second.done()
    queue.done(A)
    assert await second == A
    queue.done(A)
    assert queue.depth() == 0


async def test_what_was_added_meanwhile_keeps_its_best_priority(queue: WorkQueue[SecretKey]) -> None:
    queue.add(A, Priority.NEW)
    await queue.take()
    queue.add(A, Priority.DRIFT)
    queue.add(A, Priority.LOW)
    queue.add(B, Priority.CHANGED)
    queue.done(A)
    assert await drained(queue) == [A, B]


async def test_a_retry_comes_when_its_time_has_come(queue: WorkQueue[SecretKey]) -> None:
    queue.add_later(A, Priority.LOW, delay_seconds=0.0)
    assert (queue.depth(), queue.delayed()) == (0, 1)
    assert (await queue.take(), queue.delayed()) == (A, 0)


async def test_a_waiting_retry_is_brought_forward_and_does_not_come_again(queue: WorkQueue[SecretKey]) -> None:
    queue.add_later(A, Priority.LOW, delay_seconds=FAR)
    queue.add(A, Priority.DRIFT)
    assert queue.delayed() == 0
    assert await drained(queue) == [A]


async def test_a_retry_is_dropped_for_a_key_that_has_its_turn_anyway(queue: WorkQueue[SecretKey]) -> None:
    queue.add(A, Priority.NEW)
    queue.add_later(A, Priority.LOW, delay_seconds=FAR)
    assert queue.delayed() == 0
    await queue.take()
    queue.add(A, Priority.NEW)
    queue.add_later(A, Priority.LOW, delay_seconds=FAR)
    assert queue.delayed() == 0


@pytest.mark.parametrize("delays", [(0.0, FAR), (FAR, 0.0)])
async def test_of_two_retries_the_nearer_one_counts(queue: WorkQueue[SecretKey], delays: tuple[float, ...]) -> None:
    for seconds in delays:
        queue.add_later(A, Priority.LOW, delay_seconds=seconds)
    assert (queue.delayed(), await soon(queue.take())) == (1, A)


async def test_a_closed_queue_has_no_timers(queue: WorkQueue[SecretKey]) -> None:
    queue.add_later(A, Priority.LOW, delay_seconds=0.0)
    queue.close()
    await turns()
    assert (queue.depth(), queue.delayed()) == (0, 0)


class TestWhenIdle:
    @pytest.fixture
    def calls(self, queue: WorkQueue[SecretKey]) -> list[str]:
        """The calls that are made of two for the namespace of a key that waits."""
        made: list[str] = []
        queue.add(A, Priority.NEW)
        for name in ("one", "two"):
            queue.when_idle("app", lambda name=name: made.append(name))  # type: ignore[misc]
        return made

    async def test_for_a_namespace_without_work_the_call_is_made_at_once(self, queue: WorkQueue[SecretKey]) -> None:
        queue.add(SecretKey("other", "x"), Priority.NEW)
        queue.add_later(A, Priority.LOW, delay_seconds=FAR)  # retries that wait for their time do not count
        made: list[str] = []
        queue.when_idle("app", lambda: made.append("app"))
        assert made == ["app"]

    async def test_the_last_call_is_made_once_after_all_that_waits_and_runs(self, queue: WorkQueue[SecretKey], calls: list[str]) -> None:
        queue.add(B, Priority.NEW)
        for _ in range(2):
            key = await queue.take()
            assert calls == []
            queue.done(key)
        assert calls == ["two"]
        queue.add(B, Priority.NEW)
        queue.done(await queue.take())
        assert calls == ["two"]

    async def test_work_that_came_up_during_the_last_pass_counts(self, queue: WorkQueue[SecretKey], calls: list[str]) -> None:
        await queue.take()
        queue.add(A, Priority.NEW)
        queue.done(A)
        assert calls == []
        assert await drained(queue) == [A]
        assert calls == ["two"]

    async def test_a_key_that_is_discarded_counts_no_more(self, queue: WorkQueue[SecretKey], calls: list[str]) -> None:
        queue.add_later(B, Priority.LOW, delay_seconds=FAR)
        for key in (A, B, C):
            queue.discard(key)
        assert calls == ["two"]
        assert (queue.depth(), queue.delayed()) == (0, 0)


class Limits:
    """Keys of a namespace wait for each other while it is `full`."""

    def __init__(self, most: int) -> None:
        self.most, self.running, self.well = most, list[SecretKey](), set[str]()

    def blocked_by(self, key: SecretKey) -> str | None:
        return None if key.namespace in self.well or self.room(key.namespace) else key.namespace

    def room(self, target: str) -> int:
        return 100 if target in self.well else self.most - sum(key.namespace == target for key in self.running)

    def begin(self, key: SecretKey) -> None:
        self.running.append(key)

    def end(self, key: SecretKey) -> None:
        self.running.remove(key)


class TestShare:
    """What is unhealthy holds so many workers; the others don't wait for it."""

    @pytest.fixture
    def limits(self) -> Limits:
        return Limits(most=1)

    @pytest.fixture
    def queue(self, limits: Limits) -> WorkQueue[SecretKey]:
        return WorkQueue(limits=limits)

    async def test_a_key_of_another_namespace_passes_those_that_wait(self, queue: WorkQueue[SecretKey]) -> None:
        for name in "abc":
            queue.add(SecretKey("unhealthy", name), Priority.NEW)
        queue.add(SecretKey("well", "d"), Priority.LOW)
        assert await queue.take() == SecretKey("unhealthy", "a")
        assert await queue.take() == SecretKey("well", "d")
        assert queue.depth() == 4

    async def test_each_end_of_a_pass_gives_the_next_one_its_turn(self, queue: WorkQueue[SecretKey]) -> None:
        keys = [SecretKey("unhealthy", str(number)) for number in range(20)]
        for key in keys:
            queue.add(key, Priority.NEW)
        for key in keys:
            assert await queue.take() == key
            waiting = asyncio.create_task(queue.take())
            await asyncio.sleep(0)
            assert not waiting.done()
            waiting.cancel()
            queue.done(key)
        assert queue.depth() == 0

    async def test_those_that_were_blocked_come_back_by_their_priority(self, queue: WorkQueue[SecretKey]) -> None:
        queue.add(SecretKey("unhealthy", "first"), Priority.NEW)
        first = await queue.take()
        for name in "abc":
            queue.add(SecretKey("unhealthy", name), Priority.LOW)
        waiting = asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        queue.add(SecretKey("unhealthy", "new"), Priority.NEW)
        await asyncio.sleep(0)
        queue.done(first)
        assert (await waiting).name == "new"

    async def test_idle_workers_notice_by_themselves_that_it_is_well_again(
        self, queue: WorkQueue[SecretKey], limits: Limits, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(work_queue, "RECHECK_SECONDS", 0.01)
        for name in "ab":
            queue.add(SecretKey("unhealthy", name), Priority.NEW)
        await queue.take()  # hangs
        waiting = asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        limits.well.add("unhealthy")
        async with asyncio.timeout(5):
            assert (await waiting).name == "b"

    async def test_all_come_back_when_it_is_well_again(self, queue: WorkQueue[SecretKey], limits: Limits) -> None:
        for number in range(5):
            queue.add(SecretKey("unhealthy", str(number)), Priority.NEW)
        first = await queue.take()
        waiting = asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        limits.well.add("unhealthy")
        queue.done(first)
        assert ((await waiting).name, {(await queue.take()).name for _ in range(3)}) == ("1", {"2", "3", "4"})

    async def test_a_key_that_was_blocked_is_looked_at_again_when_it_is_asked_for(
        self, queue: WorkQueue[SecretKey], limits: Limits
    ) -> None:
        """Its claim may name another item by now."""
        for name in "ab":
            queue.add(SecretKey("unhealthy", name), Priority.NEW)
        await queue.take()
        waiting = asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        limits.well.add("unhealthy")
        queue.add(SecretKey("unhealthy", "b"), Priority.LOW)
        assert await waiting == SecretKey("unhealthy", "b")
        assert not queue._blocked

    async def test_a_blocked_key_that_nobody_asks_for_any_more_is_dropped(self, queue: WorkQueue[SecretKey]) -> None:
        for name in "ab":
            queue.add(SecretKey("unhealthy", name), Priority.NEW)
        first = await queue.take()
        waiting = asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        queue.discard(SecretKey("unhealthy", "b"))
        queue.done(first)
        waiting.cancel()
        assert (queue.depth(), queue._turns._size, queue._blocked) == (0, 0, {})

    async def test_asking_again_and_again_keeps_one_entry(self, queue: WorkQueue[SecretKey]) -> None:
        for name in "ab":
            queue.add(SecretKey("unhealthy", name), Priority.NEW)
        first = await queue.take()
        for _ in range(5):
            waiting = asyncio.create_task(queue.take())
            await asyncio.sleep(0)
            waiting.cancel()
            queue.add(SecretKey("unhealthy", "b"), Priority.DRIFT)
        queue.done(first)
        assert await queue.take() == SecretKey("unhealthy", "b")
        queue.done(SecretKey("unhealthy", "b"))
        assert (queue.depth(), queue._turns._size, queue._blocked) == (0, 0, {})

    async def test_an_older_entry_of_a_key_does_not_count_once_it_waits_again(
        self, queue: WorkQueue[SecretKey], limits: Limits, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two entries would be blocked by two targets, and forgotten by one of them."""
        for priority in (Priority.LOW, Priority.CHANGED):
            queue.add(A, priority)
        queue.done(await queue.take())
        queue.add(A, Priority.LOW)
        targets = iter(["item", "vault"])
        monkeypatch.setattr(limits, "blocked_by", lambda _: next(targets, None))
        waiting = asyncio.create_task(queue.take())
        await asyncio.sleep(0)
        assert list(queue._blocked) == ["item"]
        waiting.cancel()
