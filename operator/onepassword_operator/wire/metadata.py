"""The metadata of every Kubernetes object, and the readers of members that may have any type.

The members that identify an object are typed; without them it is no object. The others are `object`
until a reader has looked at them, so that one odd member does not make a whole list unreadable.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from onepassword_operator.model import names

Undecodable: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
"""Errors of decoding: the bytes are not JSON, or JSON of another shape."""

Scalar = str | int | float | bool | None
NoObject = Scalar | list[object]
"""In a union with a struct, it decodes whatever else may stand there."""
NoList = Scalar | dict[str, object]
"""The same, for a union with a list."""

_SHOWN: Final = 253
_FINALIZERS: Final = frozenset({names.OFFICIAL_FINALIZER, names.ORPHAN_FINALIZER})

Struct = TypeVar("Struct", bound=msgspec.Struct)


class ObjectMeta(msgspec.Struct, rename="camel", gc=False):
    """An object's `metadata`."""

    name: str
    uid: str
    resource_version: int
    namespace: str = ""
    generation: object = None
    creation_timestamp: object = None
    deletion_timestamp: object = None
    labels: object = None
    annotations: object = None
    finalizers: object = None
    owner_references: object = None


def decoder(kind: type[Struct]) -> msgspec.json.Decoder[Struct]:
    """Make a decoder that reads a resourceVersion, a number in a string, as `int`."""
    return msgspec.json.Decoder(kind, strict=False)


def converted(raw: object, kind: type[Struct]) -> Struct:
    """Read a struct from a dict, by the same rules as from bytes."""
    return msgspec.convert(raw, kind, strict=False)


def texts(found: object) -> dict[str, str]:
    """Read labels or annotations, without the entries that are no text."""
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}


def strings(found: object) -> tuple[str, ...]:
    """Read a list of names, without the entries that are no text."""
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def known_finalizers(found: object) -> tuple[str, ...]:
    """Read the finalizers that decide anything here: others may be thousands."""
    return tuple(each for each in strings(found) if each in _FINALIZERS)


def controller(found: object) -> str:
    """Read the kind and name of the controller among ownerReferences; empty if there is none."""
    for owner in found if isinstance(found, list) else ():
        if isinstance(owner, dict) and owner.get("controller") is True:
            kind, name = text_of(owner.get("kind")), text_of(owner.get("name"))
            return f'{kind[:_SHOWN]} "{name[:_SHOWN]}"'
    return ""


def text_of(found: object) -> str:
    """Read a member as text; a value of another type is shown as it is, and null is empty."""
    return found if isinstance(found, str) else "" if found is None else str(found)
