"""From one release to another and back: no value is written, no workload restarts, nothing is lost."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.fixtures import MakeWorld
from harness.world import PREFIX, World

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
OPERATOR = ROOT / "operator"
FORMER = "cf3e6c9"
"""The build before the one that this repository holds; set it to the last release's tag once there is one."""
COPIES = 25
TLS = {"tls.crt": "canary-certificate", "tls.key": "canary-private-key"}


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of the former release's operator."""
    packed = subprocess.run(["git", "archive", FORMER, "operator"], cwd=ROOT, capture_output=True, check=False)
    if packed.returncode:
        pytest.skip(f"the history of {ROOT} lacks {FORMER}: clone the repository with its history")
    directory = tmp_path_factory.mktemp("former")
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(directory, filter="data")
    return directory / "operator"


def items(number: int) -> Iterator[dict[str, Any]]:
    yield {"title": f"by-title-{number}", "fields": {"password": "canary-title-1"}}
    yield {"title": f"by-id-{number}", "fields": {"password": "canary-id-1"}}
    yield {"title": f"tls-{number}", "fields": TLS}
    yield {"title": f"odd-{number}", "fields": {"password": "canary-odd-1", "..": "canary-odd-2"}}
    yield {"title": f"renamed-{number}", "fields": {"password": "canary-renamed-1"}}
    yield {"title": f"asked-{number}", "fields": {"password": "canary-asked-1"}}
    yield {"title": f"shared-{number}", "fields": {"password": "canary-shared-1"}}
    yield {"title": f"paused-{number}", "fields": {"password": "canary-paused-1"}}


def settle(world: World) -> list[str]:
    """Make a resource for each item; return the names of the Secrets."""
    names = [item["title"] for number in range(COPIES) for item in items(number)]
    for name in names:
        kind = name.rpartition("-")[0]
        vault, item = world.connect.ids("v", name) if kind == "by-id" else ("v", name)
        path = f"vaults/{vault}/items/{item}"
        if kind in {"asked", "shared"}:
            world.deployment(f"asks-{name}", name, annotations={"item-path": path, "item-name": name})
        if kind != "asked":
            world.item(name, path, **({"type": "kubernetes.io/tls"} if kind == "tls" else {}))
    world.wait_ready(*(name for name in names if not name.startswith("asked-")), timeout=90)
    for number in range(COPIES):
        world.connect.edit("v", f"renamed-{number}", title=f"another name {number}")
        world.patch_item(f"paused-{number}", {"metadata": {"annotations": {PREFIX + "suspend": "true"}}})
    world.connect.wait_polls(4)
    return names


def states(world: World, names: list[str]) -> dict[str, Any]:
    secrets = {name: world.secret(name) for name in names}
    apps = world.observer.apps.list_namespaced_deployment(world.namespace).items
    return {
        "secrets": {name: (s.metadata.uid, s.metadata.resource_version, s.type, s.data) for name, s in secrets.items()},
        "rollouts": {each.metadata.name: each.metadata.generation for each in apps},
    }


def shaped(world: World) -> list[str]:
    """Make resources that the former release can't read, and return the names of their Secrets."""
    for number in range(COPIES):
        path = f"vaults/v/items/by-title-{number}"
        items = [{"itemPath": path, "prefix": "A_"}, {"itemPath": f"op://v/tls-{number}"}]
        world.item(
            f"shaped-{number}", spec={"items": items, "exclude": ["tls.*"], "target": {"name": f"target-{number}"} if number % 2 else {}}
        )
        world.deployment(f"uses-shaped-{number}", f"target-{number}" if number % 2 else f"shaped-{number}")
    world.wait_ready(*(f"shaped-{number}" for number in range(COPIES)), timeout=90)
    return [f"target-{number}" if number % 2 else f"shaped-{number}" for number in range(COPIES)]


def test_secrets_of_every_kind_stay_as_they_are(make_world: MakeWorld, former: Path) -> None:
    world = make_world({"vaults": [{"name": "v", "items": [item for number in range(COPIES) for item in items(number)]}]})
    world.operator(PYTHONPATH=str(former))
    names = settle(world)
    before = states(world, names)
    world.restart(PYTHONPATH=str(OPERATOR))
    world.connect.wait_polls(3)
    assert states(world, names) == before
    names += shaped(world)
    before = states(world, names)
    world.restart(PYTHONPATH=str(former))
    for number in range(COPIES):
        world.wait_reason(f"shaped-{number}", "InvalidItemPath")
    world.connect.wait_polls(3)
    assert states(world, names) == before
    world.restart(PYTHONPATH=str(OPERATOR))
    world.wait_ready(*(f"shaped-{number}" for number in range(COPIES)), timeout=90)
    world.connect.wait_polls(3)
    assert states(world, names) == before
    log = world.log.read_text()
    assert all(words in log for words in ("sweep done", "resync done"))  # each release ran: these are its words
    world.connect.edit("v", "asked-0", fields={"password": "canary-asked-2"})
    world.wait_data("asked-0", {"password": b"canary-asked-2"})
    world.connect.edit("v", "by-title-1", fields={"password": "canary-title-2"})
    world.wait_data("target-1", {"A_password": b"canary-title-2"})
    world.rollouts("asks-asked-0", 2)
    world.rollouts("uses-shaped-1", 2)
    world.no_marks()
    after = states(world, names)
    assert {name for name in names if after["secrets"][name] != before["secrets"][name]} == {"asked-0", "by-title-1", "target-1"}
