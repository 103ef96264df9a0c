"""Watch events of Deployments."""

from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.handlers.workloads import WorkloadEvents
from onepassword_operator.model import names
from onepassword_operator.model.workload_kind import DEPLOYMENT

BODY: dict[str, Any] = {
    "metadata": {
        "namespace": "app",
        "name": "web",
        "uid": "u",
        "resourceVersion": "7",
        "annotations": {names.ITEM_NAME: "db", names.ITEM_PATH: "vaults/a/items/b"},
    }
}


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
async def test_a_deployment_that_asks_is_queued(kind: str | None) -> None:
    world = World()
    events = WorkloadEvents(world.process.observe_workloads, DEPLOYMENT)
    await events.workload_event({"type": kind, "object": BODY}, patch={})  # type: ignore[typeddict-item]
    assert [claim.item_path for claim in world.process.index.claims.of(world.key())] == ["vaults/a/items/b"]
    assert await world.process.queue.take() == world.key()


async def test_a_deleted_deployment_is_let_go() -> None:
    world = World()
    events = WorkloadEvents(world.process.observe_workloads, DEPLOYMENT)
    await events.workload_event({"type": "ADDED", "object": BODY})  # type: ignore[typeddict-item]
    await events.workload_event({"type": "DELETED", "object": BODY})  # type: ignore[typeddict-item]
    assert world.key() not in world.process.index.claims
    assert world.process.index.claims.workloads() == set()
