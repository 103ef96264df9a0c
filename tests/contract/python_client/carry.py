"""Creates the items of a JSON file through the official Connect client for Python, reads them back by it, and prints both, one item a line.

It decides nothing: tests/contract/test_odd_items.py knows the items and compares. It runs in an environment of its own, as exercise.py
does. `python carry.py FILE`; arguments come from the environment.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from onepasswordconnectsdk.client import new_client_from_environment
from onepasswordconnectsdk.errors import OnePasswordConnectSDKError
from onepasswordconnectsdk.models import Field, FieldSection, Item, ItemUrls, ItemVault, Section

VAULT = os.environ["TEST_VAULT"]


def field(given: dict[str, Any]) -> Field:
    """A field as the client writes it."""
    section = given.pop("section", None)
    return Field(**given, section=FieldSection(id=section) if section is not None else None)


def item(given: dict[str, Any]) -> Item:
    """An item as the client writes it."""
    return Item(
        title=given["title"],
        category=given.get("category", "LOGIN"),
        vault=ItemVault(id=VAULT),
        tags=given.get("tags"),
        urls=[ItemUrls(**url) for url in given.get("urls", ())],
        sections=[Section(**section) for section in given.get("sections", ())],
        fields=[field(dict(one)) for one in given["fields"]],
    )


def main(file: str) -> None:
    """Write, read, print."""
    client = new_client_from_environment()
    for given in json.loads(Path(file).read_text()):
        created = client.create_item(VAULT, item(given))
        read = client.get_item_by_id(created.id, VAULT)
        try:
            found = client.get_item_by_title(given["title"], VAULT).id
        except OnePasswordConnectSDKError:
            found = None
        shown = {"id": created.id, "created": created.to_dict(), "read": read.to_dict(), "found": found}
        print(json.dumps(shown, default=str), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
