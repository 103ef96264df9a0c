"""Each thing a user or an item can get wrong has a reason of its own, a message with the remedy, and heals when its cause ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World

pytestmark = pytest.mark.cluster

MIB = 1024 * 1024
MANAGED = "operator.1password.io/managed"
ARCHIVED = "r" * 26
SEED: dict[str, Any] = {
    "vaults": [
        {
            "name": "v",
            "items": [
                *({"title": title, "fields": {"password": "canary-password-1"}} for title in ("good", "keyless")),
                {"title": "unusable", "fields": {"###": "canary-without-key", "empty": ""}},
                {"title": "too large", "fields": {"blob": "canary-large-" + "x" * MIB}},
                {"title": "files", "files": [{"name": f"f{n}", "content": "canary-file-" + "y" * (600 * 1024)} for n in range(2)]},
                {"title": "bad label", "fields": {"password": "canary-password-2", "..": "canary-dots", "Ключ": "canary-cyrillic"}},
                {"title": "archived", "id": ARCHIVED, "fields": {"password": "canary-archived"}, "state": "ARCHIVED"},
            ],
        }
    ]
}

Remedy = Callable[[World], None]


def point_at_good(name: str) -> Remedy:
    return lambda world: world.patch_item(name, {"spec": {"itemPath": "vaults/v/items/good"}})


def as_opaque(name: str) -> Remedy:
    return lambda world: world.patch_item(name, {"type": "Opaque"})


def edit(item: str, **change: Any) -> Remedy:
    return lambda world: world.connect.edit("v", item, **change)


def make_item(world: World) -> None:
    world.connect.admin("POST", "vaults", "v", "items", body={"title": "absent", "fields": {"password": "canary-late-item"}})


def make_vault(world: World) -> None:
    world.connect.admin("POST", "vaults", body={"name": "absent"})
    world.connect.admin("POST", "vaults", "absent", "items", body={"title": "x", "fields": {"password": "canary-late-vault"}})


SMALL, USABLE = {"blob": "canary-small"}, {"password": "canary-now-usable"}
TLS = {"tls.crt": "canary-certificate", "tls.key": "canary-private-key"}
TOKEN, BOOTSTRAP, NEEDS_KEYS = "kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token", "kubernetes.io/tls"

CASES: dict[str, tuple[str | None, str | None, str, str, Remedy]] = {  # path, type, reason, what the message says, what ends the cause
    "empty-path": ("", None, "InvalidItemPath", "vaults/<vault name or ID>/items/", point_at_good("empty-path")),
    "empty-spec": (None, None, "InvalidItemPath", "vaults/<vault name or ID>/items/", point_at_good("empty-spec")),
    "malformed-path": ("v/good", None, "InvalidItemPath", '"v/good" must have the form', point_at_good("malformed-path")),
    "slash-in-title": ("vaults/v/items/a/b", None, "InvalidItemPath", "use the item's ID", point_at_good("slash-in-title")),
    "vault-absent": ("vaults/absent/items/x", None, "VaultNotFound", '"absent"', make_vault),
    "item-absent": ("vaults/v/items/absent", None, "ItemNotFound", '"absent"', make_item),
    "archived": (f"vaults/v/items/{ARCHIVED}", None, "ItemArchived", "restore it", edit(ARCHIVED, state=None)),
    "no-usable-field": ("vaults/v/items/unusable", None, "NoUsableFields", "fill in a field", edit("unusable", fields=USABLE)),
    "large-fields": ("vaults/v/items/too large", None, "SecretTooLarge", "shrink", edit("too large", fields=SMALL)),
    "large-files": ("vaults/v/items/files", None, "SecretTooLarge", "shrink a file", edit("files", remove_files=["f1"])),
    "account-token": ("vaults/v/items/good", TOKEN, "TypeNotAllowed", "choose another type", as_opaque("account-token")),
    "bootstrap-token": ("vaults/v/items/good", BOOTSTRAP, "TypeNotAllowed", "choose another type", as_opaque("bootstrap-token")),
    "keys-missing": ("vaults/v/items/keyless", NEEDS_KEYS, "SecretInvalid", 'needs the keys "tls.crt"', edit("keyless", fields=TLS)),
}


@pytest.mark.official("events")
def test_bad_input_is_explained_harms_nobody_else_and_heals(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin()
    for name, (path, secret_type, *_) in CASES.items():
        world.item(name, path or "", **({"type": secret_type} if secret_type else {}))
        if path is None:
            world.patch_item(name, {"spec": None})
    for name, (_, _, reason, says, _) in CASES.items():
        condition = world.wait_reason(name, reason)
        assert condition["status"] == "False"
        assert says in condition["message"]
        assert world.secret(name) is None
    world.item("fine", "vaults/v/items/good")
    world.wait_reason("fine", "Synced", timeout=5)

    world.connect.wait_polls(2)
    written = world.writes()
    world.connect.wait_polls(3)
    assert world.writes() == written  # said once
    for name, (_, _, reason, _, remedy) in CASES.items():
        assert world.counts(name) == {reason: 1}
        remedy(world)
    for name in CASES:
        world.wait_ready(name, timeout=6)
        assert world.condition(name)["status"] == "True"


@pytest.mark.official("dotted keys")
def test_a_label_that_can_not_be_a_key_is_skipped_and_told(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin()
    world.item("odd", "vaults/v/items/bad label")
    condition = world.wait_reason("odd", "FieldsSkipped")
    assert condition["status"] == "True"
    assert all(words in condition["message"] for words in ('".."', '"Ключ"', "rename it in 1Password"))
    assert world.data("odd") == {"password": b"canary-password-2"}
    world.patch_secret("odd", {"metadata": {"labels": {"operator.1password.io/managed": None}}})
    eventually(lambda: world.events("odd")[-1], lambda event: event == ("Normal", "DriftCorrected"))
    assert world.condition("odd")["reason"] == "FieldsSkipped"  # repaired without reading the item, and still not forgotten


def test_objects_of_nearly_ten_thousand_levels_make_no_list_unreadable(
    make_world: MakeWorld, installed: ControlPlane, tmp_path: Path
) -> None:
    """The API server takes them from anybody, in `managedFields`; the client of these tests can't read them either."""
    world = make_world(SEED)
    pod = {"containers": [{"name": "c", "image": "none"}]}
    template = {"metadata": {"labels": {"app": "deep"}}, "spec": pod}
    deployment = {"apiVersion": "apps/v1", "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "deep"}}, "template": template}}
    for kind, content in (
        ("OnePasswordItem", {"apiVersion": "onepassword.com/v1", "spec": {"itemPath": "vaults/v/items/none"}}),
        ("Secret", {"apiVersion": "v1"}),
        ("Deployment", deployment),
    ):
        fields = {"manager": "deep", "operation": "Update", "apiVersion": content["apiVersion"], "fieldsType": "FieldsV1", "fieldsV1": "@"}
        metadata = {"name": "deep", "namespace": world.namespace, "labels": {MANAGED: "true"}, "managedFields": [fields]}
        deep = json.dumps(content | {"kind": kind, "metadata": metadata}).replace('"@"', '{"f:x":' * 9_900 + "{}" + "}" * 9_900)
        (tmp_path / f"{kind}.json").write_text(deep)
        installed.kubectl("create", "-f", str(tmp_path / f"{kind}.json"), "--validate=false")
    try:
        world.operator()
        world.item("db", "vaults/v/items/good")
        eventually(lambda: world.data("db"))
    finally:
        for path in tmp_path.glob("*.json"):
            installed.kubectl("delete", "-f", str(path))
