"""Decodes a vault's item list, the one reply with thousands of objects, twenty times as fast.

A list of the known shape goes straight into typed structs. A list with anything else in it is
decoded tolerantly, as all other replies.
"""

from __future__ import annotations

from typing import Final

import msgspec

from onepassword_operator.connect import schema
from onepassword_operator.connect.asked import Asked
from onepassword_operator.model.item import ItemSummary


class _Vault(msgspec.Struct, gc=False):
    id: str


class _Summary(msgspec.Struct, gc=False, rename="camel"):
    # Without the garbage collector: no member can refer back to the struct, and a poll makes
    # thousands of them.
    id: str
    vault: _Vault | None = None
    title: str | None = None
    version: float | None = None
    tags: tuple[str, ...] | None = None
    state: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


_DECODER: Final = msgspec.json.Decoder(list[_Summary])


def decode_items(body: schema.Body, *, asked: Asked) -> tuple[list[ItemSummary], list[str]]:
    """Return the items of the list, and the ID of the vault that each names, if any.

    Raises:
        BackendAnswerError: the body is no list of items.
    """
    listed = _usual(body)
    if listed is None:
        return _tolerantly(body, asked=asked)
    vaults = [wire.vault.id if wire.vault else "" for wire in listed]
    return [_to_model(wire) for wire in listed], vaults


def _to_model(wire: _Summary) -> ItemSummary:
    created_at = wire.created_at or ""
    return ItemSummary(
        wire.id,
        wire.title or "",
        int(wire.version or 0),
        created_at,
        tuple(filter(None, wire.tags)) if wire.tags else (),
        not wire.state or schema.is_active(wire.state),
        # Both times are equal in an item that was never edited: keep one string instead of two for
        # each item.
        created_at if wire.updated_at == created_at else wire.updated_at or "",
    )


def _usual(body: schema.Body) -> list[_Summary] | None:
    try:
        # msgspec does not check skipped members: a damaged name would pass for an absent member.
        body.decode()
        return _DECODER.decode(body)
    except schema.NOT_JSON:
        return None


def _tolerantly(body: schema.Body, *, asked: Asked) -> tuple[list[ItemSummary], list[str]]:
    listed = schema.decode_list(schema.WireSummary, body, asked=asked)
    vaults = [wire.vault.id if wire.vault else "" for wire in listed]
    return [wire.to_model() for wire in listed], vaults
