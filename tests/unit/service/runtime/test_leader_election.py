"""One of several candidates leads, and stops writing before another can begin."""

import asyncio
import contextlib
import logging
import math
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fakes.calls import given_up, soon, turns, until
from fakes.clock import FakeClock
from onepassword_operator.model.errors import ClusterConflictError, ClusterUnavailableError
from onepassword_operator.model.lease import HeldLease, LeaseRecord
from onepassword_operator.rules import lease
from onepassword_operator.rules.lease import Timing
from onepassword_operator.service.runtime.leader_election import LeaderElection, NoElection

QUICK = Timing(lease_seconds=15, deadline_seconds=0.2, retry_seconds=0.001)
SLOW = Timing(lease_seconds=15, deadline_seconds=1000.0, retry_seconds=0.02)  # which is also the time for a release


class FakeLease:
    """`LeaseStore` in memory: compare and swap, and whatever trouble a test wants."""

    def __init__(self) -> None:
        self.held: HeldLease | None = None
        self.gets = self.writes = 0
        self.failing: Exception | None = None
        self.hanging = False

    @property
    def record(self) -> LeaseRecord:
        assert self.held
        return self.held.record

    async def get(self) -> HeldLease | None:
        self.gets += 1
        await self._trouble()
        return self.held

    async def write(self, record: LeaseRecord, *, basis: HeldLease | None) -> HeldLease:
        await self._trouble()
        if basis != self.held:
            raise ClusterConflictError("update leases: conflict")
        self.put(record)
        assert self.held
        return self.held

    def put(self, record: LeaseRecord) -> None:
        self.writes += 1
        self.held = HeldLease(record, str(self.writes))

    async def looks(self, times: int) -> None:
        """Wait until it has been read that often from now on."""
        enough = self.gets + times
        await until(lambda: self.gets >= enough)

    async def until_written(self, times: int) -> None:
        await until(lambda: self.writes >= times)

    async def _trouble(self) -> None:
        await asyncio.sleep(0)
        if self.hanging:
            await asyncio.Event().wait()
        if self.failing:
            raise self.failing


THEIRS = LeaseRecord(holder="other", lease_seconds=15, acquired="then", renewed="then", transitions=0)


@pytest.fixture
def store() -> FakeLease:
    return FakeLease()


def candidate(store: FakeLease, clock: FakeClock, *, name: str = "me", timing: Timing = SLOW) -> LeaderElection:
    return LeaderElection(store, identity=name, timing=timing, clock=clock, now=lambda: "now")


@pytest.fixture
async def me(store: FakeLease, clock: FakeClock) -> LeaderElection:
    """A candidate that leads."""
    leader = candidate(store, clock)
    await leader.acquire()
    return leader


@contextlib.asynccontextmanager
async def keeping(leader: LeaderElection) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(leader.renew())
    try:
        yield task
    finally:
        await given_up(task)


async def test_the_first_candidate_leads_and_may_write_from_then_on(store: FakeLease, clock: FakeClock) -> None:
    me = candidate(store, clock)
    assert not me.seconds_left()
    assert await me.acquire() == -math.inf, "nobody else led"
    assert me.seconds_left()
    assert store.record.holder == "me"


async def test_a_second_candidate_waits_until_the_first_has_been_silent_for_longer_than_the_lease_lasts(
    store: FakeLease, clock: FakeClock
) -> None:
    store.put(THEIRS)
    me = candidate(store, clock)
    acquisition = asyncio.create_task(me.acquire())
    await store.looks(3)
    clock.advance(15.0)
    await store.looks(3)
    assert not me.seconds_left()
    clock.advance(0.1)
    await soon(acquisition)
    assert (store.record.holder, store.record.transitions) == ("me", 1)


async def test_another_is_known_to_have_led_until_the_last_look_before_its_last_renewal(store: FakeLease, clock: FakeClock) -> None:
    """When between two looks it renewed, nobody can tell; what it did after the renewal neither."""
    store.put(THEIRS)
    acquisition = asyncio.create_task(candidate(store, clock).acquire())
    for renewed, seconds in ((False, 5.0), (True, 4.0), (False, 3.0), (False, 15.1)):
        await store.looks(3)
        await turns(3)  # the look under way ends
        if renewed:
            last_look = clock.now
            store.put(THEIRS)
        clock.advance(seconds)
    assert await soon(acquisition) == last_look


async def test_a_lease_that_was_given_up_or_is_ones_own_is_no_sign_of_another_leader(store: FakeLease, clock: FakeClock) -> None:
    store.put(THEIRS)
    acquisition = asyncio.create_task(candidate(store, clock).acquire())
    await store.looks(3)
    store.put(lease.released(THEIRS, now="now"))
    assert await soon(acquisition) == -math.inf


async def test_a_holder_that_renews_is_left_alone_however_old_its_times_look_and_named_once_in_the_log(
    store: FakeLease, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store.put(THEIRS)
    acquisition = asyncio.create_task(candidate(store, clock).acquire())
    for _ in range(5):
        await store.looks(2)
        store.put(THEIRS)
        clock.advance(10.0)
    assert not acquisition.done()
    assert [record.holder for record in caplog.records if "another replica leads" in record.message] == [THEIRS.holder]  # type: ignore[attr-defined]
    await given_up(acquisition)


async def test_a_leader_renews_without_reading_what_it_wrote_itself(store: FakeLease, me: LeaderElection) -> None:
    async with keeping(me):
        await store.until_written(4)
    assert (store.gets, store.record.transitions) == (1, 0)


@pytest.mark.parametrize("trouble", [{"failing": ClusterUnavailableError("update leases: no answer")}, {"hanging": True}])
async def test_a_leader_that_cannot_renew_in_time_is_no_leader_any_more(
    store: FakeLease, clock: FakeClock, trouble: dict[str, Any]
) -> None:
    me = candidate(store, clock, timing=QUICK)
    await me.acquire()
    vars(store).update(trouble)
    await soon(me.renew())
    assert not me.seconds_left()


async def test_a_process_that_was_stopped_for_long_may_not_write_even_before_any_timer_has_run(
    clock: FakeClock, me: LeaderElection
) -> None:
    clock.advance(1000.0)
    assert not me.seconds_left()


async def test_the_time_to_lead_counts_from_before_the_request_that_took_the_lease(store: FakeLease, clock: FakeClock) -> None:
    me = candidate(store, clock)
    write = store.write

    async def slow(record: LeaseRecord, *, basis: HeldLease | None) -> HeldLease:
        clock.advance(999.0)
        return await write(record, basis=basis)

    store.write = slow  # type: ignore[method-assign]
    await me.acquire()
    clock.advance(1.0)
    assert not me.seconds_left()


async def test_a_leader_whose_lease_another_has_taken_stops_at_once(store: FakeLease, me: LeaderElection) -> None:
    store.put(THEIRS)
    await soon(me.renew())
    assert not me.seconds_left()
    assert store.record == THEIRS


async def test_a_leader_survives_a_lease_that_somebody_deleted(store: FakeLease, me: LeaderElection) -> None:
    store.held = None
    async with keeping(me):
        await store.until_written(3)
        assert me.seconds_left()


async def test_who_stops_gives_the_lease_up_so_that_the_next_need_not_wait(store: FakeLease, clock: FakeClock, me: LeaderElection) -> None:
    await me.release()
    assert not me.seconds_left()
    await soon(candidate(store, clock, name="other").acquire())
    assert (store.record.holder, store.record.transitions) == ("other", 1)


async def test_a_renewal_that_was_under_way_at_the_end_does_not_keep_the_lease(store: FakeLease, me: LeaderElection) -> None:
    store.put(store.record)  # written, and its answer lost
    get = store.get

    async def overtaken() -> HeldLease | None:
        held = await get()
        store.get = get  # type: ignore[method-assign]
        store.put(store.record)  # another one arrives late
        return held

    store.get = overtaken  # type: ignore[method-assign]
    await me.release()
    assert store.record.holder == ""


async def test_who_never_led_or_leads_no_more_leaves_the_lease_alone_when_it_stops(store: FakeLease, clock: FakeClock) -> None:
    me = candidate(store, clock)
    await me.release()
    assert (store.held, store.gets) == (None, 0)
    await me.acquire()
    store.put(THEIRS)
    await me.release()
    assert store.record == THEIRS


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_lease_that_was_written_but_whose_answer_never_came_is_given_up_at_the_stop(
    store: FakeLease, clock: FakeClock, cancelled: object
) -> None:
    me = candidate(store, clock)
    write, written = store.write, asyncio.Event()

    async def unanswered(record: LeaseRecord, *, basis: HeldLease | None) -> HeldLease:
        await write(record, basis=basis)
        store.write = write  # type: ignore[method-assign]
        store.failing = ClusterUnavailableError("get leases: no answer")
        written.set()
        if cancelled:
            await asyncio.Event().wait()
        raise ClusterUnavailableError("update leases: no answer")

    store.write = unanswered  # type: ignore[method-assign]
    acquisition = asyncio.create_task(me.acquire())
    await soon(written.wait())
    await given_up(acquisition)
    assert (store.record.holder, me.seconds_left()) == ("me", 0)
    store.failing = None
    await me.release()
    assert (store.record.holder, me.seconds_left()) == ("", 0)


async def test_a_stop_does_not_wait_for_an_api_server_that_hangs(store: FakeLease, me: LeaderElection) -> None:
    store.hanging = True
    await soon(me.release())


async def test_of_two_that_find_the_lease_free_at_once_one_leads(store: FakeLease, clock: FakeClock) -> None:
    both = [candidate(store, clock, name=name) for name in ("a", "b")]
    acquisitions = [asyncio.create_task(one.acquire()) for one in both]
    await asyncio.wait(acquisitions, return_when=asyncio.FIRST_COMPLETED)
    await store.looks(2)
    assert sorted(one.seconds_left() > 0 for one in both) == [False, True]
    await given_up(*acquisitions)


async def test_why_the_lease_cannot_be_had_is_said_once(store: FakeLease, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    store.failing = ClusterUnavailableError("get leases: no answer")
    acquisition = asyncio.create_task(candidate(store, clock).acquire())
    await store.looks(5)
    await given_up(acquisition)
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.__dict__["detail"] for record in warnings] == ["get leases: no answer"]


async def test_without_an_election_the_only_replica_leads_to_its_end() -> None:
    me = NoElection()
    await me.acquire()
    assert me.seconds_left()
    kept = asyncio.create_task(me.renew())
    await asyncio.sleep(0)
    await me.release()
    assert not kept.done()
    await given_up(kept)
