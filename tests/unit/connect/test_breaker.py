"""The budget of one credential: concurrency, waits, and the circuit."""

import asyncio
import traceback
from typing import Any

import pytest

from fakes.clock import FakeClock
from fakes.item_source import FakeItemSource
from onepassword_operator.connect.breaker import COLD_SECONDS, CONCURRENCY, FAILURES_TO_OPEN, LISTS_AT_ONCE, PROBE_SECONDS, CircuitBreaker
from onepassword_operator.model.errors import (
    BackendAnswerError,
    BackendDeniedError,
    BackendError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ItemNotFoundError,
    OperatorError,
    SecretTooLargeError,
)

PROBE = 60.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source() -> FakeItemSource:
    made = FakeItemSource()
    made.put(made.add_vault("Prod"), "db", a="b")
    return made


@pytest.fixture
def paced(source: FakeItemSource, clock: FakeClock) -> CircuitBreaker:
    return CircuitBreaker(source, clock, denied_probe_seconds=PROBE)


async def vault_and_item(source: FakeItemSource) -> tuple[str, str]:
    (vault,) = await source.list_vaults()
    (item,) = await source.list_items(vault.id)
    source.requests.clear()
    return vault.id, item.id


async def fails(paced: CircuitBreaker, vault: str) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        await paced.list_items(vault)
    return caught.value


async def probe_fails(paced: CircuitBreaker) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        await paced.list_vaults()
    return caught.value


async def test_everything_passes_while_all_is_well(paced: CircuitBreaker, source: FakeItemSource) -> None:
    vault, item = await vault_and_item(source)
    assert [v.id for v in await paced.list_vaults()] == [vault]
    assert [s.id for s in await paced.list_items(vault)] == [item]
    assert (await paced.get_item(vault, item)).id == item


async def test_only_so_many_calls_are_under_way(paced: CircuitBreaker, source: FakeItemSource) -> None:
    vault, item = await vault_and_item(source)
    source.gate = asyncio.Event()
    calls = [asyncio.create_task(paced.get_item(vault, item)) for _ in range(3 * CONCURRENCY)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert source.in_flight == CONCURRENCY
    source.gate.set()
    await asyncio.gather(*calls)
    assert source.peak == CONCURRENCY


async def test_fewer_of_them_are_lists_and_neither_kind_waits_for_the_other(paced: CircuitBreaker, source: FakeItemSource) -> None:
    vault, item = await vault_and_item(source)
    source.gate = asyncio.Event()
    lists = [asyncio.create_task(paced.list_items(vault)) for _ in range(3 * CONCURRENCY)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert source.in_flight == LISTS_AT_ONCE
    reads = [asyncio.create_task(paced.get_item(vault, item)) for _ in range(3 * CONCURRENCY)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert source.in_flight == LISTS_AT_ONCE + CONCURRENCY
    source.gate.set()
    await asyncio.gather(*lists, *reads)


async def test_the_poll_waits_behind_nothing(paced: CircuitBreaker, source: FakeItemSource) -> None:
    vault, item = await vault_and_item(source)
    source.gate = asyncio.Event()
    calls: list[asyncio.Task[Any]] = [asyncio.create_task(paced.get_item(vault, item)) for _ in range(3 * CONCURRENCY)]
    calls += [asyncio.create_task(paced.list_items(vault)) for _ in range(3 * LISTS_AT_ONCE)]
    for _ in range(5):
        await asyncio.sleep(0)
    calls.append(asyncio.create_task(paced.list_vaults()))
    for _ in range(5):
        await asyncio.sleep(0)
    assert source.requests[-1] == "vaults"
    source.gate.set()
    await asyncio.gather(*calls)


class TestOutage:
    async def test_the_circuit_opens_after_three_calls_in_a_row_without_an_answer(
        self, paced: CircuitBreaker, source: FakeItemSource
    ) -> None:
        vault, _ = await vault_and_item(source)
        source.outage = BackendUnavailableError("no answer")
        for _ in range(FAILURES_TO_OPEN + 5):
            assert repr(await fails(paced, vault)) == repr(source.outage)
        assert source.count("list") == FAILURES_TO_OPEN

    async def test_the_vault_list_is_the_probe_that_still_goes_out(
        self, paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock
    ) -> None:
        vault, _ = await vault_and_item(source)
        source.outage = BackendUnavailableError("no answer")
        for _ in range(FAILURES_TO_OPEN):
            await fails(paced, vault)
        clock.advance(PROBE_SECONDS)
        await probe_fails(paced)
        assert source.count("vaults") == 1
        await fails(paced, vault)
        source.outage = None
        clock.advance(PROBE_SECONDS)
        await fails(paced, vault)  # nobody knows yet
        assert source.count("list") == FAILURES_TO_OPEN
        await paced.list_vaults()
        await paced.list_items(vault)

    async def test_however_many_ask_for_the_vault_list_the_probe_goes_out_now_and_then(
        self, paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock
    ) -> None:
        """Before anything is known every pass asks for it, and there may be thousands of them."""
        source.outage = BackendUnavailableError("no answer")
        for _ in range(FAILURES_TO_OPEN + 50):
            assert repr(await probe_fails(paced)) == repr(source.outage)
        assert source.count("vaults") == FAILURES_TO_OPEN
        for round_ in range(1, 4):
            clock.advance(PROBE_SECONDS)
            for _ in range(50):
                await probe_fails(paced)
            assert source.count("vaults") == FAILURES_TO_OPEN + round_

    async def test_a_pause_that_comes_with_an_outage_is_kept_and_ends_by_itself(
        self, paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock
    ) -> None:
        vault, _ = await vault_and_item(source)
        source.outage = BackendUnavailableError("busy")
        source.outage = source.outage.anew(delay_seconds=30)
        await fails(paced, vault)
        source.outage = None
        assert paced.is_open()
        clock.advance(29)
        await fails(paced, vault)
        await probe_fails(paced)
        clock.advance(1)
        assert not paced.is_open()
        await paced.list_items(vault)
        assert source.requests == [f"list {vault}"] * 2

    async def test_one_item_that_can_not_be_read_is_no_outage_however_often_it_is_tried(
        self, paced: CircuitBreaker, source: FakeItemSource
    ) -> None:
        vault, item = await vault_and_item(source)
        broken = BackendUnavailableError("500", of_one_item=True)
        source.refused = {item: broken}
        for _ in range(5 * FAILURES_TO_OPEN):
            with pytest.raises(BackendUnavailableError):
                await paced.get_item(vault, item)
        assert not paced.is_open()
        await paced.list_items(vault)

    async def test_several_items_that_can_not_be_read_are_one(self, paced: CircuitBreaker, source: FakeItemSource) -> None:
        vault, _ = await vault_and_item(source)
        broken = BackendUnavailableError("500", of_one_item=True)
        items = [source.put(vault, f"db-{number}", a="b") for number in range(FAILURES_TO_OPEN)]
        source.refused = dict.fromkeys(items, broken)
        for item in items:
            assert not paced.is_open()
            with pytest.raises(BackendUnavailableError):
                await paced.get_item(vault, item)
        assert paced.is_open()

    async def test_what_is_too_large_is_an_answer(self, paced: CircuitBreaker, source: FakeItemSource) -> None:
        vault, item = await vault_and_item(source)
        source.refused = {vault: BackendUnavailableError("no answer"), item: SecretTooLargeError("no")}
        for _ in range(FAILURES_TO_OPEN):
            await fails(paced, vault)
            with pytest.raises(SecretTooLargeError):
                await paced.get_item(vault, item)
        assert not paced.is_open()


class TestColdStart:
    """A server before its first sync answers that it is not ready yet."""

    @pytest.fixture
    def cold(self) -> BackendUnavailableError:
        return BackendUnavailableError("408", warming_up=True)

    async def test_it_does_not_open_the_circuit_and_is_asked_now_and_then(
        self, paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock, cold: BackendUnavailableError
    ) -> None:
        source.outage = cold
        for _ in range(20):
            for _ in range(10):
                assert repr(await probe_fails(paced)) == repr(cold)
            clock.advance(PROBE_SECONDS)
        assert not paced.is_open()
        assert source.count("vaults") == 20
        source.outage = None
        (vault,) = await paced.list_vaults()
        await paced.list_items(vault.id)

    async def test_one_that_stays_cold_is_an_outage(
        self, paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock, cold: BackendUnavailableError
    ) -> None:
        source.outage = cold
        await probe_fails(paced)
        clock.advance(COLD_SECONDS)
        for _ in range(FAILURES_TO_OPEN):
            assert not paced.is_open()
            await probe_fails(paced)
        assert paced.is_open()

    async def test_one_that_has_answered_before_is_not_fresh(
        self, paced: CircuitBreaker, source: FakeItemSource, cold: BackendUnavailableError
    ) -> None:
        vault, _ = await vault_and_item(source)
        await paced.list_vaults()
        source.outage = cold
        for _ in range(FAILURES_TO_OPEN):
            await fails(paced, vault)
        assert paced.is_open()

    async def test_after_recovery_it_takes_three_failures_again(self, paced: CircuitBreaker, source: FakeItemSource) -> None:
        vault, _ = await vault_and_item(source)
        outage = BackendUnavailableError("no answer")
        for _ in range(3):
            source.outage = outage
            for _ in range(FAILURES_TO_OPEN - 1):
                await fails(paced, vault)
            source.outage = None
            await paced.list_items(vault)

    @pytest.mark.parametrize("answer", [ItemNotFoundError("no"), BackendForbiddenError("no"), BackendAnswerError("what?")])
    async def test_any_answer_breaks_the_row(self, paced: CircuitBreaker, source: FakeItemSource, answer: OperatorError) -> None:
        vault, item = await vault_and_item(source)
        source.refused = {vault: BackendUnavailableError("no answer"), item: answer}
        for _ in range(FAILURES_TO_OPEN):
            await fails(paced, vault)
            with pytest.raises(type(answer)):
                await paced.get_item(vault, item)
        assert source.count("list") == FAILURES_TO_OPEN
        source.refused.clear()
        await paced.list_items(vault)  # the circuit never opened

    async def test_what_waits_for_a_slot_when_the_circuit_opens_does_not_go_out(
        self, paced: CircuitBreaker, source: FakeItemSource
    ) -> None:
        vault, item = await vault_and_item(source)
        source.gate = asyncio.Event()
        source.outage = BackendUnavailableError("no answer")
        calls = [asyncio.create_task(paced.get_item(vault, item)) for _ in range(3 * CONCURRENCY)]
        for _ in range(5):
            await asyncio.sleep(0)
        source.gate.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(repr(result) == repr(source.outage) for result in results)
        assert source.count("item") < 2 * CONCURRENCY


class TestDenied:
    async def test_one_refusal_of_the_token_stops_everything_and_the_probe_is_paced(
        self, paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock
    ) -> None:
        vault, _ = await vault_and_item(source)
        source.outage = BackendDeniedError("refused")
        for _ in range(5):
            assert repr(await probe_fails(paced)) == repr(source.outage)
            assert repr(await fails(paced, vault)) == repr(source.outage)
        assert source.requests == ["vaults"]
        clock.advance(PROBE)
        await probe_fails(paced)
        assert source.requests == ["vaults"] * 2
        source.outage = None
        clock.advance(PROBE - 1)
        await probe_fails(paced)
        clock.advance(1)
        await paced.list_vaults()
        await paced.list_items(vault)

    async def test_a_vault_that_is_refused_alone_stops_no_other(self, paced: CircuitBreaker, source: FakeItemSource) -> None:
        vault, item = await vault_and_item(source)
        other = source.add_vault("Other")
        source.refused = {vault: BackendDeniedError("refused"), item: BackendDeniedError("refused")}
        for _ in range(5):
            assert repr(await fails(paced, vault)) == repr(source.refused[vault])
        with pytest.raises(BackendDeniedError):
            await paced.get_item(vault, item)
        assert not paced.is_open()
        await paced.list_items(other)
        assert source.count("vaults") == 1  # the token was looked at once for all of them

    async def test_a_refused_call_has_the_token_looked_at_and_a_refused_token_stops_everything(
        self, paced: CircuitBreaker, source: FakeItemSource
    ) -> None:
        vault, item = await vault_and_item(source)
        source.outage = BackendDeniedError("refused")
        calls = [asyncio.create_task(paced.get_item(vault, item)) for _ in range(CONCURRENCY)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(repr(result) == repr(source.outage) for result in results)
        assert paced.is_open()
        assert source.count("vaults") == 1
        assert repr(await fails(paced, vault)) == repr(source.outage)
        assert source.count("list") == 0

    async def test_another_token_is_tried_at_once(self, source: FakeItemSource, clock: FakeClock) -> None:
        credential = [0]
        paced = CircuitBreaker(source, clock, denied_probe_seconds=PROBE, credential=lambda: credential[0])
        vault, _ = await vault_and_item(source)
        source.outage = BackendDeniedError("refused")
        await probe_fails(paced)
        await probe_fails(paced)
        await fails(paced, vault)
        assert source.requests == ["vaults"]
        credential[0] = 1
        await probe_fails(paced)
        await fails(paced, vault)
        assert source.requests == ["vaults"] * 2  # it is refused, too, and that is the end of it
        credential[0] = 2
        source.outage = None
        await paced.list_items(vault)
        await paced.list_vaults()

    async def test_another_token_helps_with_nothing_else(self, source: FakeItemSource, clock: FakeClock) -> None:
        credential = [0]
        paced = CircuitBreaker(source, clock, denied_probe_seconds=PROBE, credential=lambda: credential[0])
        vault, _ = await vault_and_item(source)
        source.outage = BackendRateLimitedError("slow down", delay_seconds=30)
        await fails(paced, vault)
        credential[0] = 1
        await fails(paced, vault)
        await probe_fails(paced)
        assert source.requests == [f"list {vault}"]


class TestRateLimit:
    async def test_a_wait_is_not_cut_short_by_what_fails_meanwhile(
        self, paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock
    ) -> None:
        vault, item = await vault_and_item(source)
        source.gate = asyncio.Event()
        slow = [asyncio.create_task(paced.list_items(vault)), *(asyncio.create_task(paced.get_item(vault, item)) for _ in range(3))]
        await asyncio.sleep(0)
        source.refused = {vault: BackendRateLimitedError("slow down", delay_seconds=30), item: BackendUnavailableError("no answer")}
        source.gate.set()
        await asyncio.gather(*slow, return_exceptions=True)
        source.refused.clear()
        clock.advance(29)
        await probe_fails(paced)
        clock.advance(1)
        await paced.list_vaults()

    async def test_after_it_calls_go_out_without_another_probe(
        self, paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock
    ) -> None:
        vault, _ = await vault_and_item(source)
        source.outage = BackendRateLimitedError("slow down", delay_seconds=30)
        await fails(paced, vault)
        source.outage = None
        clock.advance(30)
        await paced.list_items(vault)

    async def test_the_wait_that_was_asked_for_is_kept(self, paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock) -> None:
        vault, _ = await vault_and_item(source)
        source.outage = BackendRateLimitedError("slow down", delay_seconds=30)
        await fails(paced, vault)
        source.outage = None
        clock.advance(29)
        await probe_fails(paced)
        await fails(paced, vault)
        assert source.requests == [f"list {vault}"]
        clock.advance(1)
        await paced.list_vaults()
        await paced.list_items(vault)

    @pytest.mark.parametrize("error", [BackendRateLimitedError("slow down", delay_seconds=30), BackendDeniedError("refused")])
    async def test_a_call_that_was_on_its_way_does_not_end_the_wait(
        self, paced: CircuitBreaker, source: FakeItemSource, error: BackendError
    ) -> None:
        vault, item = await vault_and_item(source)
        source.gate = asyncio.Event()
        refused = asyncio.create_task(paced.list_items(vault))
        early = asyncio.create_task(paced.get_item(vault, item))
        await asyncio.sleep(0)
        source.refused = {vault: error, "vaults": error}
        source.gate.set()
        results = await asyncio.gather(refused, early, return_exceptions=True)
        assert repr(results[0]) == repr(error)
        late = asyncio.create_task(paced.get_item(vault, item))
        assert repr((await asyncio.gather(late, return_exceptions=True))[0]) == repr(error)
        assert source.count("item") == 1


async def test_calls_under_way_are_counted_also_those_that_are_given_up(paced: CircuitBreaker, source: FakeItemSource) -> None:
    vault, item = await vault_and_item(source)
    source.gate = asyncio.Event()
    calls = [asyncio.create_task(paced.get_item(vault, item)) for _ in range(3)]
    await asyncio.sleep(0)
    assert paced.in_flight() == 3
    calls[0].cancel()
    await asyncio.gather(calls[0], return_exceptions=True)
    assert paced.in_flight() == 2
    source.gate.set()
    await asyncio.gather(*calls[1:])
    assert paced.in_flight() == 0


async def test_one_sources_outage_is_no_other_ones(clock: FakeClock) -> None:
    down, up = FakeItemSource(), FakeItemSource()
    first, second = (CircuitBreaker(source, clock, denied_probe_seconds=PROBE) for source in (down, up))
    down.outage = BackendDeniedError("refused")
    down.gate = asyncio.Event()
    hung = [asyncio.create_task(first.list_vaults()) for _ in range(CONCURRENCY + 1)]
    await asyncio.sleep(0)
    await second.list_vaults()
    down.gate.set()
    await asyncio.gather(*hung, return_exceptions=True)
    assert (first.is_open(), second.is_open()) == (True, False)
    await second.list_vaults()


async def test_an_open_circuit_does_not_grow_its_error(paced: CircuitBreaker, source: FakeItemSource) -> None:
    vault, _ = await vault_and_item(source)
    source.outage = BackendDeniedError("refused")
    errors = [await fails(paced, vault) for _ in range(50)]
    assert len(traceback.extract_tb(errors[-1].__traceback__)) < 10


async def test_vaults_whose_lists_are_slow_wait_for_each_other_and_for_nobody_else(
    paced: CircuitBreaker, source: FakeItemSource, clock: FakeClock
) -> None:
    sick = [source.add_vault(f"sick {number}") for number in range(2 * LISTS_AT_ONCE)]
    well = source.add_vault("well")
    for vault in sick:
        source.refused[vault] = BackendForbiddenError("403")
        assert isinstance(await fails(paced, vault), BackendForbiddenError)
    source.refused.clear()
    source.gates = {vault: asyncio.Event() for vault in sick}
    hanging = [asyncio.create_task(paced.list_items(vault)) for vault in sick]
    await asyncio.sleep(0)
    assert source.in_flight == LISTS_AT_ONCE
    assert await paced.list_items(well) == []
    for gate in source.gates.values():
        gate.set()
    await asyncio.gather(*hanging)
    source.gates = {vault: asyncio.Event() for vault in sick}
    hanging = [asyncio.create_task(paced.list_items(vault)) for vault in sick]  # they were quick this time, and are like the others
    await asyncio.sleep(0)
    waiting = asyncio.create_task(paced.list_items(well))
    await asyncio.sleep(0)
    assert not waiting.done()
    for gate in source.gates.values():
        gate.set()
    await asyncio.gather(*hanging, waiting)
