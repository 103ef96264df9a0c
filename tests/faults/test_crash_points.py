"""The operator is killed at every write of a rotation, before it is forwarded and after it is committed: the end is always the same.

A world's rotations are numbered; each adds exactly one ReplicaSet to the Deployment, whatever dies on the way.
"""

import itertools
import json
import signal
from collections.abc import Callable

import pytest

from cluster.rights import deployed_role_without, granted_kinds
from controlplane.access import SPARES
from controlplane.fixtures import Observer
from harness.fixtures import MakeWorld
from harness.proxy.ledger import Request
from harness.proxy.rules import CallAfter, CallBefore, Delay, Respond, Rule
from harness.waiting import eventually
from harness.workloads import Workloads, served_rollouts
from harness.world import World, seed
from onepassword_operator.model.workload_kind import KINDS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

SEED = seed(a="canary-a-0", b="canary-b-0")
Nothing = Callable[[World, int], object]


def counts(request: Request) -> bool:
    """Writes of the operator; Events are best effort and no crash point."""
    return request.is_write and not request.is_event and request.user_agent.startswith("onepassword-operator")


def prepare(make_world: MakeWorld, secrets: tuple[str, ...]) -> World:
    world = make_world(SEED).begin("a", "b")
    world.deployment("web", *secrets)
    return world


def rotate(world: World, secrets: tuple[str, ...], number: int) -> None:
    """New values, at once as the operator sees them: it stands still meanwhile."""
    world.operators[-1].process.send_signal(signal.SIGSTOP)
    for name in secrets:
        world.connect.edit("v", name, fields={"password": f"canary-{name}-{number}"})


def go_on(world: World) -> None:
    world.operators[-1].process.send_signal(signal.SIGCONT)


def check_end(world: World, secrets: tuple[str, ...], number: int) -> None:
    for name in secrets:
        world.wait_data(name, {"password": f"canary-{name}-{number}".encode()})
        eventually(lambda name=name: world.condition(name)["message"], lambda m: f"holds version {number + 1} " in m)  # type: ignore[misc]
        assert world.condition(name)["status"] == "True"
    world.rollouts("web", number + 1)
    world.no_marks(timeout=30)
    restarted = json.loads(world.restarted_for("web")["restarted-for"])
    assert {name: revision.rpartition("@")[2] for name, revision in restarted.items()} == {name: str(number + 1) for name in secrets}
    for name in secrets:
        assert set(world.annotations(name)) == {"item-path", "item-version", "requested-path", "copied-keys", "seal"}
    assert world.replica_sets("web") == number + 1


def crash_at_every_write(world: World, secrets: tuple[str, ...], *, writes: int, at_crash: Nothing) -> None:
    for number, (flavour, nth) in enumerate(itertools.product((CallBefore, CallAfter), range(1, writes + 1)), start=1):
        world.proxy.clear()
        rotate(world, secrets, number)
        victim = world.operators[-1].process
        crash = world.proxy.add(Rule(flavour(lambda _, victim=victim: victim.kill() or False), where=counts, nth=nth))  # type: ignore[misc]
        go_on(world)
        victim.wait(30)
        assert crash.matched >= nth
        world.proxy.clear()
        at_crash(world, number)
        world.operator()
        check_end(world, secrets, number)


def nothing(world: World, number: int) -> None:
    pass


def slow_lists(world: World, number: int) -> None:
    world.proxy.add(Rule(Delay(10), verb="list", resource="deployments", times=1))


DENIED = Respond(403, "Forbidden", 'admission webhook "x" denied the request')


def refuse_patches(world: World, number: int) -> None:
    world.proxy.add(Rule(DENIED, verb="patch", resource="deployments", times=2))


def make_late_deployment(world: World, number: int) -> None:
    world.deployment(f"late-{number}", "a")


@pytest.mark.parametrize(
    ("secrets", "writes"), [pytest.param(("a",), 4, id="one Secret"), pytest.param(("a", "b"), 7, id="two Secrets on one Deployment")]
)
def test_killed_at_every_write(make_world: MakeWorld, secrets: tuple[str, ...], writes: int) -> None:
    world = prepare(make_world, secrets)
    crash_at_every_write(world, secrets, writes=writes, at_crash=nothing)


def test_the_number_of_writes_of_a_rotation_is_known(make_world: MakeWorld) -> None:
    world = prepare(make_world, ("a", "b"))
    before = len(world.writes())
    rotate(world, ("a", "b"), 1)
    go_on(world)
    check_end(world, ("a", "b"), 1)
    world.connect.wait_polls(1)
    assert len(world.writes()) - before == 7


@pytest.mark.parametrize(
    "disturb", [pytest.param(refuse_patches, id="refused"), pytest.param(slow_lists, id="slow list", marks=pytest.mark.soak)]
)
def test_killed_at_every_write_with_trouble_afterwards(make_world: MakeWorld, disturb: Nothing) -> None:
    world = prepare(make_world, ("a",))
    crash_at_every_write(world, ("a",), writes=4, at_crash=disturb)


def test_killed_at_every_write_with_every_kind_of_workload(make_world: MakeWorld, observer: Observer) -> None:
    user, restarting = SPARES[5], [kind for kind, row in KINDS.items() if row.restarts]
    with (
        served_rollouts(observer),
        deployed_role_without(observer, resource="none", verbs=set(), user=user),
        granted_kinds(observer, KINDS.values(), user=user),
    ):
        world = make_world(SEED)
        world.user, workloads = user, Workloads(observer, world.namespace)
        world.begin("a", ONEPASSWORD_OPERATOR_WORKLOAD_KINDS=",".join(KINDS))
        world.environment["ONEPASSWORD_OPERATOR_WORKLOAD_KINDS"] = ",".join(KINDS)
        world.deployment("web", "a")
        for kind in KINDS.keys() - {"Deployment"}:
            workloads.apply(kind, "web", "a")
        writes = 3 + len(restarting)
        crash_at_every_write(world, ("a",), writes=writes, at_crash=nothing)
        generations = {kind: workloads.read(kind, "web")["metadata"]["generation"] for kind in KINDS}
        assert generations == {kind: 1 + 2 * writes if kind in restarting else 1 for kind in KINDS}


def test_killed_at_every_write_with_a_deployment_made_meanwhile(make_world: MakeWorld) -> None:
    world = prepare(make_world, ("a",))
    crash_at_every_write(world, ("a",), writes=4, at_crash=make_late_deployment)
    marks = json.loads(world.restarted_for("web")["restarted-for"])
    late = [f"late-{number}" for number in range(1, 9)]
    # Each saw every rotation that came after it once, and its own at most once: the Secret was there or was written after it.
    for number, name in enumerate(late, start=1):
        own = world.replica_sets(name) - 1 - (8 - number)
        assert own in {0, 1}, name
        if number < 8:
            assert json.loads(world.restarted_for(name)["restarted-for"]) == marks


def test_an_answer_that_is_lost_is_not_a_second_rollout(make_world: MakeWorld) -> None:
    world = prepare(make_world, ("a",))
    for nth in range(1, 5):
        world.proxy.clear()
        world.proxy.add(Rule(CallAfter(lambda _: False), where=counts, nth=nth))
        rotate(world, ("a",), nth)
        go_on(world)
        check_end(world, ("a",), nth)
