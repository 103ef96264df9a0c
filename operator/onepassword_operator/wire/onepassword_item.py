"""A OnePasswordItem as JSON → a claim on a Secret.

Its CRD may have no schema, so spec, type and status may hold anything.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from onepassword_operator.model import bounds, names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, Rendering, copied_annotations
from onepassword_operator.model.text import is_true
from onepassword_operator.rules.secret import annotations as advice
from onepassword_operator.wire import recipe
from onepassword_operator.wire.metadata import (
    NoList,
    NoObject,
    ObjectMeta,
    converted,
    decoder,
    known_finalizers,
    text_of,
    texts,
)

_NOTHING: Final[Mapping[str, str]] = {}


class _Condition(msgspec.Struct, rename="camel", gc=False):
    type: object = None
    status: object = None
    reason: object = None
    message: object = None
    last_transition_time: object = None
    observed_generation: object = None


class _Status(msgspec.Struct, gc=False):
    conditions: list[_Condition | NoObject] | NoList = None


class _Resource(msgspec.Struct, gc=False):
    metadata: ObjectMeta
    spec: dict[str, object] | NoObject = None
    type: object = None
    status: _Status | NoObject = None


_RESOURCES: Final = decoder(_Resource)


def from_json(raw: bytes | bytearray, rendering: Rendering) -> Claim:
    """Read a OnePasswordItem from a GET, a LIST item or the answer to a write."""
    return _claim(_RESOURCES.decode(raw), rendering)


def from_dict(raw: Mapping[str, Any], rendering: Rendering) -> Claim:
    """Read a OnePasswordItem from a watch event of kopf's."""
    return _claim(converted(raw, _Resource), rendering)


def _claim(found: _Resource, rendering: Rendering) -> Claim:
    metadata, spec = found.metadata, found.spec if isinstance(found.spec, dict) else {}
    annotations = texts(metadata.annotations)
    target = recipe.target(spec)
    labels = texts(metadata.labels) if target.labels is None else target.labels
    copied = copied_annotations(annotations, rendering) | dict(target.annotations)
    size = bounds.characters(labels, copied)
    oversized = size if size > bounds.COPIED_CHARACTERS else 0
    return Claim(
        key=SecretKey(sys.intern(metadata.namespace), target.name or metadata.name),
        name=metadata.name,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
        generation=metadata.generation if isinstance(metadata.generation, int) else 0,
        created_at=text_of(metadata.creation_timestamp),
        item_path=bounds.clipped(text_of(spec.get("itemPath")), bounds.ITEM_PATH_CHARACTERS),
        shaped=recipe.read(spec),
        secret_type=bounds.clipped(text_of(found.type), bounds.TYPE_CHARACTERS) or names.OPAQUE,
        labels=labels if labels and not oversized else _NOTHING,
        annotations=copied if copied and not oversized else _NOTHING,
        oversized=oversized,
        terminating=bool(metadata.deletion_timestamp),
        conditions=_conditions(found.status),
        finalizers=known_finalizers(metadata.finalizers),
        advice=advice.of_resource(annotations),
        suspended=is_true(annotations.get(names.SUSPEND, "")),
        refresh=bounds.clipped(annotations.get(names.REFRESH, ""), bounds.REFRESH_CHARACTERS),
    )


def _conditions(status: _Status | NoObject) -> tuple[Condition, ...]:
    entries = status.conditions if isinstance(status, _Status) else None
    if not isinstance(entries, list):
        return ()
    return tuple(
        _condition(entry if isinstance(entry, _Condition) else _Condition()) for entry in entries
    )


def _condition(found: _Condition) -> Condition:
    # A condition is kept for every resource, and most of its words repeat in all of them. Those of
    # the official operator have neither reason nor observedGeneration.
    generation = found.observed_generation
    return Condition(
        type=sys.intern(text_of(found.type)),
        status=sys.intern(text_of(found.status)),
        reason=sys.intern(text_of(found.reason)),
        message=text_of(found.message),
        last_transition_time=text_of(found.last_transition_time),
        observed_generation=generation if isinstance(generation, int) else None,
    )
