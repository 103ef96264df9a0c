"""A vault's item list, the one reply that is thousands of objects long, read at a twentieth of what reading it tolerantly costs.

What Connect is known to send goes straight into typed structs. A list with anything else in it is read as tolerantly as all other replies.
"""

from __future__ import annotations

from typing import Final

import msgspec

from onepassword_operator.connect import schema
from onepassword_operator.model.item import ItemSummary


class _Vault(msgspec.Struct, gc=False):
    id: str


class _Summary(msgspec.Struct, gc=False, rename="camel"):
    # No containers that could refer back, hence nothing for the garbage collector; a poll makes thousands of these.
    id: str
    vault: _Vault | None = None
    title: str | None = None
    version: float | None = None
    tags: tuple[str, ...] | None = None
    state: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


_DECODER: Final = msgspec.json.Decoder(list[_Summary])


def decode_items(body: schema.Body, *, route: str) -> tuple[list[ItemSummary], set[str]]:
    """The items of the list, and the vaults that they say they are in.

    Raises:
        BackendAnswerError: the body is no such list.
    """
    listed = _usual(body)
    if listed is None:
        return _tolerantly(body, route=route)
    return [_to_model(wire) for wire in listed], {wire.vault.id for wire in listed if wire.vault}


def _to_model(wire: _Summary) -> ItemSummary:
    created_at = wire.created_at or ""
    return ItemSummary(
        wire.id,
        wire.title or "",
        int(wire.version or 0),
        created_at,
        tuple(filter(None, wire.tags)) if wire.tags else (),
        not wire.state or schema.is_active(wire.state),
        # Equal in an item that was never edited: one text instead of two, for each item of a vault.
        created_at if wire.updated_at == created_at else wire.updated_at or "",
    )


def _usual(body: schema.Body) -> list[_Summary] | None:
    try:
        body.decode()  # what is skipped is not looked at, and damage in a member's name would pass for its absence
        return _DECODER.decode(body)
    except schema.NOT_JSON:
        return None


def _tolerantly(body: schema.Body, *, route: str) -> tuple[list[ItemSummary], set[str]]:
    listed = schema.decode_list(schema.WireSummary, body, route=route)
    return [wire.to_model() for wire in listed], {wire.vault.id for wire in listed if wire.vault}
