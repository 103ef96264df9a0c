"""Turns stored values into the JSON shapes of the Connect API.

Optional members are left out, never null.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from onepassword_operator.devconnect.items import totp
from onepassword_operator.devconnect.items.records import Item, Json, StoredFile, Vault


def timestamp(at: float) -> str:
    """Write a Unix time as Connect does: RFC 3339, UTC, whole seconds, trailing `Z`."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fine_timestamp(at: float) -> str:
    """Write a Unix time with nanoseconds, as the reply to a creation may."""
    return f"{timestamp(at)[:-1]}.{int(at % 1 * 1_000_000_000):09}Z"


def vault(record: Vault) -> Json:
    """Show a vault object."""
    return {
        "id": record.id,
        "name": record.name,
        "description": record.description,
        "attributeVersion": record.attribute_version,
        "contentVersion": record.content_version,
        "items": record.items,
        "type": record.type,
        "createdAt": timestamp(record.created_at),
        "updatedAt": timestamp(record.updated_at),
    }


def summary(item: Item) -> Json:
    """Show an item as an element of a list: no fields, sections or files, hence no values."""
    content = item.content
    shown: Json = {
        "id": item.id,
        "title": content.title,
        "version": item.version,
        "vault": {"id": item.vault_id},
        "category": content.category,
        "favorite": content.favorite,
        "lastEditedBy": item.last_edited_by,
        "createdAt": timestamp(item.created_at),
        "updatedAt": timestamp(item.updated_at),
    }
    if content.tags:
        shown["tags"] = content.tags
    if content.urls:
        shown["urls"] = content.urls
    if content.state is not None:
        shown["state"] = content.state
    return shown


def full_item(item: Item, *, at: float) -> Json:
    """Show an item with its values and the one-time password of the time `at`."""
    shown = summary(item)
    if item.content.sections:
        shown["sections"] = item.content.sections
    shown["fields"] = [
        _with_code(field, at) if field["type"] == "OTP" else field for field in item.content.fields
    ]
    if item.files:
        shown["files"] = [file_metadata(item, file) for file in item.files]
    return shown


def file_metadata(item: Item, file: StoredFile, *, inline: bool = False) -> Json:
    """Show a file object, with its bytes as base64 when asked inline."""
    shown: Json = {
        "id": file.id,
        "name": file.name,
        "size": len(file.content),
        "content_path": content_path(item, file),
    }
    if file.section is not None:
        shown["section"] = file.section
    if inline:
        shown["content"] = base64.b64encode(file.content).decode()
    return shown


def content_path(item: Item, file: StoredFile) -> str:
    """Name the path of a file's bytes.

    It starts with a slash because clients append it to the host.
    """
    return f"/v1/vaults/{item.vault_id}/items/{item.id}/files/{file.id}/content"


def _with_code(field: Json, at: float) -> Json:
    current = totp.code(field.get("value", ""), at=at)
    return field if current is None else {**field, "totp": current}
