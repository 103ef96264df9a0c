"""Each item is read once per version, and values are held for seconds only."""

import asyncio
import dataclasses
from collections.abc import Callable

import pytest

from fakes.calls import begun, given_up
from fakes.clock import FakeClock
from fakes.item_source import FakeItemSource
from onepassword_operator.model.errors import BackendUnavailableError
from onepassword_operator.model.item import Revision
from onepassword_operator.service.vaults.item_reads import HOLD_BYTES, HOLD_ITEMS, HOLD_SECONDS, ItemReads


@pytest.fixture
def reader(source: FakeItemSource, clock: FakeClock) -> ItemReads:
    return ItemReads(source, clock)


@pytest.fixture
def item(source: FakeItemSource) -> Revision:
    vault = source.add_vault("Prod")
    return Revision(vault, source.put(vault, "db", a="b"), 1)


async def test_what_a_read_gave_serves_for_the_version_that_was_asked_and_for_its_own(
    reader: ItemReads, source: FakeItemSource, item: Revision
) -> None:
    for version in (2, 2, 1):  # the list is ahead of the item
        await reader.read(dataclasses.replace(item, version=version))
    assert source.count("item") == 1


async def test_only_so_many_are_held(reader: ItemReads, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    items = [source.put(vault, f"item {number}", a="b") for number in range(HOLD_ITEMS + 1)]
    for item in items:
        await reader.read(Revision(vault, item, 1))
    source.requests.clear()
    for item in (items[-1], items[0]):
        await reader.read(Revision(vault, item, 1))
    assert source.requests == [f"item {items[0]}"]


async def test_what_is_held_is_limited_by_bytes(reader: ItemReads, source: FakeItemSource) -> None:
    vault = source.add_vault("Prod")
    items = [source.put(vault, f"item {number}", a="b" * (HOLD_BYTES // 2)) for number in range(3)]
    for item in items:
        await reader.read(Revision(vault, item, 1))
    source.requests.clear()
    for item in (items[2], items[1], items[0]):
        await reader.read(Revision(vault, item, 1))
    assert source.requests == [f"item {items[0]}"]


async def test_those_who_wait_for_a_read_share_its_failure_and_so_does_who_asks_within_a_second(
    reader: ItemReads, source: FakeItemSource, clock: FakeClock, item: Revision
) -> None:
    source.refused[item.item_id] = BackendUnavailableError("no answer")
    readers = [reader.read(item) for _ in range(200)]
    assert {type(result) for result in await asyncio.gather(*readers, return_exceptions=True)} == {BackendUnavailableError}
    clock.advance(0.9)
    with pytest.raises(BackendUnavailableError):
        await reader.read(item)
    assert source.count("item") == 1
    source.refused.clear()
    assert (await reader.read(dataclasses.replace(item, version=2))).version == 1  # another version gets its chance at once
    clock.advance(10)
    assert (await reader.read(item)).version == 1


async def test_who_asks_for_a_new_read_shares_one_that_began_after_that(
    reader: ItemReads, source: FakeItemSource, clock: FakeClock, item: Revision
) -> None:
    await reader.read(item)
    clock.advance(1)
    asked = clock.monotonic()
    gate = source.gate = asyncio.Event()
    shared = []
    for _ in range(3):
        reader.drop(item, before=asked)
        shared += await begun(reader.read(item))
    clock.advance(1)
    gate.set()
    await asyncio.gather(*shared)
    reader.drop(item, before=asked)
    await reader.read(item)
    assert source.count("item") == 2
    source.gate = asyncio.Event()
    reader.drop(item, before=clock.monotonic())
    (late,) = await begun(reader.read(item))
    clock.advance(1)
    reader.drop(item, before=clock.monotonic())
    (later,) = await begun(reader.read(item))
    source.gate.set()
    await asyncio.gather(late, later)
    assert source.count("item") == 4


async def test_one_who_is_cancelled_takes_nobody_along(reader: ItemReads, source: FakeItemSource, item: Revision) -> None:
    source.gate = asyncio.Event()
    first, second = await begun(reader.read(item), reader.read(item))
    await given_up(first)
    source.gate.set()
    assert ((await second).version, source.count("item")) == (1, 1)


async def test_values_are_let_go_by_themselves(source: FakeItemSource, clock: FakeClock, item: Revision) -> None:
    timers: list[tuple[float, Callable[[], None]]] = []
    reader = ItemReads(source, clock, later=lambda seconds, function: timers.append((seconds, function)))
    await reader.read(item)
    ((seconds, function),) = timers
    assert seconds == HOLD_SECONDS
    clock.advance(seconds)
    function()
    assert not reader._held
    await reader.read(item)
    assert source.count("item") == 2
