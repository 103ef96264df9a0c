"""Two and three replicas while items rotate, people meddle and leaders die: nothing is lost, nothing is done twice.

`CHURN_SECONDS` and `FAILOVERS` (of each kind) make it longer; `CHURN_PAGE` has the result written down.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster import soak_page
from cluster.churn import SEED, Churn, seconds_until
from cluster.replicas import Replica, Replicas, replicas
from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld

SECONDS = float(os.environ.get("CHURN_SECONDS", "1"))
FAILOVERS = int(os.environ.get("FAILOVERS", "1"))

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300 + 3 * SECONDS)]


def terminated(group: Replicas, leader: Replica) -> None:
    """As in a rolling update: the leader is told to stop."""
    assert leader.operator.stop() == 0
    group.leader(timeout=60)


def killed(group: Replicas, leader: Replica) -> None:
    """As by the kernel when memory is short."""
    leader.operator.kill()
    group.leader(timeout=60)


def frozen(group: Replicas, leader: Replica) -> None:
    """As on a node that stands still for a while, and comes back."""
    leader.signal(signal.SIGSTOP)
    group.leader(other_than=leader, timeout=60)


KINDS: dict[str, Callable[[Replicas, Replica], None]] = {"SIGTERM": terminated, "kill -9": killed, "SIGSTOP": frozen}


@pytest.mark.parametrize("number", [2, 3] if SECONDS > 1 else [3])
def test_whatever_happens_to_leaders_the_end_is_the_same(make_world: MakeWorld, installed: ControlPlane, number: int) -> None:
    world = make_world(SEED)
    churn = Churn(world, seed=number)
    took: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with replicas(world, installed) as group:
        for _ in range(number):
            churn.guard(group.start())
        group.leader()
        churn.fill()
        started = time.monotonic()
        while time.monotonic() - started < SECONDS or min(map(len, took.values())) < FAILOVERS:
            for kind, strike in KINDS.items():
                leader = group.leader()
                churn.rotate()
                churn.meddle()
                took[kind].append(seconds_until(lambda strike=strike, leader=leader: strike(group, leader)))
                churn.settle()
                if kind == "SIGSTOP":
                    leader.signal(signal.SIGCONT)
                    group.expect_failure(leader)
                churn.guard(group.start())
                print(f"{number} replicas, {time.monotonic() - started:.0f} s: {kind}, {took[kind][-1]:.1f} s", flush=True)
        churn.at_the_end(group.all, takeovers=sum(map(len, took.values())))
        if page := os.environ.get("CHURN_PAGE"):
            soak_page.add(Path(page), replicas=number, seconds=time.monotonic() - started, took=took, versions=sum(churn.versions.values()))
