"""Each item is read once per version, and values are held for seconds only."""

import asyncio
from collections.abc import Callable

import pytest

from fakes.clock import FakeClock
from fakes.item_source import FakeItemSource
from onepassword_operator.model.errors import BackendUnavailableError
from onepassword_operator.model.item import Revision
from onepassword_operator.service.vaults.item_reads import HOLD_ITEMS, HOLD_SECONDS, ItemReads


@pytest.fixture
def source() -> FakeItemSource:
    return FakeItemSource()


@pytest.fixture
def reader(source: FakeItemSource, clock: FakeClock) -> ItemReads:
    return ItemReads(source, clock)


async def test_many_users_at_once_are_one_read(reader: ItemReads, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    source.gate = asyncio.Event()
    readers = [asyncio.create_task(reader.read(Revision(vault, item, 1))) for _ in range(10)]
    await asyncio.sleep(0)
    source.gate.set()
    items = await asyncio.gather(*readers)
    assert {id(read) for read in items} == {id(items[0])}
    assert source.requests == [f"item {item}"]


async def test_what_a_read_gave_serves_for_the_version_that_was_asked_and_for_its_own(reader: ItemReads, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    await reader.read(Revision(vault, item, 2))  # the list is ahead of the item
    await reader.read(Revision(vault, item, 2))
    await reader.read(Revision(vault, item, 1))
    assert source.count("item") == 1


async def test_values_are_let_go_after_seconds(reader: ItemReads, source: FakeItemSource, clock: FakeClock) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    await reader.read(Revision(vault, item, 1))
    clock.advance(HOLD_SECONDS + 0.1)
    reader.expire()
    assert not reader._held
    await reader.read(Revision(vault, item, 1))
    assert source.count("item") == 2


async def test_only_so_many_are_held(reader: ItemReads, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    items = [source.put(vault, f"item {number}", a="b") for number in range(HOLD_ITEMS + 1)]
    for item in items:
        await reader.read(Revision(vault, item, 1))
    source.requests.clear()
    await reader.read(Revision(vault, items[-1], 1))
    await reader.read(Revision(vault, items[0], 1))
    assert source.requests == [f"item {items[0]}"]


async def test_those_who_wait_for_a_read_share_its_failure_and_so_does_who_asks_within_a_second(
    reader: ItemReads, source: FakeItemSource, clock: FakeClock
) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    source.refused[item] = BackendUnavailableError("no answer")
    readers = [reader.read(Revision(vault, item, 1)) for _ in range(200)]
    assert {type(result) for result in await asyncio.gather(*readers, return_exceptions=True)} == {BackendUnavailableError}
    clock.advance(0.9)
    with pytest.raises(BackendUnavailableError):
        await reader.read(Revision(vault, item, 1))
    assert source.count("item") == 1
    source.refused.clear()
    assert (await reader.read(Revision(vault, item, 2))).version == 1  # another version gets its chance at once
    clock.advance(10)
    assert (await reader.read(Revision(vault, item, 1))).version == 1


async def test_one_who_is_cancelled_takes_nobody_along(reader: ItemReads, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    source.gate = asyncio.Event()
    first, second = (asyncio.create_task(reader.read(Revision(vault, item, 1))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait({first})
    source.gate.set()
    assert ((await second).version, source.count("item")) == (1, 1)


async def test_values_are_let_go_by_themselves(source: FakeItemSource, clock: FakeClock) -> None:
    timers: list[tuple[float, Callable[[], None]]] = []
    reader = ItemReads(source, clock, later=lambda seconds, function: timers.append((seconds, function)))
    vault = source.add_vault("Prod")
    await reader.read(Revision(vault, source.put(vault, "db", a="b"), 1))
    ((seconds, function),) = timers
    assert seconds == HOLD_SECONDS
    clock.advance(seconds)
    function()
    assert not reader._held
