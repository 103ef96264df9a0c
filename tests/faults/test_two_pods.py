"""Two Connect pods out of step: each change arrives once, and nothing ever goes back."""

import dataclasses
from collections.abc import Callable

import pytest

from fakes.two_pods import TwoPods
from fakes.world import World
from onepassword_operator.model import names

SEEDS = range(20)
POLLS = 60
BALANCED = pytest.mark.parametrize("by_request", [False, True], ids=["by connection", "by request"])


async def synced(*, by_request: bool, seed: int) -> tuple[World, TwoPods, str]:
    world = World()
    item = world.source.put(world.vault, "db", password="old")
    world.source.put(world.vault, "other", password="other")
    world.claim("db")
    world.workloads.deploy("web", "db")
    await world.settle()
    await world.poll()
    await world.poll()
    pods = TwoPods(world.source, seed=seed, by_request=by_request)
    world.process.catalog._source = world.process.item_reads._source = pods
    world.process.restart._auto_restart = True
    world.forget_requests()
    world.workloads.rollouts.clear()
    return world, pods, item


async def live(world: World, pods: TwoPods, polls: int) -> None:
    for _ in range(polls):
        world.clock.advance(60)
        pods.reconnect()
        await world.poll()
        if world.process.index.states.pending_namespaces():
            await world.restart()


@BALANCED
async def test_one_edit_is_one_write_and_one_rollout_and_the_new_value_stays(*, by_request: bool) -> None:
    for seed in SEEDS:
        world, pods, item = await synced(by_request=by_request, seed=seed)
        world.source.edit(item, password="new")
        await live(world, pods, POLLS)
        pods.catch_up()
        await live(world, pods, 3)
        # The mark is set with the value, and taken off after the rollout.
        assert world.secrets.writes() == ["replace app/db", "annotate app/db"], seed
        assert dict(world.workloads.rollouts) == {"web": 1}, seed
        assert world.secrets.values(world.key()) == {"password": "new"}, seed
        template = world.workloads.objects["app", "web"].template_annotations
        assert f"{item}@2" in template[names.RESTARTED_FOR], seed


def rename(world: World, item: str) -> None:
    world.source.rename(item, "renamed")


def tag(world: World, item: str) -> None:
    held = world.source.item(item)
    world.source._keep(dataclasses.replace(held, version=held.version + 1, tags=(names.IGNORE_TAG,)))


@BALANCED
@pytest.mark.parametrize(("change", "reasons"), [(rename, {"Synced"}), (tag, {"Synced", "Frozen"})], ids=["title", "tag"])
async def test_a_title_or_tag_that_one_pod_lacks_flips_no_status(
    *, by_request: bool, change: Callable[[World, str], None], reasons: set[str]
) -> None:
    for seed in SEEDS:
        world, pods, item = await synced(by_request=by_request, seed=seed)
        change(world, item)
        await live(world, pods, POLLS)
        statuses = [request for request in world.claims.requests if request.startswith("status")]
        assert len(statuses) <= 1, seed
        assert world.claims.ready(world.key()).reason in reasons, seed


@BALANCED
async def test_an_item_that_one_pod_lacks_stays_in_sync(*, by_request: bool) -> None:
    for seed in SEEDS:
        world, pods, _ = await synced(by_request=by_request, seed=seed)
        world.source.put(world.vault, "late", password="one")
        key = world.claim("late", "vaults/Prod/items/late")
        reported = []
        for _ in range(POLLS):
            await live(world, pods, 1)
            reported.append(world.claims.ready(key).reason if world.claims.objects[key].ready else "")
        first = reported.index("Synced")
        assert set(reported[first:]) == {"Synced"}, (seed, reported)
