"""Watch events of Secrets that carry our label."""

from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.handlers.owned_secrets import SecretEvents


def event(world: World, kind: str | None) -> Any:
    held = world.secrets.objects[world.key()]
    metadata = {"namespace": "app", "name": "db", "uid": held.uid, "resourceVersion": "9999", "labels": dict(held.labels)}
    return {"type": kind, "object": {"metadata": metadata, "data": {"password": "ZWRpdGVk"}}}


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
async def test_an_edited_secret_is_queued(kind: str | None) -> None:
    world = World()
    await world.synced()
    await SecretEvents(world.process.observe).secret_event(event(world, kind), patch={})
    assert world.process.queue.depth() == 1


async def test_a_deleted_secret_is_queued() -> None:
    world = World()
    await world.synced()
    await SecretEvents(world.process.observe).secret_event(event(world, "DELETED"))
    assert world.process.queue.depth() == 1


async def test_a_secret_that_nobody_asks_for_is_not() -> None:
    world = World()
    await world.synced()
    world.process.index.claims.remove(world.claims.objects[world.key()])
    for kind in ("MODIFIED", "DELETED"):
        await SecretEvents(world.process.observe).secret_event(event(world, kind))
    assert world.process.queue.depth() == 0
