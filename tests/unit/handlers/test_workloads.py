"""Watch events of Deployments."""

from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.handlers.workloads import WorkloadEvents
from onepassword_operator.model import names
from onepassword_operator.model.workload_kind import DEPLOYMENT

METADATA = {"namespace": "app", "name": "web", "uid": "u", "resourceVersion": "7"}
WEB: Any = {"metadata": METADATA | {"annotations": {names.ITEM_NAME: "db", names.ITEM_PATH: "vaults/a/items/b"}}}


@pytest.mark.parametrize("kind", [None, "ADDED", "MODIFIED"])
async def test_a_deployment_that_asks_is_queued_and_a_deleted_one_let_go(kind: Any) -> None:
    world = World()
    events = WorkloadEvents(world.process.observe_workloads, DEPLOYMENT)
    await events.workload_event({"type": kind, "object": WEB}, patch={})
    assert [claim.item_path for claim in world.process.index.claims.of(world.key())] == ["vaults/a/items/b"]
    assert await world.process.queue.take() == world.key()
    await events.workload_event({"type": "DELETED", "object": WEB})
    assert world.key() not in world.process.index.claims
    assert world.process.index.claims.workloads() == set()
