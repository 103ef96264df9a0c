"""Somebody puts the official finalizer back whenever it is gone: how often ours tries, with the time in the test's hand."""

from dataclasses import replace

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import ObjectRef

MINUTE = 60.0
HELD = (names.OFFICIAL_FINALIZER,)


class Puppet:
    """Looks at the resource whenever something happens, and puts the finalizer back."""

    def __init__(self, world: World, key: SecretKey) -> None:
        self._world, self._key = world, key
        self.active = True
        self.taken: list[float] = []
        """When it found the finalizer gone."""

    def look(self) -> None:
        held = self._world.claims.objects[self._key]
        if self.active and not held.finalizers:
            self.taken.append(self._world.clock.now)
            self._world.claims.keep("MODIFIED", replace(held, finalizers=HELD))

    async def live(self, seconds: float, *, step: float = 1.0) -> None:
        """Let time pass: polls by the second, looks in between, a resync every ten minutes."""
        world = self._world
        end = world.clock.now + seconds
        while world.clock.now < end:
            self.look()
            await world.settle()
            self.look()
            await world.poll_after(step)
            if world.clock.now % 600 < step:
                await world.process.resync.run()
        await world.settle()


def writes(world: World) -> list[str]:
    statuses = [request for request in world.claims.requests if request.startswith("status ")]
    return [*world.secrets.writes(), *statuses, *(str(source) for source in world.finalizers.released)]


@pytest.fixture
async def world() -> World:
    """A resource and its Secret as the official operator leaves them."""
    made = World()
    item = made.source.put(made.vault, "db", password="one")
    key = made.claim("db", "vaults/Prod/items/db", finalizers=HELD)
    marks = {names.ITEM_PATH: f"vaults/{made.vault}/items/{item}", names.ITEM_VERSION: "1"}
    owner = made.claims.objects[key].owner_reference
    made.secrets.place(key, annotations=marks, owners=(owner,), data={"password": Confidential.of_text("one")})
    return made


async def taken_over(world: World) -> Puppet:
    """The takeover is done, and the puppet has put the finalizer back for the first time."""
    puppet = Puppet(world, world.key())
    await world.settle()
    assert len(world.finalizers.released) == 1
    world.finalizers.released.clear()
    world.forget_requests()
    puppet.look()
    return puppet


async def test_ten_minutes_draw_three_writes_at_most(world: World) -> None:
    puppet = await taken_over(world)
    await puppet.live(10 * MINUTE)
    assert 1 <= len(writes(world)) <= 2  # one more has taken the finalizer away before
    assert world.claims.ready(world.key()).reason == "AnotherOperatorActive"
    assert world.claims.objects[world.key()].has_legacy_finalizer


async def test_it_tries_again_every_hour(world: World) -> None:
    puppet = await taken_over(world)
    began = world.clock.now
    await puppet.live(5 * 60 * MINUTE, step=5.0)
    minutes = [round((moment - began) / MINUTE) for moment in puppet.taken]
    assert minutes[:5] == [0, 60, 120, 180, 240]
    assert len(world.secrets.writes()) == 0
    assert sum(request.startswith("status ") for request in world.claims.requests) <= 2 * len(puppet.taken)


async def test_the_refresh_annotation_tries_at_once(world: World) -> None:
    puppet = await taken_over(world)
    await puppet.live(MINUTE)
    tries = len(puppet.taken)
    world.claims.keep("MODIFIED", replace(world.claims.objects[world.key()], refresh="now"))
    await puppet.live(MINUTE)
    assert len(puppet.taken) == tries + 1
    await puppet.live(58 * MINUTE, step=5.0)
    assert len(puppet.taken) == tries + 1


async def test_when_the_other_one_is_gone_the_next_try_settles_it(world: World) -> None:
    puppet = await taken_over(world)
    await puppet.live(MINUTE)
    puppet.active = False
    world.source.edit(world.secrets.objects[world.key()].annotations[names.ITEM_PATH].split("/")[3], password="two")
    await puppet.live(58 * MINUTE, step=5.0)
    assert world.secrets.values(world.key()) == {"password": "one"}
    await puppet.live(2 * MINUTE)
    assert not world.claims.objects[world.key()].has_legacy_finalizer
    assert world.secrets.values(world.key()) == {"password": "two"}
    assert world.claims.ready(world.key()).reason == "Synced"


async def test_news_that_overtake_the_answer_are_understood(world: World) -> None:
    """The watch may show the finalizer again before the request that took it away has been answered."""
    puppet, release = Puppet(world, world.key()), world.finalizers.remove

    async def overtaken(source: ObjectRef, uid: str) -> int | None:
        answer = await release(source, uid)
        puppet.look()
        world.watch()
        return answer

    world.finalizers.remove = overtaken  # type: ignore[method-assign]
    await puppet.live(10 * MINUTE)
    assert len(puppet.taken) == 1
    assert world.claims.ready(world.key()).reason == "AnotherOperatorActive"
