"""Lists under way, and how long a poll waits for them."""

import asyncio

import pytest

from onepassword_operator.model.errors import BackendUnavailableError, OperatorError
from onepassword_operator.service.vaults.listing import VaultLister

QUICK, SLOW = "quick", "slow"


class ObjectRef:
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
def source() -> ObjectRef:
    return ObjectRef()


@pytest.fixture
def reported() -> list[tuple[str, OperatorError | None]]:
    """What was told of vaults that came late."""
    return []


@pytest.fixture
def lists(source: ObjectRef, reported: list[tuple[str, OperatorError | None]]) -> VaultLister:
    return VaultLister(source.list_vault, late=lambda *late: reported.append(late), patience_seconds=0.01)


async def test_quick_lists_are_waited_for_and_are_not_late(lists: VaultLister, reported: list[object]) -> None:
    assert await lists.run([QUICK]) == {QUICK: None}
    assert reported == []


async def test_a_list_that_does_not_come_holds_up_no_other_and_is_asked_for_once(lists: VaultLister, source: ObjectRef) -> None:
    assert await lists.run([SLOW, QUICK]) == {QUICK: None}
    assert await lists.run([SLOW, QUICK]) == {QUICK: None}
    assert sorted(source.asked) == [QUICK, QUICK, SLOW]


async def test_a_poll_that_begins_no_list_does_not_wait_for_those_under_way(lists: VaultLister) -> None:
    await lists.run([SLOW])
    lists._patience_seconds = 3600.0
    assert await asyncio.wait_for(lists.run([SLOW]), 5) == {}


async def test_a_list_that_comes_late_is_told_of_when_it_comes_and_may_be_asked_for_again(
    lists: VaultLister, source: ObjectRef, reported: list[object]
) -> None:
    await lists.run([SLOW])
    await source.answer()
    assert reported == [(SLOW, None)]
    assert await lists.run([SLOW]) == {SLOW: None}
    assert source.asked == [SLOW, SLOW]


async def test_a_failure_that_comes_late_is_told_of_when_it_comes_and_the_next_poll_tries_again(
    lists: VaultLister, source: ObjectRef, reported: list[object]
) -> None:
    source.error = BackendUnavailableError("no answer")
    await lists.run([SLOW])
    await source.answer()
    assert reported == [(SLOW, source.error)]
    assert await lists.run([SLOW]) == {SLOW: source.error}


async def test_a_mistake_of_our_own_is_not_taken_for_one_of_1password(lists: VaultLister, source: ObjectRef) -> None:
    source.error = ZeroDivisionError()
    await lists.run([SLOW])
    await source.answer()
    with pytest.raises(ZeroDivisionError):
        await lists.run([QUICK])
    source.gate.set()
    quick = VaultLister(source.list_vault, late=lambda *_: None)
    with pytest.raises(ZeroDivisionError):
        await quick.run([SLOW])


async def test_the_lists_under_way_end_with_the_operator_and_nobody_is_told_of_them(lists: VaultLister, reported: list[object]) -> None:
    await lists.run([SLOW])
    (task,) = lists._under_way.values()
    lists.close()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    assert task.cancelled()
    assert (reported, lists.under_way()) == ([], set())
