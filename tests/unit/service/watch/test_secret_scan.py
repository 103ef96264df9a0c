"""Where nobody may list or watch Secrets: a GET of each that is asked for, at the start and then in turn."""

import dataclasses
import logging
from collections.abc import Callable

import pytest

from fakes.world import World
from onepassword_operator import wiring
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterDeniedError, ClusterError, ClusterUnavailableError
from onepassword_operator.service.runtime.work_queue import Priority
from onepassword_operator.service.watch.secret_scan import PatrolledSecrets

INTERVAL = 600.0


class BlindWorld(World):
    """A world whose operator may neither list nor watch Secrets."""

    def options(self) -> wiring.Options:
        return dataclasses.replace(super().options(), secret_round_seconds=INTERVAL)

    @property
    def patrol(self) -> PatrolledSecrets:
        assert self.process.patrol
        self.process.patrol._sleep = self._sleep
        return self.process.patrol

    async def _sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def watch(self) -> None:
        self.secrets.events.clear()
        super().watch()

    async def round(self) -> None:
        await self.patrol.patrol()
        await self.poll()  # a round takes minutes, and polls go on meanwhile


def refuse(error: ClusterError, *, then: Callable[[], None] = lambda: None) -> Callable[[], None]:
    """The next request fails."""

    def happens() -> None:
        then()
        raise error

    return happens


@pytest.fixture
def world() -> BlindWorld:
    return BlindWorld()


@pytest.mark.parametrize("names", [(), ("db", "copy", "third")])
async def test_one_round_is_one_get_each_and_no_list_and_takes_half_of_the_interval_so_that_none_waits_longer_than_all_of_it(
    world: BlindWorld, names: tuple[str, ...]
) -> None:
    if names:
        await world.synced(*names)
    started = world.clock.now
    await world.patrol.patrol()
    assert world.secrets.requests == [f"get app/{name}" for name in names]
    assert world.clock.now - started == pytest.approx(INTERVAL / 2)


@pytest.mark.parametrize("what", ["edit", "delete", "unlabel"])
async def test_what_somebody_did_by_hand_is_put_right(world: BlindWorld, what: str) -> None:
    await world.synced()
    match what:
        case "edit":
            world.secrets.overwrite(world.key(), password="edited")
        case "delete":
            world.secrets.delete(world.key())
        case "unlabel":
            world.secrets.edit(world.key(), labels={})
    await world.round()
    assert world.secrets.values(world.key()) == {"password": "one"}
    assert (world.secrets.objects[world.key()].labels[names.MANAGED], world.meter.repairs) == ("true", 1)


async def test_our_own_writes_are_no_drift(world: BlindWorld) -> None:
    item = await world.synced()
    await world.polled(world.source.edit(item, password="two"))
    repairs = world.meter.repairs
    await world.patrol.patrol()
    assert (world.process.queue.depth(), world.meter.repairs) == (0, repairs)


async def test_a_start_looks_at_each_once_before_anything_else_and_a_later_resync_leaves_them_to_the_rounds(world: BlindWorld) -> None:
    await world.synced("db", "copy")
    await world.restart_process()
    assert (sorted(world.secrets.requests), world.process.queue.depth()) == (["get app/copy", "get app/db"], 0)
    world.forget_requests()
    await world.process.resync.run()
    assert (world.secrets.requests, world.process.queue.depth()) == ([], 0)


async def test_a_demand_that_the_watch_missed_is_served_by_a_resync(world: BlindWorld) -> None:
    await world.synced()
    world.source.put(world.vault, "other", password="nine")
    world.claims.apply(world.key(), "vaults/Prod/items/other")
    world.claims.events.clear()
    world.clock.advance(60)
    await world.process.resync.run()
    await world.settle()
    assert world.secrets.values(world.key()) == {"password": "nine"}


async def test_a_pending_restart_is_found_at_the_start(world: BlindWorld) -> None:
    item = await world.synced()
    await world.polled(world.source.edit(item, password="two"))
    await world.restart_process()
    assert (world.process.woken, world.process.index.states.count_pending()) == ({"app"}, 1)


async def test_a_start_that_could_not_look_at_all_concludes_nothing(world: BlindWorld) -> None:
    await world.synced("db", "copy")
    world.secrets.before["get"] = refuse(ClusterDeniedError("no get"))
    with pytest.raises(ClusterDeniedError):
        await world.restart_process()


async def test_one_that_cannot_be_looked_at_holds_up_no_other_and_is_told_once_a_round(
    world: BlindWorld, caplog: pytest.LogCaptureFixture
) -> None:
    await world.synced("db", "copy", "third")
    world.secrets.overwrite(world.key("third"), password="edited")
    twice = refuse(ClusterUnavailableError("busy"), then=lambda: world.secrets.before.update(get=refuse(ClusterUnavailableError("busy"))))
    world.secrets.before["get"] = twice
    await world.round()
    assert world.secrets.values(world.key("third")) == {"password": "one"}
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 1


async def test_one_that_nobody_asks_for_any_more_is_not_touched(world: BlindWorld) -> None:
    await world.synced()
    observed = world.secrets.objects[world.key()]
    world.process.observe.secret_checked(world.key("somebody-elses"), observed)
    assert world.process.queue.depth() == 0


async def test_one_that_could_never_be_made_is_no_drift(world: BlindWorld) -> None:
    key = await world.settled(world.claim("early", "vaults/Prod/items/not-there-yet"))
    await world.patrol.patrol()
    assert await world.process.queue.take() == key
    assert key not in world.process.index.repairs._repairs


async def test_one_that_has_to_be_told_of_again_is_queued_behind_the_others(world: BlindWorld) -> None:
    """Somebody wiped the status: nothing is wrong with the Secret."""
    await world.synced()
    claim = world.process.index.claims.resource(world.ref())
    assert claim
    world.process.index.retries.note_failure(world.key())
    await world.patrol.patrol()
    assert list(world.process.queue._waiting.values()) == [Priority.LOW]


async def test_one_that_is_not_there_yet_is_queued_by_every_resync(world: BlindWorld) -> None:
    await world.settled(world.claim("early", "vaults/Prod/items/not-there-yet"))
    for _ in range(2):
        await world.process.resync.run()
        assert world.process.queue.depth() == 1
        await world.settle()
