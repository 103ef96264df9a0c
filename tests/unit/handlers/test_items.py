"""Watch events of resources."""

from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.handlers.items import ItemEvents
from onepassword_operator.model.target import Rendering

METADATA = {"namespace": "app", "name": "db", "uid": "u", "resourceVersion": "7", "annotations": {"team": "a"}}
ITEM: Any = {"metadata": METADATA, "spec": {"itemPath": "vaults/a/items/b"}}


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
async def test_a_resource_that_is_seen_is_queued_and_a_deleted_one_let_go(kind: Any) -> None:
    world = World()
    events = ItemEvents(world.process.observe, Rendering(copy_annotations=True))
    await events.item_event({"type": kind, "object": ITEM}, patch={})
    held = world.process.index.claims.resource(world.ref())
    assert held
    assert held.annotations == {"team": "a"}
    assert await world.process.queue.take() == world.key()
    await events.item_event({"type": "DELETED", "object": ITEM})
    assert world.key() not in world.process.index.claims
