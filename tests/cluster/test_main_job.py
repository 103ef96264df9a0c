"""A OnePasswordItem becomes a Secret and follows its item, at a cost that can be counted."""

from typing import Any

import pytest

from harness.connect_process import POLL_ROUTE
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import PREFIX, World

pytestmark = pytest.mark.cluster

FIRST_LISTS = 3
"""How often a vault is listed again after the first list, which may come from a server that lags behind."""

PEM = "-----BEGIN CERTIFICATE-----\nMIIB canary file content ÄÖÜ\n-----END CERTIFICATE-----\n"

SEED: dict[str, Any] = {
    "vaults": [
        {
            "name": "Prod apps",
            "items": [
                {
                    "title": "billing db",
                    "category": "LOGIN",
                    "urls": [{"label": "website", "href": "https://db.canary.example", "primary": True}],
                    "fields": [
                        {"label": "username", "value": "svc-billing-canary", "purpose": "USERNAME", "type": "STRING"},
                        {
                            "label": "password",
                            "value": ' pässword\twith "quotes" \\ and\nlines ',
                            "purpose": "PASSWORD",
                            "type": "CONCEALED",
                        },
                        {"label": "first host", "value": "db-0.canary.internal", "type": "STRING"},
                        {"label": "empty one", "value": "", "type": "STRING"},
                    ],
                    "files": [{"name": "ca bundle.pem", "content": PEM}],
                },
                {"title": "api key", "category": "API_CREDENTIAL", "fields": {"credential": "canary-credential-1"}},
            ],
        }
    ]
}
BILLING = {
    "website": b"https://db.canary.example",
    "username": b"svc-billing-canary",
    "password": ' pässword\twith "quotes" \\ and\nlines '.encode(),
    "first-host": b"db-0.canary.internal",
    "ca-bundle.pem": PEM.encode(),
}


def test_items_by_title_and_by_id_give_every_key_byte_exact(make_world: MakeWorld) -> None:
    world = make_world(SEED).begin()
    vault, item = world.connect.ids("Prod apps", "billing db")
    world.item("by-title", "vaults/Prod apps/items/billing db", metadata={"labels": {"team": "billing"}})
    world.item("by-id", f"vaults/{vault}/items/{item}")
    world.item("by-vault-in-another-case", "vaults/PROD APPS/items/api key")
    world.wait_ready("by-title", "by-id", "by-vault-in-another-case")

    assert world.data("by-title") == BILLING
    assert world.data("by-id") == BILLING
    assert world.data("by-vault-in-another-case") == {"credential": b"canary-credential-1"}
    secret = world.secret("by-title")
    assert secret.type == "Opaque"
    assert secret.metadata.labels == {"team": "billing", PREFIX + "managed": "true"}
    assert secret.metadata.finalizers is None
    owner = secret.metadata.owner_references[0]
    assert (owner.kind, owner.name, owner.controller, owner.block_owner_deletion) == ("OnePasswordItem", "by-title", None, None)
    assert world.annotations("by-title")["item-path"] == f"vaults/{vault}/items/{item}"
    assert world.annotations("by-title")["item-version"] == "1"
    world.wait_events("by-title", ("Normal", "Created"))
    assert world.custom("by-title")["metadata"].get("finalizers") is None
    assert world.condition("by-title")["observedGeneration"] == 1


def bulk(*, items: int, vaults: int) -> dict[str, Any]:
    def item(number: int) -> dict[str, Any]:
        return {"title": f"item-{number}", "fields": {"username": f"canary-user-{number}", "password": f"canary-password-{number}"}}

    return {"vaults": [{"name": f"v{v}", "items": [item(i) for i in range(v, items, vaults)]} for v in range(vaults)]}


def ask_for_all(world: World, *, items: int, vaults: int) -> list[str]:
    names = [f"cr-{number}" for number in range(items)]
    for number, name in enumerate(names):
        world.item(name, f"vaults/v{number % vaults}/items/item-{number}")
    world.wait_ready(*names, timeout=60)
    return names


@pytest.mark.official(32)
@pytest.mark.parametrize(("items", "vaults"), [(1, 1), (200, 8)])
def test_an_unchanged_poll_is_one_request_and_no_write(make_world: MakeWorld, items: int, vaults: int) -> None:
    world = make_world(bulk(items=items, vaults=vaults)).begin()
    ask_for_all(world, items=items, vaults=vaults)
    world.connect.wait_polls(1 + FIRST_LISTS)

    written = world.writes()
    world.connect.reset()
    world.connect.wait_polls(3)
    counts = world.connect.counts()
    assert set(counts) == {POLL_ROUTE}
    assert world.writes() == written
    assert len(written) == 2 * items  # a Secret and a status each


def test_a_restart_with_everything_in_place_reads_no_item_and_writes_nothing(make_world: MakeWorld) -> None:
    world = make_world(bulk(items=20, vaults=3)).begin()
    ask_for_all(world, items=20, vaults=3)
    world.deployment("asks", annotations={"item-path": "vaults/v0/items/item-0", "item-name": "asked-for"})
    world.deployment("user", "asked-for", "cr-0")
    eventually(lambda: world.secret("asked-for") and world.owners("asked-for"), lambda owners: len(owners or ()) == 2)
    world.connect.edit("v0", "item-0", fields={"password": "canary-password-rotated"})
    world.wait_data("cr-0", {"username": b"canary-user-0", "password": b"canary-password-rotated"})
    eventually(lambda: world.replica_sets("user"), lambda made: made > 1)
    world.no_marks()
    world.connect.wait_polls(2)
    assert world.operators[0].stop() == 0

    written, rollouts = world.writes(), world.replica_sets("user")
    world.connect.reset()
    world.operator()
    world.connect.wait_polls(3 + FIRST_LISTS)
    assert world.connect.item_reads() == {}
    counts = world.connect.counts()
    assert counts.pop("GET /v1/vaults/:uuid/items") == 3 * (1 + FIRST_LISTS)
    assert set(counts) == {POLL_ROUTE}
    assert (world.writes(), world.replica_sets("user")) == (written, rollouts)
