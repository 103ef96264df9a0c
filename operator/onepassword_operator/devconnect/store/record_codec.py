"""Writes stored changes as JSON and reads them back.

The bytes of files stay outside, under their digest.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from onepassword_operator.devconnect import ids, json_codec
from onepassword_operator.devconnect.items.records import Item, ItemContent, Json, StoredFile, Vault
from onepassword_operator.devconnect.store.contents import Change


def encode(change: Change) -> bytes:
    """Write a change."""
    vault = None if change.vault is None else dataclasses.asdict(change.vault)
    item = None if change.item is None else _item(change.item)
    return json_codec.encode(
        {"vault_id": change.vault_id, "vault": vault, "item_id": change.item_id, "item": item}
    )


def decode(record: bytes, *, load_file: Callable[[str], bytes]) -> Change:
    """Read a change; the digest of each file is exchanged for its bytes.

    KeyError, TypeError or ValueError if it is no change.
    """
    shape = json_codec.decode(record)
    return Change(
        vault_id=shape["vault_id"],
        vault=None if shape["vault"] is None else Vault(**shape["vault"]),
        item_id=shape["item_id"],
        item=None if shape["item"] is None else _read_item(shape["item"], load_file),
    )


def _item(item: Item) -> Json:
    shape: Json = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    shape["content"] = {
        field.name: getattr(item.content, field.name) for field in dataclasses.fields(item.content)
    }
    shape["files"] = [
        {
            "id": file.id,
            "name": file.name,
            "section": file.section,
            "digest": ids.digest(file.content),
        }
        for file in item.files
    ]
    return shape


def _read_item(shape: Json, load_file: Callable[[str], bytes]) -> Item:
    files = tuple(
        StoredFile(
            id=file["id"],
            name=file["name"],
            section=file["section"],
            content=load_file(file["digest"]),
        )
        for file in shape["files"]
    )
    return Item(**{**shape, "content": ItemContent(**_tuples(shape["content"])), "files": files})


def _tuples(content: Json) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
