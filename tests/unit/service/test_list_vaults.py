"""Lists under way, and how long a poll waits for them."""

import asyncio

import pytest

from onepassword_operator.model.errors import BackendUnavailableError
from onepassword_operator.service.list_vaults import ListVaults

QUICK, SLOW = "quick", "slow"


class Source:
    """Vaults of which one answers when a test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def list_vault(self, vault_id: str) -> None:
        self.asked.append(vault_id)
        if vault_id == SLOW:
            await self.gate.wait()
        if self.error and vault_id == SLOW:
            raise self.error

    async def answer(self) -> None:
        """The slow one answers, and whoever waits for it is told."""
        self.gate.set()
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def lists(source: Source) -> ListVaults:
    return ListVaults(source.list_vault, patience_seconds=0.01)


async def test_quick_lists_are_waited_for(lists: ListVaults) -> None:
    assert await lists.run([QUICK]) == {QUICK: None}


async def test_a_list_that_does_not_come_holds_up_no_other_and_is_asked_for_once(lists: ListVaults, source: Source) -> None:
    assert await lists.run([SLOW, QUICK]) == {QUICK: None}
    assert await lists.run([SLOW, QUICK]) == {QUICK: None}
    assert sorted(source.asked) == [QUICK, QUICK, SLOW]


async def test_a_poll_that_begins_no_list_does_not_wait_for_those_under_way(source: Source) -> None:
    lists = ListVaults(source.list_vault, patience_seconds=0.01)
    await lists.run([SLOW])
    lists._patience_seconds = 3600.0
    assert await asyncio.wait_for(lists.run([SLOW]), 5) == {}


async def test_what_came_too_late_and_is_still_due_is_listed_again(lists: ListVaults, source: Source) -> None:
    await lists.run([SLOW])
    await source.answer()
    assert await lists.run([SLOW]) == {SLOW: None}
    assert source.asked == [SLOW, SLOW]


async def test_a_vault_whose_lists_always_come_late_counts_as_listed_at_every_poll_after_the_first(
    lists: ListVaults, source: Source
) -> None:
    await lists.run([SLOW])
    for _ in range(3):
        await source.answer()
        source.gate.clear()
        assert await lists.run([SLOW]) == {SLOW: None}
    assert len(source.asked) == 4


async def test_what_failed_too_late_is_told_by_the_next_poll_and_tried_again_by_the_one_after(lists: ListVaults, source: Source) -> None:
    source.error = BackendUnavailableError("no answer")
    await lists.run([SLOW])
    await source.answer()
    assert await lists.run([SLOW]) == {SLOW: source.error}
    assert source.asked == [SLOW]
    source.error = None
    assert await lists.run([SLOW]) == {SLOW: None}
    assert source.asked == [SLOW, SLOW]


async def test_a_mistake_of_our_own_is_not_taken_for_one_of_1password(lists: ListVaults, source: Source) -> None:
    source.error = ZeroDivisionError()
    source.gate.set()
    with pytest.raises(ZeroDivisionError):
        await lists.run([SLOW])
