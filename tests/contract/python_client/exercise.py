"""Calls every method of the official Connect client for Python against a server and prints what came back, one JSON object per line.

It decides nothing: tests/contract/test_official_clients.py knows the seed and compares. It runs in an environment of its own, because the
client needs an older python-dateutil than the rest of the tests. `python exercise.py sync` or `async`; arguments come from the environment.
"""

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onepasswordconnectsdk
from onepasswordconnectsdk.client import AsyncClient, Client, new_client, new_client_from_environment
from onepasswordconnectsdk.errors import OnePasswordConnectSDKError
from onepasswordconnectsdk.models import Field, FieldSection, GeneratorRecipe, Item, ItemUrls, ItemVault, Section

HOST, VAULT, ITEM, FILE, FOLDER = (os.environ[name] for name in ("OP_CONNECT_HOST", "TEST_VAULT", "TEST_ITEM", "TEST_FILE", "TEST_FOLDER"))
PLUMBING = {"create_session", "build_headers", "build_request", "deserialize", "sanitize_for_serialization"}


def plain(value: Any) -> Any:
    """Models as dictionaries."""
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


async def record(call: str, ask: Callable[[], Any]) -> Any:
    """Ask, print what came back, and return it."""
    result, error = None, None
    try:
        result = ask()
        if inspect.isawaitable(result):
            result = await result
    except OnePasswordConnectSDKError as raised:
        result = None
        error = {"type": type(raised).__name__, "status": getattr(raised, "status_code", None), "message": str(raised)}
    shown = result.decode() if isinstance(result, bytes) else plain(result)
    print(json.dumps({"call": call, "result": shown, "error": error}, default=str), flush=True)
    return result


def downloads() -> dict[str, str]:
    """What lies in the folder for downloads."""
    return {path.name: path.read_text() for path in Path(FOLDER).iterdir()}


def draft(title: str) -> Item:
    """An item as a program that uses the client makes it."""
    recipe = GeneratorRecipe(length=20, character_sets=["DIGITS"], exclude_characters="01")
    fields = [
        Field(purpose="USERNAME", value="fake-user"),
        Field(purpose="PASSWORD", type="CONCEALED", generate=True, recipe=recipe),
        Field(label="host", type="STRING", section=FieldSection(id="more"), value="new.example"),
    ]
    return Item(
        title=title,
        category="LOGIN",
        vault=ItemVault(id=VAULT),
        tags=["b", "a"],
        urls=[ItemUrls(primary=True, href="https://new.example")],
        sections=[Section(id="more", label="more")],
        fields=fields,
    )


async def read(client: Client | AsyncClient) -> None:
    """Everything that only reads."""
    await record("get_vaults", client.get_vaults)
    await record("get_vault", lambda: client.get_vault(VAULT))
    await record("get_vault_by_title", lambda: client.get_vault_by_title("official clients"))
    await record("get_items", lambda: client.get_items(VAULT))
    await record("get_items: filtered", lambda: client.get_items(VAULT, 'tag eq "k8s"'))
    await record("get_item", lambda: client.get_item("web login", "Official Clients"))
    await record("get_item: a title like an ID", lambda: client.get_item("twentysixlettersinthistitl", VAULT))
    await record("get_item_by_id", lambda: client.get_item_by_id(ITEM, VAULT))
    await record("get_item_by_title", lambda: client.get_item_by_title("web login", VAULT))
    await record("get_files", lambda: client.get_files(ITEM, VAULT))
    await record("get_file", lambda: client.get_file(FILE, ITEM, VAULT))
    await record("get_file_content", lambda: client.get_file_content(FILE, ITEM, VAULT))
    await record("download_file", lambda: client.download_file(FILE, ITEM, VAULT, FOLDER))
    await record("downloaded", downloads)


async def write(client: Client | AsyncClient) -> None:
    """Create, update, delete."""
    created = await record("create_item", lambda: client.create_item(VAULT, draft("from python")))
    created.title, created.tags = "from python, changed", None
    await record("update_item", lambda: client.update_item(created.id, VAULT, created))
    await record("delete_item", lambda: client.delete_item(created.id, VAULT))


async def fail(client: Client | AsyncClient) -> None:
    """One call for each status that the client's errors are about."""
    is_async = isinstance(client, AsyncClient)
    stranger, reader, wrong = (
        new_client(HOST, token, is_async) for token in (os.environ["TEST_OTHER_TOKEN"], os.environ["TEST_READ_TOKEN"], "not a token")
    )
    large = Item(category="SECURE_NOTE", vault=ItemVault(id=VAULT), fields=[Field(purpose="NOTES", value="x" * 100_000)])
    await record("error 400", lambda: client.get_vault_by_title('a"b'))
    await record("error 401", wrong.get_vaults)
    await record("error 403", lambda: stranger.get_item_by_id(ITEM, VAULT))
    await record("error 403 for a write", lambda: reader.create_item(VAULT, draft("refused")))
    await record("error 404", lambda: client.get_item_by_id("a" * 26, VAULT))
    await record("error 413", lambda: client.create_item(VAULT, large))
    await close(stranger, reader, wrong)


async def close(*clients: Client | AsyncClient) -> None:
    """What the asynchronous client leaves to its user."""
    for client in clients:
        if isinstance(client, AsyncClient):
            await client.session.aclose()


# Filled by the client from what the annotations say; written out, because this file's own annotations are not evaluated.
TAGS = {"user": 'opitem:"web login" opfield:.username', "port": 'opitem:"web login" opfield:network.port'}
Config = type("Config", (), {"__annotations__": TAGS})


async def load(client: Client) -> None:
    """Configuration from items; the client has it for its synchronous form only."""
    tags = {
        "user": {"opitem": "web login", "opfield": ".username"},
        "port": {"opitem": "web login", "opfield": "network.port", "opvault": VAULT},
    }
    await record("load_dict", lambda: onepasswordconnectsdk.load_dict(client, tags))
    await record("load", lambda: vars(onepasswordconnectsdk.load(client, Config())))


async def main(kind: str) -> None:
    """The whole tour with one kind of client."""
    os.environ["OP_CONNECT_CLIENT_ASYNC"] = str(kind == "async")
    client = new_client_from_environment()
    methods = {name for name, _ in inspect.getmembers(type(client), inspect.isfunction) if not name.startswith("_")}
    print(json.dumps({"call": "methods", "result": sorted(methods - PLUMBING), "error": None}))
    await read(client)
    await write(client)
    if isinstance(client, Client):
        await load(client)
    await fail(client)
    await close(client)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
