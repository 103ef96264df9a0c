"""1Password fails in ways that need a scene of their own; the ways it fails as such are rows of test_client_faults.py."""

import time
from typing import Any

import pytest

from harness.connect_process import POLL_ROUTE
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World

pytestmark = pytest.mark.cluster

OTHERS = (("x", "other-1"), ("unread", "unread-1"))
SEED: dict[str, Any] = {
    "vaults": [
        {"name": "v", "items": [{"title": "db", "fields": {"password": "canary-password-1"}}]},
        {"name": "other", "items": [{"title": title, "fields": {"password": f"canary-{name}"}} for title, name in OTHERS]},
    ]
}
PREFIX = "ONEPASSWORD_OPERATOR_"
LIMIT_SECONDS = 4
FAST = {PREFIX + "STALENESS_SECONDS": str(LIMIT_SECONDS), PREFIX + "CONNECT_TIMEOUT_SECONDS": "2", PREFIX + "DENIED_PROBE_SECONDS": "1"}


def start(make_world: MakeWorld, *items: str, **settings: str) -> World:
    world = make_world(SEED)
    world.environment |= FAST | settings
    world.begin("db")
    for name in items:
        world.item(name, f"vaults/other/items/{name}")
    world.wait_ready(*items)
    return world


@pytest.mark.official("Connect outage")
def test_a_blip_writes_no_status_but_of_a_resource_that_changes_meanwhile(make_world: MakeWorld) -> None:
    world = start(make_world, "x", **{PREFIX + "STALENESS_SECONDS": "60"})
    failed = 'polls_total{result="failed"}'
    for fault in ({"action": "down"}, {"action": "hang"}, {"action": "status", "status": 500}):
        world.connect.wait_polls(1)
        written, before = world.writes(), world.operators[0].metric(failed)
        world.connect.faults(fault)
        eventually(lambda: world.operators[0].metric(failed), lambda number, before=before: number >= before + 2)  # type: ignore[misc]
        world.connect.heal()
        world.connect.wait_polls(3)
        assert world.writes() == written
    world.connect.faults({"action": "down"})
    world.patch_item("db", {"spec": {"itemPath": "vaults/other/items/unread"}})
    reported = world.wait_reason("db", "OnePasswordUnavailable", timeout=10)
    assert reported["observedGeneration"] == 2
    assert world.data("db") == {"password": b"canary-password-1"}
    assert world.condition("x")["status"] == "True"  # a blip, as far as this one is concerned
    world.connect.heal()
    world.wait_reason("db", "Synced", timeout=6)
    assert world.data("db") == {"password": b"canary-unread-1"}


def test_a_refused_token_is_tried_at_the_set_rate_however_many_resources_there_are(make_world: MakeWorld) -> None:
    world = start(make_world, **{PREFIX + "DENIED_PROBE_SECONDS": "3"})
    names = [f"cr-{number}" for number in range(30)]
    for name in names:
        world.item(name, "vaults/v/items/db")
    world.wait_ready(*names)
    world.connect.admin("POST", "tokens", "revoke", body={"token": world.connect.token})
    for name in names:
        world.wait_reason(name, "Unauthorized")
    world.connect.reset()
    started = time.time()
    world.item("new", "vaults/other/items/x")
    world.wait_reason("new", "Unauthorized")
    eventually(lambda: world.connect.admin("GET", "requests")["total"], lambda total: total >= 4, timeout=20)
    seconds = time.time() - started
    # Each probe is asked twice, because a slip is not a refusal; so two requests in three seconds.
    assert world.connect.admin("GET", "requests")["total"] <= 2 * (seconds / 3 + 1)
    assert set(world.connect.counts()) == {POLL_ROUTE}
    world.connect.admin("POST", "tokens", "restore", body={"token": world.connect.token})
    for name in (*names, "new"):
        world.wait_reason(name, "Synced", timeout=9)


@pytest.mark.parametrize(
    ("status", "path", "reason", "seconds"),
    [
        pytest.param(403, "{vault}", "AccessDenied", 6, id="a vault"),
        pytest.param(500, "items/{item}", "OnePasswordUnavailable", LIMIT_SECONDS + 8, id="an item"),
    ],
)
def test_what_can_not_be_read_disturbs_no_other_and_is_told_when_it_lasts(
    make_world: MakeWorld, status: int, path: str, reason: str, seconds: float
) -> None:
    world = start(make_world, "x")
    vault, item = world.connect.ids("other", "x")
    world.connect.faults({"action": "status", "status": status, "path": path.format(vault=vault, item=item)})
    world.connect.edit("other", "x", fields={"password": "canary-other-2"})
    world.wait_reason("x", reason, timeout=seconds)
    assert world.data("x") == {"password": b"canary-other-1"}
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.wait_data("db", {"password": b"canary-password-2"}, timeout=4)
    assert world.condition("db")["status"] == "True"
    world.connect.heal()
    world.wait_data("x", {"password": b"canary-other-2"}, timeout=6)
    world.wait_reason("x", "Synced", timeout=6)


LAGS: dict[str, dict[str, float]] = {
    "the vault is ahead of its list": {"list_seconds": 2.5},
    "the list is ahead of the vault": {"vault_seconds": 2.5},
    "the list is ahead of the item": {"get_seconds": 2.5},
    "everything lags": {"vault_seconds": 1.5, "list_seconds": 2.5},
}


def test_lists_and_items_out_of_step_converge_with_few_reads(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.deployment("web", "db")
    for version, (what, lag) in enumerate(LAGS.items(), start=2):
        world.connect.lag(**lag)
        world.connect.reset()
        world.connect.edit("v", "db", fields={"password": f"canary-password-{version}"})
        world.wait_data("db", {"password": f"canary-password-{version}".encode()}, timeout=8)
        world.rollouts("web", version)
        world.no_marks()
        world.connect.lag()
        world.connect.wait_polls(3)
        assert world.replica_sets("web") == version, what
        assert sum(world.connect.item_reads().values()) <= 5, what
        world.connect.reset()
        world.connect.wait_polls(2)
        assert set(world.connect.counts()) == {POLL_ROUTE}, what


def test_while_1password_is_away_drift_is_repaired_as_far_as_it_needs_no_values_and_an_operator_may_start(make_world: MakeWorld) -> None:
    world = start(make_world)
    before = world.secret("db").metadata
    world.connect.faults({"action": "down"})
    world.patch_secret("db", {"metadata": {"ownerReferences": None, "labels": {"operator.1password.io/managed": None}}})

    def repaired(metadata: Any) -> bool:
        return bool(metadata.labels == before.labels and metadata.owner_references == before.owner_references)

    eventually(lambda: world.secret("db").metadata, repaired, timeout=5)
    operator = world.restart()
    assert operator.probe("/readyz") == operator.probe("/healthz") == (200, "ok")
    world.connect.heal()
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.wait_data("db", {"password": b"canary-password-2"}, timeout=6)
