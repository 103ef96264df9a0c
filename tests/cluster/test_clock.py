"""An operator whose clock is an hour off does what any other does: intervals are monotonic, times on objects are the API server's."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from cluster.replicas import replicas
from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SHIFTED = Path(__file__).parent / "shifted_clock"
SEED: dict[str, Any] = {"vaults": [{"name": "v", "items": [{"title": "a", "fields": {"password": "canary-a-0"}}]}]}


def off_by(seconds: int) -> dict[str, Any]:
    """The environment of a process with such a clock."""
    path = os.pathsep.join(filter(None, (str(SHIFTED), os.environ.get("PYTHONPATH", ""))))
    return {"PYTHONPATH": path, "CLOCK_OFFSET_SECONDS": str(seconds)}


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def shown_time(world: World) -> datetime.datetime:
    return datetime.datetime.fromisoformat(world.condition("a")["lastTransitionTime"])


@pytest.mark.parametrize("hours", [-1, 1])
def test_secrets_restarts_and_times_on_objects_are_as_ever(make_world: MakeWorld, hours: int) -> None:
    world = make_world(SEED)
    operator = world.operator(**off_by(3600 * hours))
    assert operator.probe("/healthz")[0] == 200
    world.item("a", "vaults/v/items/a")
    world.wait_ready("a")
    assert abs(now() - shown_time(world)) < datetime.timedelta(minutes=10)
    world.deployment("web", "a")
    world.connect.edit("v", "a", fields={"password": "canary-a-1"})
    world.rollouts("web", 2)
    world.wait_data("a", {"password": b"canary-a-1"})
    world.no_marks()
    world.connect.wait_polls(3)
    assert world.replica_sets("web") == 2
    assert "timestamp" in operator.metrics()
    (shown,) = [line for line in operator.metrics().splitlines() if line.startswith("onepassword_operator_last_successful_poll")]
    assert abs(float(shown.split()[1]) - now().timestamp() - 3600 * hours) < 600, "the clock was not shifted, and this proves nothing"


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_candidate_that_thinks_the_lease_ran_out_long_ago_waits_like_any_other(
    make_world: MakeWorld, installed: ControlPlane, hours: int
) -> None:
    world = make_world(SEED)
    with replicas(world, installed) as group:
        leader = group.start()
        assert group.leader() is leader
        standby = group.start(**off_by(3600 * hours))
        renewed = group.lease().renew_time
        eventually(lambda: group.lease().renew_time, lambda seen: (seen - renewed).total_seconds() > 8, timeout=40)
        assert (group.leaders(), group.lease().lease_transitions) == ([leader], 0)
        leader.operator.stop()
        assert group.leader() is standby
        other = group.start()
        renewed = group.lease().renew_time
        eventually(lambda: group.lease().renew_time, lambda seen: (seen - renewed).total_seconds() > 8, timeout=40)
        assert group.leaders() == [standby]
        assert not other.leads()
