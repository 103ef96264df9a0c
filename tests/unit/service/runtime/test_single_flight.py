"""One call at a time for one thing, and its answer for all who wait."""

import asyncio

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model.errors import BackendUnavailableError
from onepassword_operator.service.runtime import single_flight
from onepassword_operator.service.runtime.single_flight import FAILURE_SECONDS, SingleFlight


class ObjectRef:
    def __init__(self) -> None:
        self.calls = 0
        self.error: Exception | None = None

    async def answer(self) -> int:
        self.calls += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return self.calls


@pytest.fixture
def flights(clock: FakeClock) -> SingleFlight[str, int]:
    return SingleFlight(clock)


async def test_all_who_wait_get_one_answer_and_the_next_one_asks_anew(flights: SingleFlight[str, int]) -> None:
    source = ObjectRef()
    assert await asyncio.gather(*(flights.run("a", source.answer) for _ in range(5))) == [1] * 5
    assert await flights.run("a", source.answer) == 2


async def test_a_failure_answers_for_seconds_unless_somebody_insists(flights: SingleFlight[str, int], clock: FakeClock) -> None:
    source = ObjectRef()
    source.error = BackendUnavailableError("500")
    results = await asyncio.gather(*(flights.run("a", source.answer) for _ in range(5)), return_exceptions=True)
    assert {id(result) for result in results} == {id(source.error)}
    with pytest.raises(BackendUnavailableError):
        await flights.run("a", source.answer)
    assert (source.calls, await flights.run("b", ObjectRef().answer)) == (1, 1)
    source.error = None
    assert (await flights.run("a", source.answer, anew=True), await flights.run("a", source.answer)) == (2, 3)
    source.error = BackendUnavailableError("500")
    with pytest.raises(BackendUnavailableError):
        await flights.run("a", source.answer)
    source.error = None
    clock.advance(FAILURE_SECONDS)
    assert await flights.run("a", source.answer) == 5


async def test_a_mistake_of_ours_is_raised_and_not_remembered(flights: SingleFlight[str, int]) -> None:
    source = ObjectRef()
    source.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await flights.run("a", source.answer)
    source.error = None
    assert await flights.run("a", source.answer) == 2


async def test_what_is_forgotten_is_asked_anew_although_a_call_is_under_way(flights: SingleFlight[str, int]) -> None:
    source = ObjectRef()
    first = asyncio.create_task(flights.run("a", source.answer))
    await asyncio.sleep(0)
    flights.forget("a")
    assert sorted(await asyncio.gather(first, flights.run("a", source.answer))) in ([1, 2], [2, 2])
    assert source.calls == 2


async def test_failures_are_kept_without_what_led_to_them_and_not_without_bound(
    flights: SingleFlight[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_flight, "_FAILURES", 2)
    for key in "abc":
        source = ObjectRef()
        source.error = BackendUnavailableError("500")
        with pytest.raises(BackendUnavailableError):
            await flights.run(key, source.answer)
    assert list(flights._failed) == ["b", "c"]


async def test_who_comes_in_the_very_turn_in_which_a_call_ends_begins_another(flights: SingleFlight[str, int]) -> None:
    """Its answer may be too old for it, and the one that has ended would be handed out without end."""
    source = ObjectRef()
    gate = asyncio.get_running_loop().create_future()

    async def answer() -> int:
        gate.set_result(None)
        return 0

    async def latecomer() -> int:
        await gate
        return await flights.run("a", source.answer)

    late = asyncio.create_task(latecomer())
    await asyncio.sleep(0)
    assert await flights.run("a", answer) == 0
    assert await late == 1
