"""Watch events of resources."""

from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.handlers.items import ItemEvents
from onepassword_operator.model.target import Rendering


def body(uid: str = "u", version: str = "7") -> dict[str, Any]:
    return {
        "metadata": {"namespace": "app", "name": "db", "uid": uid, "resourceVersion": version, "annotations": {"team": "a"}},
        "spec": {"itemPath": "vaults/a/items/b"},
    }


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
async def test_a_resource_that_is_seen_is_queued(kind: str | None) -> None:
    world = World()
    events = ItemEvents(world.process.observe, Rendering(copy_annotations=True))
    await events.item_event({"type": kind, "object": body()}, patch={})  # type: ignore[typeddict-item]
    held = world.process.index.claims.resource(world.key())
    assert held
    assert held.annotations == {"team": "a"}
    assert await world.process.queue.take() == world.key()


async def test_a_deleted_resource_is_let_go() -> None:
    world = World()
    events = ItemEvents(world.process.observe, Rendering())
    await events.item_event({"type": "ADDED", "object": body()})  # type: ignore[typeddict-item]
    await events.item_event({"type": "DELETED", "object": body()})  # type: ignore[typeddict-item]
    assert world.key() not in world.process.index.claims
