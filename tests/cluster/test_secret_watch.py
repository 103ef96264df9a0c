"""The watch on Secrets ends in every way there is, and nothing that happened meanwhile is lost; no resync helps, they are minutes away."""

import pytest

from harness.fixtures import MakeWorld
from harness.proxy.rules import Action, CutWatches, Respond, Rule
from harness.waiting import eventually
from harness.world import World, seed

pytestmark = pytest.mark.cluster

GOOD = {"password": b"canary-password-1"}
EDITED = {"data": {"password": "ZWRpdGVk"}}
SEED = seed(db="canary-password-1")
SETTLED_SECONDS = 12
"""The resync that follows the start of the other watches comes ten seconds after it."""


ENDS: dict[str, Action] = {
    "it ends in good order, again and again": CutWatches(lifetime=0.2),
    "the API server is away": Respond(503, "ServiceUnavailable"),
    "nobody knows any more what happened since": Respond(410, "Expired"),
    "the right is gone": Respond(403, "Forbidden", "secrets is forbidden: User x"),
}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A world whose last resync for minutes has read everything, so that only a watch can tell of more."""
    made = make_world(SEED)
    made.operator(POLLING_INTERVAL="60")
    for name in ("db", "deleted"):
        made.item(name, "vaults/v/items/db")
    made.wait_ready("db", "deleted")

    def resyncs() -> int:
        asked = [r for r in made.proxy.requests if r.user_agent.startswith("onepassword-operator")]
        return sum((r.verb, r.resource, r.status) == ("list", "onepassworditems", 200) for r in asked)

    eventually(resyncs, lambda count: count >= 2, timeout=SETTLED_SECONDS + 10)
    return made


@pytest.mark.parametrize("end", ENDS)
def test_what_happened_while_nobody_watched_is_repaired_when_the_watch_is_back(world: World, end: str) -> None:
    ended = world.proxy.add(Rule(ENDS[end], verb="watch", resource="secrets"))
    world.proxy.remove(world.proxy.add(Rule(CutWatches(), resource="secrets")))
    eventually(lambda: ended.matched, lambda matched: matched >= 2)
    world.patch_secret("db", EDITED)
    world.delete_secret("deleted")
    world.proxy.remove(ended)
    for name in ("db", "deleted"):
        world.wait_data(name, GOOD, timeout=40)
    assert "watches ended, starting them again" not in world.log.read_text()  # those of resources and Deployments never did
    assert world.operators[0].probe("/healthz") == (200, "ok")
