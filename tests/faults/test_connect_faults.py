"""1Password fails in ways that need a scene of their own; the ways it fails as such are rows of test_client_faults.py."""

from __future__ import annotations

import time
from collections.abc import Mapping
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
FAST = {
    PREFIX + "STALENESS_SECONDS": str(LIMIT_SECONDS),
    PREFIX + "CONNECT_TIMEOUT_SECONDS": "2",
    PREFIX + "DENIED_PROBE_SECONDS": "1",
}


def start(make_world: MakeWorld, **settings: str) -> World:
    world = make_world(SEED)
    for name, value in (FAST | settings).items():
        world.environment[name] = value
    world.operator()
    world.item("db", "vaults/v/items/db")
    world.wait_ready("db")
    return world


def test_a_resource_that_changes_during_an_outage_is_told_at_once(make_world: MakeWorld) -> None:
    world = start(make_world, **{PREFIX + "STALENESS_SECONDS": "60"})
    world.item("x", "vaults/other/items/x")
    world.wait_ready("x")
    world.connect.faults({"action": "down"})
    world.patch_item("db", {"spec": {"itemPath": "vaults/other/items/unread"}})
    reported = world.wait_reason("db", "OnePasswordUnavailable", timeout=10)
    assert reported["observedGeneration"] == 2
    assert world.data("db") == {"password": b"canary-password-1"}
    assert world.condition("x")["status"] == "True"  # a blip, as far as this one is concerned
    world.connect.heal()
    world.wait_reason("db", "Synced", timeout=6)
    assert world.data("db") == {"password": b"canary-unread-1"}


@pytest.mark.official("Connect outage")
@pytest.mark.parametrize("fault", [{"action": "down"}, {"action": "hang"}, {"action": "status", "status": 500}])
def test_a_blip_writes_no_status_at_all(make_world: MakeWorld, fault: Mapping[str, Any]) -> None:
    world = start(make_world, **{PREFIX + "STALENESS_SECONDS": "60"})
    world.connect.wait_polls(1)
    written = world.writes()
    world.connect.faults(fault)
    eventually(world.operators[0].metrics, lambda text: polls(text, "failed") >= 2)
    world.connect.heal()
    world.connect.wait_polls(3)
    assert world.writes() == written


def polls(metrics: str, result: str) -> float:
    line = next((line for line in metrics.splitlines() if line.startswith(f'onepassword_operator_polls_total{{result="{result}"}}')), "x 0")
    return float(line.split()[-1])


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


@pytest.mark.official("rate limiting")
def test_a_wait_that_is_asked_for_is_kept(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.connect.faults({"action": "status", "status": 429, "retry_after": 4, "times": 1})
    eventually(lambda: [entry for entry in world.connect.log() if entry["status"] == 429], lambda found: found)
    asked = next(entry["at"] for entry in world.connect.log() if entry["status"] == 429)
    after = eventually(lambda: [entry["at"] for entry in world.connect.log() if entry["at"] > asked], lambda found: found)
    assert after[0] - asked >= 4


def test_one_vault_that_is_forbidden_disturbs_no_other(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.item("x", "vaults/other/items/x")
    world.wait_ready("x")
    vault, _ = world.connect.ids("other", "x")
    world.connect.faults({"action": "status", "status": 403, "path": vault})
    world.connect.edit("other", "x", fields={"password": "canary-other-2"})
    world.wait_reason("x", "AccessDenied", timeout=6)
    assert world.data("x") == {"password": b"canary-other-1"}
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.wait_data("db", {"password": b"canary-password-2"}, timeout=4)
    assert world.condition("db")["status"] == "True"
    world.connect.heal()
    world.wait_data("x", {"password": b"canary-other-2"}, timeout=6)
    world.wait_reason("x", "Synced", timeout=6)


def test_one_item_that_can_not_be_read_disturbs_no_other_and_is_told_when_it_lasts(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.item("x", "vaults/other/items/x")
    world.wait_ready("x")
    _, item = world.connect.ids("other", "x")
    world.connect.faults({"action": "status", "status": 500, "path": f"items/{item}"})
    world.connect.edit("other", "x", fields={"password": "canary-other-2"})
    world.wait_reason("x", "OnePasswordUnavailable", timeout=LIMIT_SECONDS + 8)
    assert world.data("x") == {"password": b"canary-other-1"}
    assert world.condition("db")["status"] == "True"
    world.connect.heal()
    world.wait_data("x", {"password": b"canary-other-2"}, timeout=6)


@pytest.mark.parametrize(
    "lag",
    [
        pytest.param({"list_seconds": 2.5}, id="the vault is ahead of its list"),
        pytest.param({"vault_seconds": 2.5}, id="the list is ahead of the vault"),
        pytest.param({"get_seconds": 2.5}, id="the list is ahead of the item"),
        pytest.param({"vault_seconds": 1.5, "list_seconds": 2.5}, id="everything lags"),
    ],
)
def test_lists_and_items_out_of_step_converge_with_few_reads(make_world: MakeWorld, lag: Mapping[str, float]) -> None:
    world = start(make_world)
    world.deployment("web", "db")
    world.connect.lag(**lag)
    world.connect.reset()
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.wait_data("db", {"password": b"canary-password-2"}, timeout=8)
    world.rollouts("web", 2)
    world.no_marks()
    world.connect.lag()
    world.connect.wait_polls(3)
    assert world.replica_sets("web") == 2
    assert sum(world.connect.item_reads().values()) <= 5
    world.connect.reset()
    world.connect.wait_polls(2)
    assert set(world.connect.counts()) == {POLL_ROUTE}


def test_drift_is_repaired_while_1password_is_away_as_far_as_it_needs_no_values(make_world: MakeWorld) -> None:
    world = start(make_world)
    before = world.secret("db").metadata
    world.connect.faults({"action": "down"})
    world.patch_secret("db", {"metadata": {"ownerReferences": None, "labels": {"operator.1password.io/managed": None}}})

    def repaired(metadata: Any) -> bool:
        return bool(metadata.labels == before.labels and metadata.owner_references == before.owner_references)

    eventually(lambda: world.secret("db").metadata, repaired, timeout=5)


def test_an_operator_that_starts_while_1password_is_away_is_ready_and_catches_up(make_world: MakeWorld) -> None:
    world = start(make_world)
    world.operators[0].stop()
    world.connect.faults({"action": "down"})
    operator = world.operator()
    assert operator.probe("/readyz") == (200, "ok")
    assert operator.probe("/healthz") == (200, "ok")
    world.connect.heal()
    world.connect.edit("v", "db", fields={"password": "canary-password-2"})
    world.wait_data("db", {"password": b"canary-password-2"}, timeout=6)
