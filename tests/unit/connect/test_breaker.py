"""The budget of one credential: concurrency, waits, and the circuit."""

import asyncio
import traceback
from collections.abc import Awaitable

import pytest

from fakes.calls import begun, given_up
from fakes.clock import FakeClock
from fakes.item_source import FakeItemSource
from onepassword_operator.connect import breaker
from onepassword_operator.connect.breaker import COLD_SECONDS, CONCURRENCY, FAILURES_TO_OPEN, LISTS_AT_ONCE, PROBE_SECONDS, CircuitBreaker
from onepassword_operator.model import errors
from onepassword_operator.model.errors import BackendDeniedError, BackendRateLimitedError, BackendUnavailableError, OperatorError

PROBE = 60.0


async def error_of(call: Awaitable[object]) -> OperatorError:
    with pytest.raises(OperatorError) as caught:
        await call
    return caught.value


class Paced:
    """A breaker, and behind it one vault with one item."""

    def __init__(self) -> None:
        self.clock, self.source, self.credential = FakeClock(), FakeItemSource(), 0
        self.breaker = CircuitBreaker(self.source, self.clock, denied_probe_seconds=PROBE, credential=lambda: self.credential)
        self.vault = self.source.add_vault("Prod")
        self.item = self.source.put(self.vault, "db", a="b")

    async def probe(self) -> None:
        assert [vault.id for vault in await self.breaker.list_vaults()][:1] == [self.vault]

    async def list(self) -> None:
        assert [item.id for item in await self.breaker.list_items(self.vault)] == [self.item]

    async def read(self) -> None:
        assert (await self.breaker.get_item(self.vault, self.item)).id == self.item

    async def fails(self, *, vault: str | None = None) -> OperatorError:
        return await error_of(self.breaker.list_items(vault or self.vault))

    async def read_fails(self, *, item: str | None = None) -> OperatorError:
        return await error_of(self.breaker.get_item(self.vault, item or self.item))

    async def probe_fails(self) -> OperatorError:
        return await error_of(self.breaker.list_vaults())

    def break_down(self, outage: errors.BackendError | None = None) -> None:
        self.source.outage = outage or BackendUnavailableError("no answer")


@pytest.fixture
def paced() -> Paced:
    return Paced()


async def test_only_so_many_reads_and_lists_are_under_way_neither_waits_for_the_other_and_the_poll_for_nothing(paced: Paced) -> None:
    source = paced.source
    for call in (paced.probe, paced.list, paced.read):
        await call()
    source.gate = asyncio.Event()
    calls = await begun(*[paced.list() for _ in range(3 * CONCURRENCY)])
    assert source.in_flight == LISTS_AT_ONCE
    calls += await begun(*[paced.read() for _ in range(3 * CONCURRENCY)])
    assert source.in_flight == LISTS_AT_ONCE + CONCURRENCY
    calls += await begun(paced.probe())
    assert source.requests[-1] == "vaults"
    source.gate.set()
    await asyncio.gather(*calls)
    assert source.peak == LISTS_AT_ONCE + CONCURRENCY + 1


class TestOutage:
    async def test_the_circuit_opens_after_three_calls_in_a_row_without_an_answer(self, paced: Paced) -> None:
        paced.break_down()
        for _ in range(FAILURES_TO_OPEN + 5):
            assert repr(await paced.fails()) == repr(paced.source.outage)
        assert paced.source.count("list") == FAILURES_TO_OPEN

    async def test_the_vault_list_is_the_probe_that_still_goes_out(self, paced: Paced) -> None:
        paced.break_down()
        for _ in range(FAILURES_TO_OPEN):
            await paced.fails()
        paced.clock.advance(PROBE_SECONDS)
        await paced.probe_fails()
        await paced.probe_fails()
        assert paced.source.count("vaults") == 1
        await paced.fails()
        paced.source.outage = None
        paced.clock.advance(PROBE_SECONDS)
        await paced.list()
        assert (paced.source.count("vaults"), paced.source.count("list")) == (2, FAILURES_TO_OPEN + 1)

    async def test_whoever_calls_when_it_is_due_sends_it_and_the_others_fail_at_once_meanwhile(self, paced: Paced) -> None:
        """Between two polls nobody else would, and a few broken items may have opened the circuit."""
        paced.source.refused[paced.item] = BackendUnavailableError("no answer")
        for _ in range(FAILURES_TO_OPEN):
            await paced.read_fails()
        healthy = paced.source.put(paced.vault, "api", a="b")
        assert "no answer" in str(await paced.read_fails(item=healthy))
        paced.clock.advance(PROBE_SECONDS)
        assert (await paced.breaker.get_item(paced.vault, healthy)).id == healthy
        assert paced.source.count("vaults") == 1

    async def test_however_many_ask_for_the_vault_list_the_probe_goes_out_now_and_then(self, paced: Paced) -> None:
        """Before anything is known every pass asks for it, and there may be thousands of them."""
        paced.break_down()
        for round_ in range(4):
            for _ in range(50):
                assert repr(await paced.probe_fails()) == repr(paced.source.outage)
            assert paced.source.count("vaults") == FAILURES_TO_OPEN + round_
            paced.clock.advance(PROBE_SECONDS)

    async def test_one_item_that_can_not_be_read_is_no_outage_and_several_are(self, paced: Paced) -> None:
        broken = BackendUnavailableError("500", of_one_item=True)
        items = [paced.source.put(paced.vault, f"db-{number}", a="b") for number in range(FAILURES_TO_OPEN)]
        paced.source.refused = dict.fromkeys(items, broken)
        for item in [items[0]] * 5 * FAILURES_TO_OPEN + items[1:]:
            assert not paced.breaker.is_open()
            assert repr(await paced.read_fails(item=item)) == repr(broken)
        assert paced.breaker.is_open()

    async def test_after_recovery_it_takes_three_failures_again(self, paced: Paced) -> None:
        for _ in range(3):
            paced.break_down()
            for _ in range(FAILURES_TO_OPEN - 1):
                await paced.fails()
            paced.source.outage = None
            await paced.list()

    @pytest.mark.parametrize("kind", ["ItemNotFoundError", "BackendForbiddenError", "BackendAnswerError", "SecretTooLargeError"])
    async def test_any_answer_breaks_the_row(self, paced: Paced, kind: str) -> None:
        paced.source.refused = {paced.vault: BackendUnavailableError("no answer"), paced.item: getattr(errors, kind)("no")}
        for _ in range(FAILURES_TO_OPEN):
            await paced.fails()
            assert type(await paced.read_fails()).__name__ == kind
        assert paced.source.count("list") == FAILURES_TO_OPEN
        paced.source.refused.clear()
        await paced.list()  # the circuit never opened

    async def test_what_waits_for_a_slot_when_the_circuit_opens_does_not_go_out(self, paced: Paced) -> None:
        paced.source.gate = asyncio.Event()
        paced.break_down()
        calls = await begun(*[paced.read() for _ in range(3 * CONCURRENCY)])
        paced.source.gate.set()
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(repr(result) == repr(paced.source.outage) for result in results)
        assert paced.source.count("item") < 2 * CONCURRENCY


class TestColdStart:
    """A server before its first sync answers that it is not ready yet."""

    COLD = BackendUnavailableError("408", warming_up=True)

    async def test_it_does_not_open_the_circuit_and_is_asked_now_and_then(self, paced: Paced) -> None:
        paced.break_down(self.COLD)
        for _ in range(20):
            for _ in range(10):
                assert repr(await paced.probe_fails()) == repr(self.COLD)
            paced.clock.advance(PROBE_SECONDS)
        assert not paced.breaker.is_open()
        assert paced.source.count("vaults") == 20
        paced.source.outage = None
        await paced.probe()
        await paced.list()

    async def test_one_that_stays_cold_is_an_outage(self, paced: Paced) -> None:
        paced.break_down(self.COLD)
        await paced.probe_fails()
        paced.clock.advance(COLD_SECONDS)
        for _ in range(FAILURES_TO_OPEN):
            assert not paced.breaker.is_open()
            await paced.probe_fails()
        assert paced.breaker.is_open()

    async def test_one_that_has_answered_before_is_not_fresh(self, paced: Paced) -> None:
        await paced.probe()
        paced.break_down(self.COLD)
        for _ in range(FAILURES_TO_OPEN):
            await paced.fails()
        assert paced.breaker.is_open()


class TestDenied:
    async def test_one_refusal_of_the_token_stops_everything_and_the_probe_is_paced(self, paced: Paced) -> None:
        paced.break_down(BackendDeniedError("refused"))
        for _ in range(5):
            assert repr(await paced.probe_fails()) == repr(await paced.fails()) == repr(paced.source.outage)
        assert paced.source.requests == ["vaults"]
        paced.clock.advance(PROBE)
        await paced.probe_fails()
        assert paced.source.requests == ["vaults"] * 2
        paced.source.outage = None
        paced.clock.advance(PROBE - 1)
        await paced.probe_fails()
        paced.clock.advance(1)
        await paced.probe()
        await paced.list()

    async def test_a_vault_that_is_refused_alone_stops_no_other(self, paced: Paced) -> None:
        other = paced.source.add_vault("Other")
        paced.source.refused = dict.fromkeys((paced.vault, paced.item), BackendDeniedError("refused"))
        for _ in range(5):
            assert repr(await paced.fails()) == repr(paced.source.refused[paced.vault])
        assert isinstance(await paced.read_fails(), BackendDeniedError)
        assert not paced.breaker.is_open()
        await paced.breaker.list_items(other)
        assert paced.source.count("vaults") == 1  # the token was looked at once for all of them

    async def test_a_refused_call_has_the_token_looked_at_and_a_refused_token_stops_everything(self, paced: Paced) -> None:
        paced.break_down(BackendDeniedError("refused"))
        results = await asyncio.gather(*[paced.read() for _ in range(CONCURRENCY)], return_exceptions=True)
        assert all(repr(result) == repr(paced.source.outage) for result in results)
        assert paced.breaker.is_open()
        assert repr(await paced.fails()) == repr(paced.source.outage)
        assert (paced.source.count("vaults"), paced.source.count("list")) == (1, 0)

    async def test_another_token_is_tried_at_once(self, paced: Paced) -> None:
        paced.break_down(BackendDeniedError("refused"))
        for credential in (0, 1):  # the second one is refused, too, and that is the end of it
            paced.credential = credential
            for fails in (paced.probe_fails, paced.probe_fails, paced.fails):
                await fails()
            assert paced.source.requests == ["vaults"] * (credential + 1)
        paced.credential, paced.source.outage = 2, None
        await paced.list()
        await paced.probe()

    async def test_another_token_helps_with_nothing_else(self, paced: Paced) -> None:
        paced.break_down(BackendRateLimitedError("slow down", delay_seconds=30))
        await paced.fails()
        paced.credential = 1
        await paced.fails()
        await paced.probe_fails()
        assert paced.source.requests == [f"list {paced.vault}"]


class TestRateLimit:
    BUSY = BackendUnavailableError("busy").anew(delay_seconds=30)
    SLOW_DOWN = BackendRateLimitedError("slow down", delay_seconds=30)

    @pytest.mark.parametrize("outage", [BUSY, SLOW_DOWN])
    async def test_the_wait_that_was_asked_for_is_kept_and_ends_by_itself(self, paced: Paced, outage: errors.BackendError) -> None:
        paced.break_down(outage)
        await paced.fails()
        paced.source.outage = None
        paced.clock.advance(29)
        assert paced.breaker.is_open()
        await paced.probe_fails()
        await paced.fails()
        assert paced.source.requests == [f"list {paced.vault}"]
        paced.clock.advance(1)
        assert not paced.breaker.is_open()
        await paced.list()
        await paced.probe()

    async def test_a_wait_is_not_cut_short_by_what_fails_meanwhile(self, paced: Paced) -> None:
        paced.source.gate = asyncio.Event()
        slow = await begun(paced.list(), *[paced.read() for _ in range(3)])
        paced.source.refused = {paced.vault: self.SLOW_DOWN, paced.item: BackendUnavailableError("no answer")}
        paced.source.gate.set()
        await asyncio.gather(*slow, return_exceptions=True)
        paced.source.refused.clear()
        paced.clock.advance(29)
        await paced.probe_fails()
        paced.clock.advance(1)
        await paced.probe()

    @pytest.mark.parametrize("error", [SLOW_DOWN, BackendDeniedError("refused")])
    async def test_a_call_that_was_on_its_way_does_not_end_the_wait(self, paced: Paced, error: errors.BackendError) -> None:
        paced.source.gate = asyncio.Event()
        calls = await begun(paced.list(), paced.read())
        paced.source.refused = {paced.vault: error, "vaults": error}
        paced.source.gate.set()
        refused, _ = await asyncio.gather(*calls, return_exceptions=True)
        assert repr(refused) == repr(await paced.read_fails()) == repr(error)
        assert paced.source.count("item") == 1


async def test_calls_under_way_are_counted_also_those_that_are_given_up(paced: Paced) -> None:
    paced.source.gate = asyncio.Event()
    calls = await begun(*[paced.read() for _ in range(3)])
    assert paced.breaker.in_flight() == 3
    await given_up(calls[0])
    assert paced.breaker.in_flight() == 2
    paced.source.gate.set()
    await asyncio.gather(*calls[1:])
    assert paced.breaker.in_flight() == 0


async def test_one_sources_outage_is_no_other_ones() -> None:
    down, up = Paced(), Paced()
    down.break_down(BackendDeniedError("refused"))
    down.source.gate = asyncio.Event()
    hung = await begun(*[down.probe() for _ in range(CONCURRENCY + 1)])
    await up.probe()
    down.source.gate.set()
    await asyncio.gather(*hung, return_exceptions=True)
    assert (down.breaker.is_open(), up.breaker.is_open()) == (True, False)
    await up.probe()


async def test_an_open_circuit_does_not_grow_its_error(paced: Paced) -> None:
    paced.break_down(BackendDeniedError("refused"))
    seen = [await paced.fails() for _ in range(50)]
    assert len(traceback.extract_tb(seen[-1].__traceback__)) < 10


async def test_no_more_slow_vaults_are_remembered_than_a_limit(paced: Paced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "SLOW_REMEMBERED", 2)
    for vault in "abac":
        await paced.fails(vault=vault)
    assert list(paced.breaker._slow) == ["a", "c"]


async def test_vaults_whose_lists_are_slow_wait_for_each_other_and_for_nobody_else(paced: Paced) -> None:
    source = paced.source
    sick = [source.add_vault(f"sick {number}") for number in range(2 * LISTS_AT_ONCE)]
    for vault in sick:
        source.refused[vault] = errors.BackendForbiddenError("403")
        assert isinstance(await paced.fails(vault=vault), errors.BackendForbiddenError)
    source.refused.clear()
    for quick in (True, False):  # at first they are known to be slow; then they were quick once, and are like the others
        source.gates = {vault: asyncio.Event() for vault in sick}
        hanging = await begun(*[paced.breaker.list_items(vault) for vault in sick])
        assert source.in_flight == LISTS_AT_ONCE
        (waiting,) = await begun(paced.list())
        assert waiting.done() is quick
        for gate in source.gates.values():
            gate.set()
        await asyncio.gather(*hanging, waiting)
