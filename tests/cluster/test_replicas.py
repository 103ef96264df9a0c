"""Several replicas: one leads, the others stand by with all they need, and a takeover writes and restarts nothing of its own."""

import signal
from collections.abc import Iterator

import pytest

from cluster.replicas import Replica, Replicas, replicas
from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld
from harness.proxy.rules import Delay, HoldEvents, Rule
from harness.waiting import eventually
from harness.world import World, seed

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

SEED = seed(a="canary-a-0", b="canary-b-0")


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(SEED)


@pytest.fixture
def group(world: World, installed: ControlPlane) -> Iterator[Replicas]:
    with replicas(world, installed) as made:
        yield made


def rotate(world: World, number: int, *titles: str) -> None:
    for title in titles:
        world.connect.edit("v", title, fields={"password": f"canary-{title}-{number}"})


def settled(world: World, number: int, *titles: str) -> None:
    """Every Secret has arrived, every restart has been made, and the statuses say so."""
    for title in titles:
        world.wait_data(title, {"password": f"canary-{title}-{number}".encode()}, timeout=60)
        reported = f"holds version {number + 1} "
        eventually(lambda title=title: world.condition(title)["message"], lambda m, reported=reported: reported in m, timeout=60)  # type: ignore[misc]
    world.no_marks(timeout=60)


def in_place(world: World, group: Replicas) -> tuple[Replica, Replica]:
    """Leader and standby, with a Secret and a Deployment that uses it."""
    group.start()
    leader = group.leader()
    standby = group.start()
    world.item("a", "vaults/v/items/a")
    world.wait_ready("a")
    world.deployment("web", "a")
    return leader, standby


def connect_requests(replica: Replica) -> int:
    return replica.operator.metrics().count('side="connect"')


@pytest.mark.official("leader election")
def test_who_stands_by_is_ready_and_neither_writes_nor_asks_1password(world: World, group: Replicas) -> None:
    """When the leader is told to stop, it takes over at once, and writes nothing where nothing changed."""
    leader, standby = in_place(world, group)
    rotate(world, 1, "a")
    settled(world, 1, "a")
    world.connect.wait_polls(3)
    assert group.leaders() == [leader]
    assert standby.operator.probe("/readyz")[0] == standby.operator.probe("/healthz")[0] == 200
    assert (standby.writes(), connect_requests(standby)) == ([], 0)
    assert connect_requests(leader) > 0
    assert (group.lease().lease_duration_seconds, group.lease().lease_transitions) == (15, 0)
    version = world.secret("a").metadata.resource_version
    assert leader.operator.stop() == 0
    assert group.leader() is standby
    world.connect.wait_polls(3)
    assert (standby.writes(), world.secret("a").metadata.resource_version) == ([], version)
    assert group.lease().lease_transitions >= 1
    rotate(world, 2, "a")
    world.rollouts("web", 3)
    settled(world, 2, "a")


def test_a_leader_that_was_frozen_finds_another_in_its_place_writes_nothing_more_and_ends(world: World, group: Replicas) -> None:
    leader, standby = in_place(world, group)
    leader.signal(signal.SIGSTOP)
    rotate(world, 1, "a")
    assert group.leader(other_than=leader, timeout=60) is standby
    settled(world, 1, "a")
    before = len(leader.writes())
    rotate(world, 2, "a")
    leader.signal(signal.SIGCONT)
    group.expect_failure(leader)
    world.rollouts("web", 3)
    settled(world, 2, "a")
    assert len(leader.writes()) == before
    assert world.replica_sets("web") == 3


def test_a_mass_of_slow_writes_does_not_delay_a_renewal(world: World, group: Replicas) -> None:
    leader, standby = in_place(world, group)
    leader.proxy.add(Rule(Delay(seconds=3), resource="secrets", verb="create"))
    names = [f"many-{number}" for number in range(60)]
    transitions = group.lease().lease_transitions
    for name in names:
        world.item(name, "vaults/v/items/b")
    world.wait_ready(*names, timeout=90)
    assert group.leaders() == [leader]
    assert standby.writes() == []
    assert group.lease().lease_transitions == transitions


def test_two_leaders_at_once_come_to_the_same_end_and_restart_once_also_if_one_of_them_lives_in_the_past(
    world: World, installed: ControlPlane
) -> None:
    with replicas(world, installed, flags=()) as group:
        for title in ("a", "b"):
            world.item(title, f"vaults/v/items/{title}")
        both = [group.start(), group.start()]
        world.wait_ready("a", "b")
        world.deployment("web", "a", "b")
        for number in range(1, 5):
            late = both[number % 2]
            stale = late.proxy.add(Rule(HoldEvents(), resource="secrets"))
            held_back = late.proxy.add(Rule(HoldEvents(), resource="deployments"))
            before = world.replica_sets("web")
            rotate(world, number, "a", "b")
            settled(world, number, "a", "b")
            stale.release()
            held_back.release()
            world.connect.wait_polls(3)
            # Two Secrets that change a moment apart are one rollout or two, as with one operator; each is rolled out once.
            assert before < world.replica_sets("web") <= before + 2
        seen = world.replica_sets("web")
        version = world.secret("a").metadata.resource_version
        world.connect.wait_polls(4)
        assert (world.replica_sets("web"), world.secret("a").metadata.resource_version) == (seen, version)
