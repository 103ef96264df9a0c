"""Watches that go on whatever ends them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from fakes.calls import given_up, soon, until
from fakes.secret_watch import FakeSecretWatch
from fakes.world import World
from onepassword_operator.model.errors import ClusterDeniedError, ClusterExpiredError, ClusterUnavailableError
from onepassword_operator.model.secret import SecretKey, SecretSight, Sight
from onepassword_operator.service.watch.namespaces import Access, Namespaces
from onepassword_operator.service.watch.secret_news import SecretNews
from onepassword_operator.service.watch.secret_watch import CALM_SECONDS, LONGEST_PAUSE_SECONDS, SecretWatcher

NOTHING = SecretKey("", "")
FAILED = ClusterUnavailableError("broken")


def up_to(version: int) -> SecretSight:
    return SecretSight(Sight.UP_TO_HERE, NOTHING, version)


class Scene:
    """A world with a watch that says what it is told to say."""

    def __init__(self, *namespaces: str) -> None:
        self.world = World()
        self.watch = FakeSecretWatch()
        self.pauses: list[float] = []
        process = self.world.process
        news = SecretNews(
            self.world.secrets,
            observe=process.observe,
            index=process.index,
            clock=self.world.clock,
            meter=self.world.meter,
            pause_seconds=0.001,
        )
        self.namespaces = Namespaces(namespaces)
        for namespace in self.namespaces.names:
            self.namespaces.allow(namespace, Access.LISTS)
        self.watching = SecretWatcher(self.watch, news=news, namespaces=self.namespaces, clock=self.world.clock, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0)
        for namespace in self.namespaces.names:
            self.namespaces.allow(namespace, Access.LISTS)  # the resync that a refusal calls for

    def calm(self) -> None:
        """The stream lives for long."""
        self.world.clock.advance(CALM_SECONDS)

    @contextlib.asynccontextmanager
    async def until_silent(self, *namespaces: str) -> AsyncIterator[None]:
        """Watch until there is nothing more to say."""
        task = asyncio.create_task(self.watching.run())
        try:
            await self.watch.until_silent(*(namespaces or ("",)))
            yield
        finally:
            await given_up(task)

    def breaks(self) -> None:
        """So it does, and then breaks off."""
        self.calm()
        raise FAILED


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_watch_begins_where_its_list_ended_and_goes_on_where_its_stream_ended(scene: Scene) -> None:
    scene.watch.lists[""].append(([up_to(20)], None))
    scene.watch.streams[""] += [([up_to(30)], scene.calm), ([], scene.calm)]
    async with scene.until_silent():
        assert scene.watch.asked == ["list ", "watch  since 20", "watch  since 30", "watch  since 30"]
    assert scene.pauses == []


async def test_what_a_list_and_a_stream_tell_is_looked_at(scene: Scene) -> None:
    await scene.world.synced("db", "copy")
    for name in ("db", "copy"):
        scene.world.secrets.overwrite(scene.world.key(name), password="edited")
    listed, changed = (SecretSight(Sight.SEEN, scene.world.key(name), 9000) for name in ("db", "copy"))
    scene.watch.lists[""].append(([listed, SecretSight(Sight.SEEN, scene.world.key("stray"), 9000), up_to(5000)], None))
    scene.watch.streams[""].append(([changed], scene.calm))
    async with scene.until_silent():
        await until(lambda: scene.world.process.queue.depth() == len(scene.world.secrets.requests) == 2)
    assert sorted(scene.world.secrets.requests) == ["get app/copy", "get app/db"]


@pytest.mark.parametrize("watched", [True, False])
async def test_a_secret_that_went_is_looked_at_also_if_it_only_is_missing_in_the_next_list(scene: Scene, *, watched: bool) -> None:
    await scene.world.synced("db", "copy")
    both = [SecretSight(Sight.SEEN, scene.world.key(name), 1) for name in ("db", "copy")]
    scene.watch.lists[""].append(([*both, up_to(5000)], None))
    if watched:
        scene.watch.streams[""].append(([SecretSight(Sight.GONE, scene.world.key(), 9000)], scene.calm))
    else:
        scene.watch.lists[""].append(([both[1], up_to(6000)], None))
        scene.watch.streams[""].append(([], FAILED))
    async with scene.until_silent():
        assert set(scene.world.process.queue._waiting) == {scene.world.key()}


async def test_a_list_that_fails_half_way_says_nothing_of_what_is_missing(scene: Scene) -> None:
    await scene.world.synced("db", "copy")
    scene.watch.lists[""].append(([SecretSight(Sight.SEEN, scene.world.key(), 1)], FAILED))
    async with scene.until_silent():
        assert scene.world.process.queue.depth() == 0


@pytest.mark.parametrize("error", [FAILED, ClusterExpiredError("too old")])
async def test_after_a_failure_there_is_another_list(scene: Scene, error: ClusterUnavailableError) -> None:
    scene.watch.lists[""] += [([up_to(20)], None), ([up_to(50)], None)]
    scene.watch.streams[""] += [([up_to(30)], scene.calm), ([up_to(40)], error)]
    async with scene.until_silent():
        assert scene.watch.asked == ["list ", "watch  since 20", "watch  since 30", "list ", "watch  since 50"]
    assert scene.pauses == [0.75]


async def test_failures_in_a_row_are_followed_by_longer_pauses_to_a_limit_however_many(scene: Scene) -> None:
    scene.watch.lists[""] += [([], FAILED)] * 1100
    async with scene.until_silent():
        pass
    assert scene.pauses[:6] == [0.75, 1.5, 3.0, 6.0, 12.0, 22.5]
    assert max(scene.pauses) <= LONGEST_PAUSE_SECONDS
    assert len(scene.pauses) == 1100


async def test_a_stream_that_ends_well_at_once_is_not_opened_again_at_once(scene: Scene) -> None:
    scene.watch.lists[""].append(([up_to(20)], None))
    scene.watch.streams[""] += [([], None)] * 3
    async with scene.until_silent():
        assert scene.watch.asked.count("list ") == 1
    assert scene.pauses == [0.75, 1.5, 3.0]


async def test_one_that_lived_long_does_not_count_with_those_before_it(scene: Scene) -> None:
    scene.watch.lists[""] += [([], FAILED), ([], FAILED), ([up_to(20)], None)]
    scene.watch.streams[""].append(([], scene.breaks))
    async with scene.until_silent():
        pass
    assert scene.pauses == [0.75, 1.5, 0.75]


async def test_a_pause_that_is_asked_for_is_kept(scene: Scene) -> None:
    busy = ClusterUnavailableError("busy")
    busy.delay_seconds = 17.0
    scene.watch.lists[""].append(([], busy))
    async with scene.until_silent():
        assert scene.pauses == [17.0]


async def test_a_namespace_without_rights_waits_by_itself_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene("a", "b")
    scene.watch.lists["a"] += [([], ClusterDeniedError("list secrets: RBAC does not allow it"))] * 20
    scene.watch.lists["b"].append(([up_to(20)], None))
    async with scene.until_silent("a", "b"):
        assert scene.watch.asked.count("list a") == 21
        assert [asked for asked in scene.watch.asked if " b" in asked] == ["list b", "watch b since 20"]
    assert max(scene.pauses) < 60
    (reported,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert (reported.__dict__["namespace"], reported.__dict__["reason"]) == ("a", "ClusterAccessDenied")


async def test_a_namespace_that_cannot_be_listed_is_not_watched_until_it_can() -> None:
    scene = Scene("a", "b")
    scene.namespaces.refuse("a", Access.LISTS, error=ClusterDeniedError("no"))
    async with scene.until_silent("b"):
        assert scene.watch.asked == ["list b"]
        scene.namespaces.allow("a", Access.LISTS)
        await scene.watch.until_silent("a")


async def test_what_is_wrong_is_told_again_if_all_was_well_in_between(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.watch.lists[""] += [([up_to(20)], None)] * 3
    scene.watch.streams[""] += [([], scene.breaks), ([], FAILED), ([], scene.breaks)]
    async with scene.until_silent():
        pass
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) == 2


async def test_a_state_that_is_too_old_is_nothing_to_tell(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.watch.lists[""] += [([up_to(20)], None)] * 2
    scene.watch.streams[""].append(([], ClusterExpiredError("too old")))
    async with scene.until_silent():
        pass
    assert caplog.records == []


async def test_what_nobody_foresaw_ends_it(scene: Scene) -> None:
    def breaks() -> None:
        raise ZeroDivisionError

    scene.watch.lists[""].append(([], breaks))
    with pytest.raises(ExceptionGroup) as caught:
        await soon(scene.watching.run())
    assert caught.group_contains(ZeroDivisionError)
