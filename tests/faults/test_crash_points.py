"""The operator is killed at every write of a rotation, before it is forwarded and after it is committed: the end is always the same.

A world's rotations are numbered; each adds exactly one ReplicaSet to the Deployment, whatever dies on the way.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.kube_proxy import CallAfter, CallBefore, Delay, Request, Respond, Rule
from harness.waiting import eventually
from harness.world import PREFIX, World

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

ITEMS = ("a", "b")
SEED: dict[str, Any] = {
    "vaults": [{"name": "v", "items": [{"title": title, "fields": {"password": f"canary-{title}-0"}} for title in ITEMS]}]
}
Nothing = Callable[[World, int], object]


def counts(request: Request) -> bool:
    """Writes of the operator; Events are best effort and no crash point."""
    return request.is_write and not request.is_event and request.user_agent.startswith("onepassword-operator")


def prepare(make_world: MakeWorld, secrets: tuple[str, ...]) -> World:
    world = make_world(SEED)
    world.operator()
    for name in ITEMS:
        world.item(name, f"vaults/v/items/{name}")
    world.wait_ready(*ITEMS)
    world.deployment("web", *secrets)
    return world


def rotate(world: World, secrets: tuple[str, ...], number: int) -> None:
    # Both at once, seen from the operator: it is stopped meanwhile.
    for name in secrets:
        world.connect.edit("v", name, fields={"password": f"canary-{name}-{number}"})


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
    number = 0
    for flavour in (CallBefore, CallAfter):
        for nth in range(1, writes + 1):
            number += 1
            world.operators[-1].stop()
            world.proxy.clear()
            rotate(world, secrets, number)
            victim = world.operator(ready=False)
            crash = world.proxy.add(Rule(flavour(lambda _, victim=victim: victim.process.kill() or False), where=counts, nth=nth))  # type: ignore[misc]
            victim.process.wait(30)
            assert crash.matched >= nth
            world.proxy.clear()
            at_crash(world, number)
            world.operator()
            check_end(world, secrets, number)


def undisturbed_writes(world: World, secrets: tuple[str, ...]) -> int:
    """How many writes a rotation has; the crash points are counted, not guessed."""
    world.operators[-1].stop()
    before = len(world.writes())
    world.connect.edit("v", secrets[0], tags=["counted"])
    for name in secrets[1:]:
        world.connect.edit("v", name, tags=["counted"])
    world.operator()
    world.rollouts("web", 2)
    world.no_marks()
    world.connect.wait_polls(1)
    return len(world.writes()) - before


def nothing(world: World, number: int) -> None:
    pass


def slow_lists(world: World, number: int) -> None:
    world.proxy.add(Rule(Delay(10), verb="list", resource="deployments", times=1))


def refuse_patches(world: World, number: int) -> None:
    world.proxy.add(
        Rule(Respond(403, "Forbidden", 'admission webhook "x" denied the request'), verb="patch", resource="deployments", times=2)
    )


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
    assert undisturbed_writes(world, ("a", "b")) == 7


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


def test_killed_at_every_write_with_template_patches_refused_afterwards(make_world: MakeWorld) -> None:
    world = prepare(make_world, ("a",))
    crash_at_every_write(world, ("a",), writes=4, at_crash=refuse_patches)


@pytest.mark.soak
def test_killed_at_every_write_with_a_slow_list_afterwards(make_world: MakeWorld) -> None:
    world = prepare(make_world, ("a",))
    crash_at_every_write(world, ("a",), writes=4, at_crash=slow_lists)


def test_an_answer_that_is_lost_is_not_a_second_rollout(make_world: MakeWorld) -> None:
    world = prepare(make_world, ("a",))
    for nth in range(1, 5):
        world.proxy.clear()
        world.proxy.add(Rule(CallAfter(lambda _: False), where=counts, nth=nth))
        rotate(world, ("a",), nth)
        check_end(world, ("a",), nth)


def test_a_workload_that_can_not_be_patched_keeps_its_mark_and_disturbs_no_other(make_world: MakeWorld) -> None:
    world = prepare(make_world, ("a",))
    world.deployment("stubborn", "a")
    refusal = Rule(
        Respond(403, "Forbidden", 'admission webhook "x" denied the request'), verb="patch", resource="deployments", name="stubborn"
    )
    world.proxy.add(refusal)
    rotate(world, ("a",), 1)
    world.rollouts("web", 2)
    eventually(lambda: refusal.matched, lambda number: number >= 2)
    assert PREFIX + "restart-pending" in world.secret("a").metadata.annotations
    world.proxy.remove(refusal)
    world.rollouts("stubborn", 2)
    world.no_marks()
    assert (world.replica_sets("web"), world.replica_sets("stubborn")) == (2, 2)
