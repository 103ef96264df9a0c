"""Odd items come out as they went in, whoever reads them: Connect's API, the official client, this operator's; and so they become Secrets.

What goes in, goes in through the official Python client, except for files, which Connect does not take.
"""

import asyncio
import base64
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from contract.odd_items import FILES, ITEMS
from contract.official_clients import tool
from dropin import reference_mapping as reference
from harness.connect_process import ConnectProcess
from harness.fixtures import MakeWorld
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.client import ConnectSource
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.item import Item, ItemSummary, Vault
from onepassword_operator.rules.contents.item_to_data import render
from onepassword_operator.rules.pick_item import pick_item

VAULT = Vault(id="v", name="Odd", content_version=1, attribute_version=1, items=1, created_at="", updated_at="")
SEED = {"vaults": [{"name": "Odd", "items": []}]}
CARRY = Path(__file__).parent / "python_client" / "carry.py"


def carry(connect: ConnectProcess, folder: Path) -> dict[str, Any]:
    """Bring the items in through the official client; what it says of each, by what is odd about it."""
    file = folder / "items.json"
    file.write_text(json.dumps(list(ITEMS.values())))
    vault = connect.admin("GET", "vaults")[0]["id"]
    environment = {"OP_CONNECT_HOST": connect.url, "OP_CONNECT_TOKEN": connect.token, "TEST_VAULT": vault, "NO_PROXY": "127.0.0.1"}
    command = [str(tool("connect-sdk/bin/python")), "-W", "error", str(CARRY), str(file)]
    done = subprocess.run(command, env=environment | {"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(ITEMS, map(json.loads, done.stdout.splitlines()), strict=True))


@dataclass
class Odd:
    """A server with the items, and how the official client and this operator's read them."""

    connect: ConnectProcess
    vault: str
    carried: dict[str, Any]
    listed: list[ItemSummary]
    read: dict[str, Item]

    def raw(self, item_id: str) -> Any:
        """An item as Connect delivers it."""
        return self.connect.ask("GET", f"/v1/vaults/{self.vault}/items/{item_id}")


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Odd]:
    folder = tmp_path_factory.mktemp("odd")
    with ConnectProcess(SEED, folder) as connect:
        carried = carry(connect, folder)
        with_files = bring_files(connect)
        vault = connect.admin("GET", "vaults")[0]["id"]
        listed, read = asyncio.run(read_all(connect, vault))
        yield Odd(connect, vault, carried | {"files": {"id": with_files}}, listed, read)


def bring_files(connect: ConnectProcess) -> str:
    """One more item, with files; its ID."""
    files = [{"name": name, "content_base64": base64.b64encode(content).decode()} for name, content in FILES.items()]
    shape = {"title": "files", "fields": {"user": "a"}, "files": files}
    return str(connect.admin("POST", "vaults", "Odd", "items", body=shape)["id"])


async def read_all(connect: ConnectProcess, vault: str) -> tuple[list[ItemSummary], dict[str, Item]]:
    """The list and every item, by this operator's client."""
    token = ConnectToken(Confidential(connect.token.encode()))
    async with ConnectSource(host=connect.url, token=token, user_agent="x", observer=lambda *_: None) as source:
        listed = list(await source.list_items(vault))
        return listed, {summary.id: await source.get_item(vault, summary.id) for summary in listed}


def values(fields: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Labels and values; what is absent is empty."""
    return [(field.get("label") or "", field.get("value") or "") for field in fields]


@pytest.mark.parametrize("name", ITEMS)
def test_what_goes_in_through_the_official_client_comes_out_the_same_everywhere(odd: Odd, name: str) -> None:
    given, carried = ITEMS[name], odd.carried[name]
    raw, ours = odd.raw(carried["id"]), odd.read[carried["id"]]
    official = carried["read"]
    assert values(official["fields"]) == values(raw["fields"])
    assert [(field.label, field.value.reveal().decode()) for field in ours.fields] == values(raw["fields"])
    assert (ours.title, ours.version, ours.active) == (raw["title"], raw["version"], True) == (official["title"], 1, True)
    assert list(ours.tags) == (raw.get("tags") or []) == (official["tags"] or []) == sorted(given.get("tags", []))
    assert [url.href.reveal().decode() for url in ours.urls] == [url["href"] for url in raw.get("urls", ())]
    assert [(url["href"], url.get("primary", False)) for url in given.get("urls", ())] == [
        (url.href.reveal().decode(), url.primary) for url in ours.urls
    ]
    kept = [field for field in given["fields"] if field["type"] not in {"DATE", "MONTH_YEAR"} and field["label"]]
    assert set(values(kept)) <= set(values(raw["fields"]))


@pytest.mark.parametrize("name", ITEMS)
def test_it_is_found_by_its_title_whatever_that_is(odd: Odd, name: str) -> None:
    (summary,) = [summary for summary in odd.listed if summary.id == odd.carried[name]["id"]]
    assert summary.title == ITEMS[name]["title"]
    assert pick_item(summary.title, odd.listed, vault=VAULT) == (summary, "")


def test_the_official_client_does_not_find_every_title(odd: Odd) -> None:
    """Which is why no filter is sent."""
    lost = {name for name in ITEMS if odd.carried[name]["found"] != odd.carried[name]["id"]}
    assert lost == {"quotes and backslashes"}


def test_dates_codes_and_keys_are_what_connect_makes_of_them(odd: Odd) -> None:
    def of(name: str) -> dict[str, str]:
        return {field.label: field.value.reveal().decode() for field in odd.read[odd.carried[name]["id"]].fields}

    assert of("dates") == {"since": "1709164800", "until": "203107"}
    assert of("a one-time password")["one-time password"].startswith("otpauth://totp/")
    assert of("an SSH key")["private key"].startswith("-----BEGIN PRIVATE KEY-----\n")


def test_files_of_any_name_come_out_byte_for_byte(odd: Odd) -> None:
    item = odd.read[odd.carried["files"]["id"]]
    assert {file.name: file.content.reveal() for file in item.files} == FILES


@pytest.mark.parametrize("name", [*ITEMS, "files"])
def test_its_data_are_what_the_official_operator_would_write(odd: Odd, name: str) -> None:
    item_id = odd.carried[name]["id"]
    possible = expected(odd.raw(item_id))
    rendered = render(odd.read[item_id], allow_empty=False)
    assert {key.encode() for key in rendered.data} == set(possible)
    assert all(value.reveal() in possible[key.encode()] for key, value in rendered.data.items())


def expected(raw: Any) -> reference.Outcomes:
    """What the official operator's steps give, without the keys for which the API server refuses the Secret."""
    contents = {file["id"]: FILES[file["name"]] for file in raw.get("files") or ()}
    made = reference.build_secret_data(json.dumps(raw).encode(), contents=contents, allow_empty=False)
    return {key: values for key, values in made.items() if reference.is_config_map_key(key)}


def test_an_archived_item_is_left_out_of_lists_and_says_so_itself(odd: Odd) -> None:
    archived = odd.connect.admin("POST", "vaults", "Odd", "items", body={"title": "archived", "state": "ARCHIVED"})["id"]
    listed, _ = asyncio.run(read_all(odd.connect, odd.vault))
    assert archived not in {summary.id for summary in listed}
    token = ConnectToken(Confidential(odd.connect.token.encode()))

    async def read() -> Item:
        async with ConnectSource(host=odd.connect.url, token=token, user_agent="x", observer=lambda *_: None) as source:
            return await source.get_item(odd.vault, archived)

    assert not asyncio.run(read()).active


@pytest.mark.cluster
def test_they_become_the_secrets_that_the_official_operator_would_make(make_world: MakeWorld, tmp_path: Path) -> None:
    world = make_world(SEED)
    carried = carry(world.connect, tmp_path)
    bring_files(world.connect)
    ids = {f"odd-{number}": one["id"] for number, one in enumerate(carried.values())}
    ids["odd-files"] = world.connect.ids("Odd", "files")[1]
    world.operator()
    for resource, item_id in ids.items():
        world.item(resource, f"vaults/Odd/items/{item_id}")
    world.wait_ready(*ids)
    vault = world.connect.admin("GET", "vaults")[0]["id"]
    for resource, item_id in ids.items():
        data = world.data(resource) or {}
        possible = expected(world.connect.ask("GET", f"/v1/vaults/{vault}/items/{item_id}"))
        assert {key.encode() for key in data} == set(possible), resource
        assert all(value in possible[key.encode()] for key, value in data.items()), resource
