"""A Secret as JSON → an observed Secret."""

from __future__ import annotations

import base64
from typing import Final

import msgspec

from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.secret import ObservedSecret, OwnerReference, SecretKey
from onepassword_operator.wire.metadata import ObjectMeta, strings, text_of, texts


class _SecretMeta(ObjectMeta, rename="camel", gc=False):
    owner_references: object = None


class _Secret(msgspec.Struct, gc=False):
    metadata: _SecretMeta
    type: object = None
    data: dict[str, Confidential] | None = None
    immutable: object = None


def from_json(raw: bytes | bytearray) -> ObservedSecret:
    """Read a Secret from a GET, a LIST item or the answer to a write."""
    found = _SECRETS.decode(raw)
    metadata = found.metadata
    return ObservedSecret(
        key=SecretKey(metadata.namespace, metadata.name),
        uid=metadata.uid,
        resource_version=metadata.resource_version,
        type=text_of(found.type) or names.OPAQUE,
        labels=texts(metadata.labels),
        annotations=texts(metadata.annotations),
        owners=_owners(metadata.owner_references),
        finalizers=strings(metadata.finalizers),
        data=found.data or {},
        immutable=bool(found.immutable),
        terminating=bool(metadata.deletion_timestamp),
    )


def _owners(found: object) -> tuple[OwnerReference, ...]:
    # An entry is written back with all its members, so it is kept as it is.
    entries = found if isinstance(found, list) else []
    return tuple(
        OwnerReference(
            kind=text_of(entry.get("kind")),
            name=text_of(entry.get("name")),
            uid=text_of(entry.get("uid")),
            api_version=text_of(entry.get("apiVersion")),
            raw=entry,
        )
        for entry in entries
        if isinstance(entry, dict)
    )


def _read(kind: type, found: object) -> object:
    # No struct holds a value in the clear, because structs have a repr.
    return _value(found) if kind is Confidential else found


def _value(found: object) -> Confidential:
    # The API server only ever sends valid base64; an empty value arrives as null.
    try:
        return Confidential(base64.b64decode(text_of(found), validate=True))
    except ValueError:
        return Confidential(b"")


_SECRETS: Final = msgspec.json.Decoder(_Secret, strict=False, dec_hook=_read)
