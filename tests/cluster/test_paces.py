"""What is done at a pace, and what is counted when the cheap way hides something."""

import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World, seed

pytestmark = pytest.mark.cluster

DEPLOYMENTS = 60
RESTARTS_PER_SECOND = 10
SEED = seed(db="canary-password-1")


def deploy(world: World, number: int) -> None:
    """Deployments without pods that use the Secret."""
    container = {"name": "c", "image": "app", "envFrom": [{"secretRef": {"name": "db"}}]}
    for name in (f"web-{index}" for index in range(number)):
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
        spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
        world.observer.apps.create_namespaced_deployment(world.namespace, {"metadata": {"name": name}, "spec": spec})


def rollouts(world: World) -> int:
    return len(world.observer.apps.list_namespaced_replica_set(world.namespace).items)


@pytest.mark.timeout(300)
def test_sixty_deployments_on_one_item_are_sixty_rollouts_at_the_pace(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin("db", AUTO_RESTART="true")
    deploy(world, DEPLOYMENTS)
    eventually(lambda: rollouts(world), lambda number: number == DEPLOYMENTS, timeout=120)
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    eventually(lambda: rollouts(world), lambda number: number == 2 * DEPLOYMENTS, timeout=120)
    world.no_marks()
    world.connect.wait_polls(2)
    asked = [r for r in world.proxy.writes() if r.resource == "deployments" and r.user_agent.startswith("onepassword-operator")]
    assert sorted(r.name for r in asked if r.committed) == sorted(f"web-{index}" for index in range(DEPLOYMENTS))
    assert rollouts(world) == 2 * DEPLOYMENTS
    # Each is sent when the one before it was answered, so a slow machine only makes the gaps wider.
    turns = RESTARTS_PER_SECOND + 1
    assert all(later.at - earlier.at >= 0.99 for earlier, later in zip(asked, asked[turns:], strict=False))


def test_a_small_budget_delays_and_fails_nothing(make_world: MakeWorld) -> None:
    """Ten items at sixty requests a minute, of which polls take their part first."""
    titles = [f"item-{number}" for number in range(10)]
    world = make_world(seed(**{title: f"canary-{title}-x" for title in titles}))
    operator = world.operator("--connect-requests-per-minute=60", POLLING_INTERVAL="5")
    for title in titles:
        world.item(title, f"vaults/v/items/{title}")
    world.wait_ready(*titles, timeout=60)
    for title in titles:
        assert world.data(title) == {"password": f"canary-{title}-x".encode()}
        world.wait_events(title, ("Normal", "Created"))
    assert sum(world.connect.item_reads().values()) == len(titles)
    assert 'syncs_total{reason="OnePasswordUnavailable"' not in operator.metrics()
