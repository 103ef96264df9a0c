"""One Secret out of two items: what becomes of it and of its users, in whatever order things happen and whenever the process dies."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.recipe import Part, Recipe, Shape

PARTS = (Part("vaults/Prod/items/one", "A_"), Part("vaults/Prod/items/two", "B_"))
BOTH = Recipe(PARTS, Shape(exclude=("*_unused",)))
WITHOUT_TWO = Recipe(PARTS, Shape(exclude=("*_unused", "B_*")))
IN_OTHER_WORDS = Recipe(PARTS, Shape(include=("A_password", "B_password")))
FIRST = {"A_password": "1", "B_password": "1"}


class KilledError(BaseException):
    """The process dies."""


class Scene:
    """A world with a shaped Secret `db` that a Deployment uses, which restarts."""

    def __init__(self, *, shaped: Recipe | None = BOTH, path: str = "") -> None:
        self.world = World()
        self.items = {title: self.world.source.put(self.world.vault, title, password="1", unused="1") for title in ("one", "two")}
        self.world.claim("db", path, shaped=shaped)
        self.world.workloads.deploy("web", "db", annotations={names.AUTO_RESTART: "true"})
        self.writes = 0
        self.deadly: tuple[int, bool] | None = None
        """The write at which the process dies, and whether it is carried out."""
        for store, verbs in (
            (self.world.secrets, ("create", "replace", "annotate", "own")),
            (self.world.claims, ("write_status",)),
            (self.world.workloads, ("restart",)),
        ):
            for verb in verbs:
                setattr(store, verb, self._counted(getattr(store, verb)))

    def _counted(self, write: Callable[..., Any]) -> Callable[..., Any]:
        async def counted(*arguments: Any, **named: Any) -> Any:
            self.writes += 1
            if self.deadly == (self.writes, False):
                raise KilledError
            written = await write(*arguments, **named)
            if self.deadly == (self.writes, True):
                raise KilledError
            return written

        return counted

    async def begun(self) -> Scene:
        await self.world.settle()
        await self.world.polled_in()
        self.writes = 0
        return self

    async def on(self) -> None:
        """Live on until there is nothing left to do; a process that dies is followed by another."""
        minute = int(self.world.secrets.time[14:16]) + 1
        self.world.secrets.time = f"2024-05-01T12:{minute:02}:00Z"
        try:
            await self._live()
        except KilledError:
            await self.world.start_anew()
            await self._live()

    async def _live(self) -> None:
        for _ in range(4):
            await self.world.poll_after(60)
            await self.world.restart()

    def end(self) -> dict[str, Any]:
        """What it all comes to."""
        world = self.world
        key = world.key()
        return {
            "data": world.secrets.values(key),
            "annotations": {k: v for k, v in world.secrets.objects[key].annotations.items() if k != names.SEAL},
            "condition": (world.claims.ready(key).status, world.claims.ready(key).reason),
            "rollouts": world.workloads.rollouts["web"],
            "owners": world.owners(),
        }

    @property
    def data(self) -> dict[str, str]:
        return self.world.secrets.values(self.world.key())

    @property
    def rollouts(self) -> int:
        return self.world.workloads.rollouts["web"]

    def rotated(self, title: str) -> None:
        version = self.world.source.item(self.items[title]).version + 1
        self.world.source.edit(self.items[title], password=str(version), unused="1")

    def renamed(self, title: str) -> None:
        """A new version with the same keys."""
        self.world.source.rename(self.items[title], f"{title}, once")

    def archived(self, title: str) -> None:
        self.world.source.archive(self.items[title])

    def removed(self, title: str) -> None:
        self.world.source.delete(self.items[title])


CHANGES = ("rotated", "renamed", "archived", "removed")
LOST = {"archived": "ItemArchived", "removed": "ItemNotFound"}
Steps = Iterable[Iterable[tuple[str, str]]]


async def told(steps: Steps, *, deadly: tuple[int, bool] | None = None) -> tuple[Scene, list[dict[str, str]]]:
    """Let changes happen step by step; return what the Secret held after each of them."""
    scene = await Scene().begun()
    scene.deadly = deadly
    held = [scene.data]
    for step in steps:
        for change, title in step:
            getattr(scene, change)(title)
        await scene.on()
        held.append(scene.data)
    return scene, held


@pytest.mark.parametrize(("first", "second"), list(itertools.product(CHANGES, CHANGES)))
async def test_two_items_change_in_either_order_or_at_once_and_the_process_dies_at_any_write(first: str, second: str) -> None:
    one, two = (first, "one"), (second, "two")
    for steps in ([[one], [two]], [[two], [one]], [[one, two]]):
        scene, held = await told(steps)
        reason = LOST.get(first) or LOST.get(second) or "Synced"
        assert scene.end()["condition"] == (str(reason == "Synced"), reason)
        lost_before = [bool({change for change, _ in itertools.chain(*steps[: number + 1])} & LOST.keys()) for number in range(len(steps))]
        for step, lost, before, after in zip(steps, lost_before, held, held[1:], strict=False):
            rotated = {} if lost else {f"{'A' if title == 'one' else 'B'}_password": "2" for change, title in step if change == "rotated"}
            assert after == before | rotated
        assert scene.rollouts == sum(before != after for before, after in itertools.pairwise(held))
        assert scene.world.secrets.mark(scene.world.key()) is None
        for nth, carried_out in itertools.product(range(1, scene.writes + 1), (False, True)):
            other, _ = await told(steps, deadly=(nth, carried_out))
            assert other.end() == scene.end(), (steps, nth, carried_out)


def asks(scene: Scene, recipe: Recipe | None, path: str = "") -> object:
    return scene.world.claims.apply(scene.world.key(), path, shaped=recipe)


def edited(scene: Scene) -> object:
    return scene.world.secrets.overwrite(scene.world.key(), A_password="edited", more="edited")


def deleted(scene: Scene) -> object:
    return scene.world.secrets.delete(scene.world.key())


def nothing(scene: Scene) -> None:
    pass


@pytest.mark.parametrize(
    ("disturbed", "token", "down", "in_doubt"),
    [
        (nothing, None, False, False),
        (nothing, None, True, False),
        (nothing, b"another", True, False),
        (edited, None, False, True),
        (edited, None, True, True),
        (deleted, None, False, True),
    ],
)
@pytest.mark.parametrize(("recipe", "data"), [(BOTH, FIRST), (WITHOUT_TWO, {"A_password": "1"}), (IN_OTHER_WORDS, FIRST)])
async def test_a_recipe_that_changes_restarts_once_for_other_data_or_if_nobody_knows_which_data_there_were(
    recipe: Recipe, data: dict[str, str], disturbed: Callable[[Scene], object], token: bytes | None, *, down: bool, in_doubt: bool
) -> None:
    scene = await Scene().begun()
    asks(scene, recipe)
    disturbed(scene)
    scene.world.token = token or scene.world.token
    if down:
        await scene.world.start_anew()
    await scene.on()
    assert (scene.data, scene.rollouts) == (data, data != FIRST or (in_doubt and recipe is not BOTH))


@pytest.mark.parametrize("change", [nothing, lambda scene: scene.renamed("one"), lambda scene: asks(scene, IN_OTHER_WORDS)])
@pytest.mark.parametrize("rollouts", [0, 1])
async def test_a_new_token_restarts_nobody_while_data_are_equal_and_loses_no_restart_that_is_due(
    change: Callable[[Scene], object], rollouts: int
) -> None:
    scene = await Scene().begun()
    if rollouts:
        scene.rotated("one")
        await scene.world.poll()
    change(scene)
    scene.world.token = b"another"
    await scene.world.start_anew()
    await scene.on()
    assert (scene.data["A_password"], scene.rollouts) == (str(1 + rollouts), rollouts)
    assert scene.end()["condition"] == ("True", "Synced")


@pytest.mark.parametrize("down", [False, True])
async def test_plain_shaped_and_plain_again(*, down: bool) -> None:
    scene = await Scene(shaped=None, path=PARTS[0].path).begun()
    whole = {"password": "1", "unused": "1"}
    assert scene.data == whole
    rollouts = 0
    for recipe, path, data in (
        (Recipe((Part(PARTS[0].path),), Shape()), "", whole),
        (BOTH, "", FIRST),
        (None, PARTS[0].path, whole),
        (Recipe((Part(PARTS[0].path),), Shape(exclude=("unused",))), "", {"password": "1"}),
        (None, PARTS[0].path, whole),
    ):
        rollouts += scene.data != data
        asks(scene, recipe, path)
        if down:
            await scene.world.start_anew()
        await scene.on()
        assert (scene.data, scene.rollouts) == (data, rollouts), (recipe, path)


async def test_resources_with_one_recipe_and_type_share_a_secret_by_its_name_and_another_recipe_is_refused() -> None:
    scene = await Scene().begun()
    world = scene.world
    for name, recipe, secret_type in (
        ("same", BOTH, names.OPAQUE),
        ("other", IN_OTHER_WORDS, names.OPAQUE),
        ("typed", BOTH, "kind/of-its-own"),
    ):
        world.claims.apply(world.key(name), "", shaped=recipe, secret_type=secret_type)
        world.claims.keep("MODIFIED", replace(world.claims.objects[world.key(name)], key=world.key()))
    await scene.on()
    reasons = {name: world.claims.ready(world.key(name)).reason for name in ("db", "same", "other", "typed")}
    assert reasons == {"db": "Synced", "same": "Synced", "other": "TargetClaimed", "typed": "TargetClaimed"}
    assert (scene.data, scene.rollouts, world.owners()) == (FIRST, 0, ["OnePasswordItem/db", "OnePasswordItem/same"])
    world.claims.delete(world.key())
    scene.rotated("two")
    await scene.on()
    assert (scene.data, scene.rollouts) == (FIRST | {"B_password": "2"}, 1)
    assert world.claims.ready(world.key("same")).reason == "Synced"
