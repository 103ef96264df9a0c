"""docs/secret-types.md, followed: its items and resources give Secrets of these types, with the keys of its table."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.fixtures import MakeWorld

pytestmark = pytest.mark.cluster

PAGE = (Path(__file__).parents[2] / "docs" / "secret-types.md").read_text()


def blocks(first: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(text) for text in re.findall(rf"^(    {first}:.*\n(?:    .*\n)+)", PAGE, re.MULTILINE)]


def test_every_secret_of_the_page_comes_out_as_the_page_says(make_world: MakeWorld) -> None:
    rows = re.findall(r"^\| `(\S+)` \| (.+?) \|", PAGE, re.MULTILINE)
    needs = {kind: set(re.findall(r"`([^`]+)`", keys)) for kind, keys in rows}
    resources = {each["metadata"]["name"]: each for each in blocks("apiVersion")}
    world = make_world(blocks("vaults")[0]).begin()
    for name, each in resources.items():
        world.item(name, each["spec"]["itemPath"], **({"type": each["type"]} if "type" in each else {}))
    world.wait_ready(*resources)
    secrets = {name: world.secret(name) for name in resources}
    assert {secret.type for secret in secrets.values()} == needs.keys()
    for name, secret in secrets.items():
        assert secret.type == resources[name].get("type", "Opaque")
        assert needs[secret.type] <= secret.data.keys()
    assert world.data("shop-files") == {
        "ca.pem": b"example-authority-of-two-lines\nexample-end\n",
        "settings.toml": b"[example]\nsettings-of-the-shop = true\n",
    }
