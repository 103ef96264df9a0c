"""Everything at once for long: Connect pods out of step, sick items, leaders that die, and people who edit, rename and delete.

`MESSY_SECONDS` makes it longer.
"""

import os
import signal
import time
from typing import Any

import pytest

from cluster.churn import SEED, Churn
from cluster.replicas import Replicas, replicas
from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld

SECONDS = float(os.environ.get("MESSY_SECONDS", "60"))
SICK: dict[str, Any] = {"name": "sick", "items": [{"title": f"sick-{n}", "fields": {"password": f"canary-sick-{n}"}} for n in range(2)]}

pytestmark = [pytest.mark.cluster, pytest.mark.soak, pytest.mark.timeout(600 + 3 * SECONDS)]


def end_leader(group: Replicas, *, kind: int) -> None:
    """Kill, stop or freeze the leader; return when another leads."""
    leader = group.leader()
    if kind == 0:
        leader.signal(signal.SIGSTOP)
        group.leader(other_than=leader, timeout=60)
        leader.signal(signal.SIGCONT)
        group.expect_failure(leader)
        return
    if kind == 1:
        leader.operator.kill()
    else:
        assert leader.operator.stop() == 0
    group.leader(other_than=leader, timeout=60)


@pytest.mark.parametrize("dice", [1])
def test_whatever_happens_every_secret_ends_with_its_items_value_and_none_went_back(
    make_world: MakeWorld, installed: ControlPlane, dice: int
) -> None:
    world = make_world({"vaults": [*SEED["vaults"], SICK]}, "--replicas", "2", "--balance", "request", "--balance-seed", str(dice))
    churn = Churn(world, seed=dice, one_at_a_time=False)
    actors = [churn.rotate, churn.meddle, churn.rename, churn.delete]
    with replicas(world, installed) as group:
        for _ in range(3):
            group.start()
        group.leader()
        churn.fill()
        sick = [world.connect.ids("sick", item["title"]) for item in SICK["items"]]
        world.connect.faults(*({"action": "status", "status": 500, "path": f"/v1/vaults/{vault}/items/{item}"} for vault, item in sick))
        for number in range(20):
            world.item(f"sick-{number}", f"vaults/sick/items/sick-{number % 2}")
            churn.unserved.add(f"sick-{number}")
        started, rounds = time.monotonic(), 0
        while time.monotonic() - started < SECONDS or rounds < 3:
            rounds += 1
            if behind := churn.dice.random() < 0.7:
                world.connect.stick(1)
            for actor in churn.dice.sample(actors, churn.dice.randint(1, len(actors))):
                actor()
            end_leader(group, kind=rounds % 3)
            group.start()
            if behind and churn.dice.random() < 0.5:
                churn.rotate()
            if behind:
                world.connect.replica(1)
            churn.settle()
            churn.no_version_went_back()
            churn.no_restart_came_before_its_secret()
            restarts = sum(map(len, churn.restarts.held.values()))
            print(f"{time.monotonic() - started:.0f} s: round {rounds}, versions {churn.versions}, {restarts} restarts seen", flush=True)
        assert all(world.secret(f"sick-{number}") is None for number in range(20))
        world.connect.heal()
        world.wait_ready(*(f"sick-{number}" for number in range(20)), timeout=60)
        churn.stop()
