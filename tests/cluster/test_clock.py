"""An operator whose clock is an hour off does what any other does: intervals are monotonic, times on objects are the API server's."""

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from cluster.replicas import Replicas, replicas
from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World, seed

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SHIFTED = Path(__file__).parent / "shifted_clock"
SEED = seed(a="canary-a-0")


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
    world = make_world(SEED).begin("a", **off_by(3600 * hours))
    (operator,) = world.operators
    assert operator.probe("/healthz")[0] == 200
    assert abs(now() - shown_time(world)) < datetime.timedelta(minutes=10)
    world.deployment("web", "a")
    world.connect.edit("v", "a", fields={"password": "canary-a-1"})
    world.rollouts("web", 2)
    world.wait_data("a", {"password": b"canary-a-1"})
    world.no_marks()
    world.connect.wait_polls(3)
    assert world.replica_sets("web") == 2
    shown = operator.metric("last_successful_poll_timestamp_seconds")
    assert abs(shown - now().timestamp() - 3600 * hours) < 600, "the clock was not shifted, and this proves nothing"


def test_candidates_that_think_the_lease_ran_out_long_ago_or_just_now_wait_like_any_other(
    make_world: MakeWorld, installed: ControlPlane
) -> None:
    world = make_world(SEED)

    def renewed_often(group: Replicas) -> None:
        renewed = group.lease().renew_time
        eventually(lambda: group.lease().renew_time, lambda seen: (seen - renewed).total_seconds() > 8, timeout=40)

    with replicas(world, installed) as group:
        leader = group.start()
        assert group.leader() is leader
        shifted = [group.start(**off_by(3600 * hours)) for hours in (-1, 1)]
        renewed_often(group)
        assert (group.leaders(), group.lease().lease_transitions) == ([leader], 0)
        leader.operator.stop()
        standby = group.leader()
        assert standby in shifted
        group.start()
        renewed_often(group)
        assert group.leaders() == [standby]
