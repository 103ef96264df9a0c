"""A shaped Secret on a real API server: what it holds, what it carries, when its users restart, and what the CRD refuses."""

import string
from typing import Any

import kubernetes
import pytest

from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import PREFIX, World

pytestmark = pytest.mark.cluster

EVERY_CHARACTER = "".join(sorted(set(string.printable) - set("\x0b\x0c")))
DB = "vaults/v/items/db"
SEED: dict[str, Any] = {
    "vaults": [
        {
            "name": "v",
            "items": [
                {"title": "db", "fields": {"username": "canary-user", "password": f"canary-{EVERY_CHARACTER}"}},
                {"title": "cache", "fields": {"username": "canary-cache", "password": "canary-cache-password"}},
            ],
        }
    ]
}
SPEC: dict[str, Any] = {
    "items": [{"itemPath": DB, "prefix": "DB_"}, {"itemPath": "op://v/cache", "prefix": "CACHE_"}],
    "include": ["*_username"],
    "data": [
        {"key": "password", "field": "DB_password"},
        {"key": "url", "value": "postgres://$(DB_username):$(DB_password)@db/shop", "escape": "URL"},
    ],
    "target": {"name": "shop-db", "labels": {"app": "shop"}, "annotations": {"example.com/team": "a"}},
}


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(SEED)
    world.begin()
    world.item("shop", spec=SPEC, metadata={"labels": {"not": "copied"}})
    world.wait_ready("shop")
    return world


def test_it_holds_the_keys_chosen_and_made_and_nothing_that_makes_the_official_operator_fill_it(world: World) -> None:
    held = world.data("shop-db") or {}
    assert set(held) == {"DB_username", "CACHE_username", "password", "url"}
    assert (held["DB_username"], held["CACHE_username"]) == (b"canary-user", b"canary-cache")
    assert held["password"] == f"canary-{EVERY_CHARACTER}".encode()
    assert held["url"].startswith(b"postgres://canary-user:canary-")
    metadata = world.secret("shop-db").metadata
    assert metadata.labels == {"app": "shop", PREFIX + "managed": "true"}
    assert metadata.annotations["example.com/team"] == "a"
    assert {PREFIX + "item-path", PREFIX + "item-version"}.isdisjoint(metadata.annotations)
    assert world.secret("shop") is None


def test_its_users_restart_once_for_changed_content_and_not_for_a_version_that_changes_none(world: World) -> None:
    world.deployment("web", "shop-db")
    world.connect.edit("v", "cache", fields={"password": "canary-unused"})
    eventually(
        lambda: world.condition("shop"), lambda ready: "holds version 1 of" in ready["message"] and "version 2 of" in ready["message"]
    )
    world.no_marks()
    world.rollouts("web", 1)
    world.connect.edit("v", "db", fields={"password": "canary-new"})
    world.wait_data(
        "shop-db", {**(world.data("shop-db") or {}), "password": b"canary-new", "url": b"postgres://canary-user:canary-new@db/shop"}
    )
    world.rollouts("web", 2)
    world.no_marks()


def test_a_hand_edit_is_put_right_without_a_restart_and_a_field_that_goes_leaves_the_secret_as_it_is(world: World) -> None:
    world.deployment("web", "shop-db")
    right = world.data("shop-db") or {}
    world.patch_secret("shop-db", {"data": {"password": "ZWRpdGVk", "more": "eA=="}})
    world.wait_data("shop-db", right)
    world.patch_item("shop", {"spec": {"data": [{"key": "password", "field": "DB_passwort"}]}})
    ready = world.wait_reason("shop", "FieldNotFound")
    assert '"DB_password"' in ready["message"]
    assert world.data("shop-db") == right
    world.rollouts("web", 1)


def test_a_secret_of_another_tool_is_taken_over_by_the_word_of_its_owner_and_without_a_restart_if_its_data_stay(world: World) -> None:
    core = world.observer.core
    for name, password in (("same", "canary-cache-password"), ("other", "canary-else")):
        core.create_namespaced_secret(
            world.namespace, {"metadata": {"name": name, "labels": {"by": "another"}}, "stringData": {"password": password}}
        )
        world.deployment(f"web-{name}", name)
        world.item(name, spec={"items": [{"itemPath": "op://v/cache"}], "include": ["password"]})
        assert "onepassword-operator.io/adopt" in world.wait_reason(name, "TargetNotOwned")["message"]
        world.patch_secret(name, {"metadata": {"annotations": {"onepassword-operator.io/adopt": name}}})
        world.patch_item(name, {"metadata": {"annotations": {PREFIX + "refresh": "now"}}})
    world.wait_ready("same", "other")
    for name, rollouts in (("same", 1), ("other", 2)):
        assert (world.data(name), world.secret(name).metadata.labels["by"]) == ({"password": b"canary-cache-password"}, "another")
        world.rollouts(f"web-{name}", rollouts)


REGISTRY = {"server": "ghcr.io", "username": "u", "password": "p"}
REFUSED: dict[str, Any] = {
    "no items": {"include": ["*"]},
    "a path beside items": {"itemPath": DB, "items": [{"itemPath": DB}]},
    "a conversion of a text": {"items": [{"itemPath": DB}], "data": [{"key": "a", "value": "b", "format": "OpenSSH"}]},
    "a format twice": {"items": [{"itemPath": DB}], "data": [{"key": "a", "ref": "op://v/i/f?ssh-format=openssh", "format": "OpenSSH"}]},
    "a reference to an item": {"items": [{"itemPath": DB}], "data": [{"key": "a", "ref": "op://v/i"}]},
    "a registry twice": {"items": [{"itemPath": DB}], "data": [{"key": "a", "dockerConfig": {"registries": [REGISTRY, REGISTRY]}}]},
    "an empty include": {"items": [{"itemPath": DB}], "include": []},
    "a part without a path": {"items": [{"prefix": "a"}]},
    "no shape of a key": {"items": [{"itemPath": DB}], "data": [{"key": "a"}]},
    "two shapes of a key": {"items": [{"itemPath": DB}], "data": [{"key": "a", "field": "b", "value": "c"}]},
    "escape of a copy": {"items": [{"itemPath": DB}], "data": [{"key": "a", "field": "b", "escape": "URL"}]},
    "one key twice": {"items": [{"itemPath": DB}], "data": [{"key": "a", "field": "b"}, {"key": "a", "field": "c"}]},
    "a key that is none": {"items": [{"itemPath": DB}], "data": [{"key": "a b", "field": "b"}]},
    "a name that is none": {"items": [{"itemPath": DB}], "target": {"name": "A_b"}},
}


def test_the_crd_refuses_what_makes_no_sense_and_a_new_target_name(world: World) -> None:
    for spec in REFUSED.values():
        with pytest.raises(kubernetes.client.ApiException) as refused:
            world.item("refused", spec=spec)
        assert refused.value.status == 422
    for name in ("other", None):
        with pytest.raises(kubernetes.client.ApiException) as refused:
            world.patch_item("shop", {"spec": {"target": {"name": name}}})
        assert (refused.value.status, "can't change" in str(refused.value.body)) == (422, True)
