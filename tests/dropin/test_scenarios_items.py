"""Scenarios 74 to 81, 87 to 89 and 92 to 95, and how names are found: resources and their Secrets on a real API server."""

from typing import Any

import kubernetes
import pytest
import yaml

from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World

pytestmark = pytest.mark.cluster

ID_LIKE_TITLE = "abcdefghijklmnopqrstuvwxyz"
OLD_ID, YOUNG_ID, NAMED_ID = "o" * 26, "y" * 26, "n" * 26
EARLY, LATE = "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"


def _item(title: str, value: str, **members: Any) -> dict[str, Any]:
    return {"title": title, "category": "SERVER", "fields": {"password": value}, **members}


ITEMS: list[dict[str, Any]] = [
    _item("login", "canary-login"),
    {
        "title": "urls",
        "fields": {"username": "canary-user"},
        "urls": [
            {"label": "website", "href": "https://canary-second.example"},
            {"label": "website", "href": "https://canary-primary.example", "primary": True},
            {"label": "test-website", "href": "https://canary-test.example"},
        ],
    },
    {
        "title": "urls that collide",
        "urls": [{"label": label, "href": f"https://canary-{n}.example"} for n, label in enumerate(["web site", "web/site", "web::site"])],
    },
    {"title": "odd labels", "fields": {"First Host": "canary-host", "😄 Ice Cream": "canary-cone", "AWS Access Key": "canary-key"}},
    {"title": "files", "files": [{"name": name, "content": f"canary-content-of-{name}"} for name in ("server.crt", "test.txt")]},
    _item(ID_LIKE_TITLE, "canary-id-like"),
    _item("its title is not its ID", "canary-by-id", id=NAMED_ID),
    _item(NAMED_ID, "canary-named-like-an-id"),
    _item("twice", "canary-younger", created_at=LATE, id=OLD_ID),
    _item("twice", "canary-older", created_at=EARLY, id=YOUNG_ID),
    *(_item("twins", f"canary-twin-{letter}", created_at=EARLY, id=letter * 26) for letter in "ba"),
]
SEED: dict[str, Any] = {"vaults": [{"name": "Operator-Acceptance-Tests", "items": ITEMS}]}

BY_PATH: dict[str, tuple[str, dict[str, bytes]]] = {
    "urls": (
        "urls",
        {"username": b"canary-user", "website": b"https://canary-primary.example", "test-website": b"https://canary-test.example"},
    ),
    "collide": ("urls that collide", {"web-site": b"https://canary-0.example"}),
    "odd-labels": ("odd labels", {"First-Host": b"canary-host", "Ice-Cream": b"canary-cone", "AWS-Access-Key": b"canary-key"}),
    "files": ("files", {name: f"canary-content-of-{name}".encode() for name in ("server.crt", "test.txt")}),
    "id-like": (ID_LIKE_TITLE, {"password": b"canary-id-like"}),
    "by-id": (NAMED_ID, {"password": b"canary-by-id"}),
    "twice": ("twice", {"password": b"canary-older"}),
    "twins": ("twins", {"password": b"canary-twin-a"}),
}


@pytest.mark.official(75, 78, 87, 88, 92, 93, 94, 95)
@pytest.mark.official("oldest wins", "ID before title", "URL labels that collide", "duplicate titles and ties")
def test_every_item_is_found_and_becomes_the_keys_it_should(make_world: MakeWorld, installed: ControlPlane) -> None:
    world = make_world(SEED).begin()
    installed.kubectl("apply", "-f", _manifest(world, "login", "vaults/Operator-Acceptance-Tests/items/login"))
    for name, (item, _) in BY_PATH.items():
        world.item(name, f"vaults/operator-acceptance-TESTS/items/{item}")
    world.wait_ready("login", *BY_PATH)
    assert world.data("login") == {"password": b"canary-login"}
    assert {name: world.data(name) for name in BY_PATH} == {name: data for name, (_, data) in BY_PATH.items()}
    assert "2 items are named" in world.condition("twice")["message"]
    assert "2 items are named" in world.condition("twins")["message"]

    # Another version of either duplicate, and of the URLs that collide, moves nothing to another winner.
    for letter in "ab":
        world.connect.edit("Operator-Acceptance-Tests", letter * 26, tags=["touched"])
    world.connect.edit("Operator-Acceptance-Tests", "urls that collide", tags=["touched"])
    eventually(lambda: world.annotations("collide")["item-version"], lambda version: version == "2")
    eventually(lambda: world.annotations("twins")["item-version"], lambda version: version == "2")
    world.no_marks()
    world.connect.wait_polls(1)
    written = world.writes()
    world.connect.wait_polls(3)
    assert world.writes() == written
    assert {name: world.data(name) for name in BY_PATH} == {name: data for name, (_, data) in BY_PATH.items()}

    for name in ("login", *BY_PATH):
        world.delete_item(name)
    secrets = world.observer.core.list_namespaced_secret
    eventually(lambda: secrets(world.namespace).items, lambda left: not left, timeout=30)


def _manifest(world: World, name: str, path: str) -> str:
    metadata = {"name": name, "namespace": world.namespace}
    manifest = {"apiVersion": "onepassword.com/v1", "kind": "OnePasswordItem", "metadata": metadata, "spec": {"itemPath": path}}
    file = world.directory / "manifest.yaml"
    file.write_text(yaml.safe_dump(manifest))
    return str(file)


LIFE: dict[str, Any] = {"vaults": [{"name": "v", "items": [{"title": "db", "fields": {"username": "canary-a", "host": "canary-b"}}]}]}


@pytest.mark.official(74, 76, 77, 79, 80, 81, 89)
def test_the_life_of_a_resource(make_world: MakeWorld) -> None:
    world = make_world(LIFE).begin("db")
    world.item("custom", "vaults/v/items/db", type="CustomType")
    world.wait_ready("custom")
    assert world.data("db") == {"username": b"canary-a", "host": b"canary-b"}
    assert (world.secret("db").type, world.secret("custom").type) == ("Opaque", "CustomType")
    assert {entry.manager for entry in world.secret("db").metadata.managed_fields} == {"onepassword-operator"}

    version = world.secret("db").metadata.resource_version
    world.patch_item("db", {"type": "Opaque"})
    eventually(lambda: world.condition("db")["observedGeneration"], lambda generation: generation == 2)
    assert world.secret("db").metadata.resource_version == version

    with pytest.raises(kubernetes.client.ApiException, match="field is immutable"):
        world.patch_secret("db", {"type": "CustomType"})
    for name in ("with_underscore", "WithCapitals"):
        with pytest.raises(kubernetes.client.ApiException, match="Invalid"):
            world.item(name, "vaults/v/items/db")

    world.connect.edit("v", "db", remove_fields=["username", "host"], fields={"password": "canary-changed"})
    world.wait_data("db", {"password": b"canary-changed"})
    world.wait_data("custom", {"password": b"canary-changed"})

    world.delete_item("db")
    world.wait_no_secret("db")
    listed = world.observer.custom.list_namespaced_custom_object("onepassword.com", "v1", world.namespace, "onepassworditems")
    assert [item["metadata"]["name"] for item in listed["items"]] == ["custom"]
