"""Each item is read once per version, and values are held for seconds only."""

import asyncio

import pytest

from fakes.clock import FakeClock
from fakes.item_source import FakeItemSource
from onepassword_operator.model.errors import BackendUnavailableError
from onepassword_operator.model.item import Revision
from onepassword_operator.service.read_item import HOLD_ITEMS, HOLD_SECONDS, ReadItem


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def source() -> FakeItemSource:
    return FakeItemSource()


@pytest.fixture
def reader(source: FakeItemSource, clock: FakeClock) -> ReadItem:
    return ReadItem(source, clock)


async def test_many_users_at_once_are_one_read(reader: ReadItem, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    source.gate = asyncio.Event()
    readers = [asyncio.create_task(reader.read(Revision(vault, item, 1))) for _ in range(10)]
    await asyncio.sleep(0)
    source.gate.set()
    items = await asyncio.gather(*readers)
    assert {id(read) for read in items} == {id(items[0])}
    assert source.requests == [f"item {item}"]


async def test_another_version_is_read_anew(reader: ReadItem, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    await reader.read(Revision(vault, item, 1))
    source.edit(item, a="c")
    assert (await reader.read(Revision(vault, item, 2))).version == 2
    assert source.count("item") == 2


async def test_what_a_read_gave_serves_for_the_version_that_was_asked_and_for_its_own(reader: ReadItem, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    await reader.read(Revision(vault, item, 2))  # the list is ahead of the item
    await reader.read(Revision(vault, item, 2))
    await reader.read(Revision(vault, item, 1))
    assert source.count("item") == 1


async def test_values_are_let_go_after_seconds(reader: ReadItem, source: FakeItemSource, clock: FakeClock) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    await reader.read(Revision(vault, item, 1))
    clock.advance(HOLD_SECONDS + 0.1)
    reader.expire()
    assert not reader._held
    await reader.read(Revision(vault, item, 1))
    assert source.count("item") == 2


async def test_only_so_many_are_held(reader: ReadItem, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    items = [source.put(vault, f"item {number}", a="b") for number in range(HOLD_ITEMS + 1)]
    for item in items:
        await reader.read(Revision(vault, item, 1))
    source.requests.clear()
    await reader.read(Revision(vault, items[-1], 1))
    await reader.read(Revision(vault, items[0], 1))
    assert source.requests == [f"item {items[0]}"]


async def test_a_failed_read_is_held_for_nobody_and_leaves_nothing_behind(reader: ReadItem, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    item = source.put(vault, "db", a="b")
    source.refused[item] = BackendUnavailableError("no answer")
    with pytest.raises(BackendUnavailableError):
        await reader.read(Revision(vault, item, 1))
    source.refused.clear()
    assert (await reader.read(Revision(vault, item, 1))).version == 1
    assert not reader._flights
    assert not reader._users
