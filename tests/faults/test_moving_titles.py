"""Titles that move, items that vanish, and tokens that are replaced meanwhile: no Secret takes another item's values unasked."""

from typing import Any

import pytest

from faults.reliability_page import Findings
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World, seed

pytestmark = pytest.mark.cluster


def with_new_token(world: World) -> None:
    """The next process gets a token that no seal was made with."""
    world.restart(OP_CONNECT_TOKEN=world.connect.admin("POST", "tokens", body={})["token"])
    world.connect.wait_polls(4)


def make(world: World, title: str, password: str) -> None:
    world.connect.admin("POST", "vaults", "v", "items", body={"title": title, "fields": {"password": password}})


def states(world: World, *names: str) -> list[Any]:
    return [(world.data(name), world.condition(name)["reason"]) for name in names]


def test_a_new_token_after_a_rename_changes_no_item_that_a_secret_follows(make_world: MakeWorld, findings: Findings) -> None:
    world = make_world(seed(renamed="canary-renamed-1", twice="canary-twice-1", plain="canary-plain-1")).begin("renamed", "twice", "plain")
    world.deployment("web", "renamed", "twice", "plain")
    world.connect.edit("v", "renamed", title="production")
    world.connect.edit("v", "twice", title="former")
    for password in ("canary-other-1", "canary-other-2"):
        make(world, "twice", password)
    world.connect.wait_polls(4)
    world.no_marks()
    before, rollouts = states(world, "renamed", "twice", "plain"), world.replica_sets("web")
    with_new_token(world)
    eventually(lambda: {name: world.annotations(name)["seal"] for name in ("renamed", "twice", "plain")}, lambda seals: len(seals) == 3)
    assert (states(world, "renamed", "twice", "plain"), world.replica_sets("web")) == (before, rollouts)
    world.connect.edit("v", "production", fields={"password": "canary-renamed-2"})
    world.wait_data("renamed", {"password": b"canary-renamed-2"})
    findings.beside("a new token after a rename", "the renamed items, and no rollout")


def test_a_rotation_by_renaming_is_followed_and_a_duplicate_is_not(make_world: MakeWorld, findings: Findings) -> None:
    world = make_world(seed(db="canary-db-1", kept="canary-kept-1")).begin("db", "kept")
    world.deployment("web", "db", "kept")
    make(world, "kept", "canary-duplicate-1")
    world.connect.edit("v", "db", title="db (old)")
    make(world, "db", "canary-db-2")
    world.wait_data("db", {"password": b"canary-db-2"}, timeout=10)
    world.no_marks()
    world.connect.wait_polls(3)
    assert states(world, "db", "kept") == [({"password": b"canary-db-2"}, "Synced"), ({"password": b"canary-kept-1"}, "Synced")]
    both = [event.message for event in world.event_objects("db") if event.reason == "Updated"][-1]
    assert all(world.connect.ids("v", title)[1] in both for title in ("db", "db (old)"))
    findings.beside("a title that another item takes over", "followed after three polls")


def test_a_vault_that_loses_its_items_at_once_changes_no_secret(make_world: MakeWorld, findings: Findings) -> None:
    names = [f"item-{number}" for number in range(40)]
    world = make_world(seed(**{name: f"canary-{name}-x" for name in names})).begin(*names)
    make(world, names[0], "canary-duplicate-2")
    world.connect.wait_polls(3)
    written = {name: world.secret(name).metadata.resource_version for name in names}
    for name in names[1:]:
        world.connect.admin("DELETE", "vaults", "v", "items", name)
    item = world.secret(names[0]).metadata.annotations["operator.1password.io/item-path"].rpartition("/")[2]
    world.connect.admin("DELETE", "vaults", "v", "items", item)
    for name in names:
        world.wait_reason(name, "ItemAmbiguous" if name == names[0] else "ItemNotFound", timeout=15)
    assert {name: world.secret(name).metadata.resource_version for name in names} == written
    make(world, names[1], "canary-again-1")
    world.wait_data(names[1], {"password": b"canary-again-1"})
    findings.beside("a vault that loses 40 items at once", "40 resources say so, no Secret changed")
