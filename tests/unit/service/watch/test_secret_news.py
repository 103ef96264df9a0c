"""What of the news about Secrets is worth a GET."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from fakes.calls import given_up, turns, until
from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterUnavailableError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.runtime.work_queue import Priority
from onepassword_operator.service.watch.secret_news import SecretNews

PAUSE_SECONDS = 0.01


@pytest.fixture
async def world() -> World:
    made = World()
    await made.synced("db", "copy")
    return made


@pytest.fixture
def news(world: World) -> SecretNews:
    process = world.process
    return SecretNews(
        world.secrets, observe=process.observe, index=process.index, clock=world.clock, meter=world.meter, pause_seconds=PAUSE_SECONDS
    )


@contextlib.asynccontextmanager
async def reading(news: SecretNews) -> AsyncIterator[None]:
    readers = [asyncio.create_task(news.run()) for _ in range(4)]
    try:
        yield
    finally:
        await given_up(*readers)
        news.close()


async def rest(news: SecretNews) -> None:
    """Everything that waits has had its turn."""
    await until(lambda: not (news._reads.depth() or news._reads._queue.delayed()))


def version(world: World, key: SecretKey) -> int:
    return world.secrets.objects[key].resource_version


async def test_an_edit_is_read_and_queued_and_many_in_a_row_are_one_get(world: World, news: SecretNews) -> None:
    async with reading(news):
        for _ in range(50):
            world.secrets.overwrite(world.key(), password="edited")
            news.seen(world.key(), version(world, world.key()))
        await rest(news)
    assert world.secrets.requests == ["get app/db"]
    assert list(world.process.queue._waiting.values()) == [Priority.DRIFT]


async def test_our_own_write_and_what_was_looked_at_cost_no_get(world: World, news: SecretNews) -> None:
    async with reading(news):
        for key in (world.key(), world.key("copy")):
            news.seen(key, version(world, key))
            news.gone(key, version(world, key))
        await rest(news)
    assert (world.secrets.requests, world.process.queue.depth()) == ([], 0)


async def test_a_secret_that_nobody_asks_for_costs_nothing_and_leaves_no_trace(world: World, news: SecretNews) -> None:
    followed = set(world.process.index.states._states)
    world.secrets.place(world.key("stray"), labels={names.MANAGED: names.MANAGED_VALUE})
    async with reading(news):
        for report in (news.seen, news.gone):
            report(world.key("stray"), 9999)
        await rest(news)
    assert (world.secrets.requests, set(world.process.index.states._states)) == ([], followed)
    assert world.process.queue.depth() == 0


async def test_the_answer_to_our_own_write_that_the_watch_overtook_saves_the_get(world: World, news: SecretNews) -> None:
    written = version(world, world.key()) + 1
    async with reading(news):
        news.seen(world.key(), written)
        world.process.index.states.set_version(world.key(), written)
        await rest(news)
    assert world.secrets.requests == []


async def test_what_happens_while_it_is_read_is_read_again_afterwards_and_never_at_the_same_time(world: World, news: SecretNews) -> None:
    gate, under_way, most = asyncio.Event(), 0, 0
    get = world.secrets.get

    async def slow(key: SecretKey) -> object:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        found = await get(key)
        await gate.wait()
        under_way -= 1
        return found

    world.secrets.get = slow  # type: ignore[method-assign,assignment]  # a slow server
    world.secrets.overwrite(world.key(), password="edited")
    async with reading(news):
        news.seen(world.key(), version(world, world.key()))
        await until(lambda: world.secrets.requests)
        world.secrets.overwrite(world.key(), password="edited again")
        news.seen(world.key(), version(world, world.key()))
        await until(lambda: not news._reads._queue.delayed())
        gate.set()
        await rest(news)
    assert world.secrets.requests == ["get app/db"] * 2
    assert most == 1


async def test_only_so_many_are_read_at_once(world: World, news: SecretNews) -> None:
    gate = asyncio.Event()
    resources = [f"r{number}" for number in range(10)]
    await world.synced(*resources)
    asked: list[SecretKey] = []

    async def slow(key: SecretKey) -> None:
        asked.append(key)
        await gate.wait()

    world.secrets.get = slow  # type: ignore[method-assign]  # a slow server
    async with reading(news):
        for name in resources:
            news.seen(world.key(name), 9999)
        await until(lambda: news._reads.depth() == len(resources) and asked)
        await turns(100)
        assert len(asked) == 4
        gate.set()
        await rest(news)
    assert len(asked) == len(resources)


async def test_an_end_is_queued_without_a_get_and_so_is_what_a_get_does_not_find(world: World, news: SecretNews) -> None:
    news.gone(world.key("copy"), 9999)
    assert list(world.process.queue._waiting.values()) == [Priority.DRIFT]
    assert world.secrets.requests == []
    world.secrets.delete(world.key())
    async with reading(news):
        news.seen(world.key(), 9999)
        await until(lambda: world.process.queue.depth() == 2)
    assert world.process.index.repairs._repairs[world.key()].edited


async def test_a_read_that_fails_is_tried_again_until_it_succeeds(world: World, news: SecretNews) -> None:
    world.secrets.overwrite(world.key(), password="edited")
    for _ in range(2):
        world.secrets.faults.refuse("get", ClusterUnavailableError("no answer"))
    news._reads._interval_seconds = 0.01
    async with reading(news):
        news.seen(world.key(), version(world, world.key()))
        await until(world.process.queue.depth)
    assert world.secrets.requests == ["get app/db"] * 3


async def test_one_that_nobody_asks_for_any_more_is_not_read_when_its_turn_comes(world: World, news: SecretNews) -> None:
    async with reading(news):
        news.seen(world.key(), 9999)
        world.process.observe.claim_gone(world.ref(), world.claims.objects[world.key()].uid)
        await rest(news)
    assert (world.secrets.requests, news._newest) == ([], {})


async def test_what_waits_is_bounded_by_what_is_asked_for(world: World, news: SecretNews) -> None:
    for number in range(1000):
        news.seen(world.key(f"stray-{number}"), 9999)
        news.seen(world.key(), 9000 + number)
    assert news._newest == {world.key(): 9999}
    assert news._reads._queue.delayed() == 1
    news.close()


def never_seen(world: World) -> None:
    world.process.index.states._states.pop(world.key())


def written_since(world: World) -> None:
    world.process.index.states.set_version(world.key(), 9999)


@pytest.mark.parametrize(
    ("namespace", "there", "prepare", "queued"),
    [
        pytest.param("", ["copy"], None, ["db"], id="one that is missing is gone"),
        pytest.param("app", ["copy"], None, ["db"], id="in its namespace, too"),
        pytest.param("", ["db", "copy"], None, [], id="all are there"),
        pytest.param("elsewhere", [], None, [], id="the list of another namespace says nothing"),
        pytest.param("", ["copy"], never_seen, [], id="one that never was is not gone"),
        pytest.param("", ["copy"], written_since, [], id="one that was written after the list"),
    ],
)
async def test_what_a_list_does_not_show_is_gone(
    world: World, news: SecretNews, namespace: str, there: list[str], prepare: Callable[[World], None] | None, queued: list[str]
) -> None:
    if prepare:
        prepare(world)
    news.listed(namespace, {world.key(name) for name in there}, version=5000)
    assert [key.name for key in world.process.queue._waiting] == queued
