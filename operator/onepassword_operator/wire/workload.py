"""A workload as JSON → a workload: the Secrets that it uses, and those that it asks for.

It uses the Secrets that it asks for, those that an annotation names, and all in its pod template.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from onepassword_operator.model import names
from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import DEPLOYMENT, KINDS, WorkloadKind
from onepassword_operator.rules.secret import workload_claim
from onepassword_operator.wire.metadata import (
    NoObject,
    ObjectMeta,
    controller,
    converted,
    decoder,
    known_finalizers,
    text_of,
    texts,
)
from onepassword_operator.wire.pod_template import PodTemplate

_READ: Final = (names.USES_SECRETS, names.ITEMS, names.RESTART_AT_ONCE)
"""Annotations of a workload under the prefix of this operator."""


class _Object(msgspec.Struct, gc=False):
    metadata: ObjectMeta


class _Strategy(msgspec.Struct, gc=False):
    type: object = None


class _Reference(msgspec.Struct, gc=False):
    kind: object = None
    name: object = None


class _Spec(msgspec.Struct, rename="camel", gc=False):
    replicas: object = None
    paused: object = None
    workload_ref: _Reference | NoObject = None
    update_strategy: _Strategy | NoObject = None


def _struct(kind: WorkloadKind) -> type[_Object]:
    outermost, *within = kind.template
    held: Any = PodTemplate
    for member in reversed(within):
        # The outermost of these is the object's `spec`.
        bases = (_Spec,) if member == within[0] else ()
        held = msgspec.defstruct("_Within", [(member, held | None, None)], bases=bases, gc=False)
    members: list[Any] = [(outermost, held | None, None)]
    return cast(type[_Object], msgspec.defstruct("_Kind", members, bases=(_Object,), gc=False))


_STRUCTS: Final = {name: _struct(row) for name, row in KINDS.items()}
_DECODERS: Final = {name: decoder(struct) for name, struct in _STRUCTS.items()}


def from_json(raw: bytes | bytearray, kind: WorkloadKind = DEPLOYMENT) -> Workload:
    """Read an object of a kind from a GET or a LIST item."""
    return _workload(_DECODERS[kind.kind].decode(raw), kind)


def from_dict(raw: Mapping[str, Any], kind: WorkloadKind = DEPLOYMENT) -> Workload:
    """Read an object of a kind from a watch event of kopf's."""
    return _workload(converted(raw, _STRUCTS[kind.kind]), kind)


def _ours(annotations: dict[str, str]) -> dict[str, str]:
    # The others say nothing about Secrets or restarts, and kubectl's repeats the whole object.
    return {
        name: value for name, value in annotations.items() if names.PREFIX in name or name in _READ
    }


def _finalizers(metadata: ObjectMeta, kind: WorkloadKind) -> tuple[str, ...]:
    known = known_finalizers(metadata.finalizers)
    if kind.has_official_finalizer:
        return known
    return tuple(each for each in known if each != names.OFFICIAL_FINALIZER)


def _template_of(spec: _Spec) -> str:
    found = spec.workload_ref
    if isinstance(found, _Reference) and found.kind == DEPLOYMENT.kind:
        return text_of(found.name)
    return ""


def _left_to_do(spec: _Spec) -> str:
    if spec.paused is True:
        return "it is paused, so its pods are replaced once it is resumed"
    if isinstance(spec.update_strategy, _Strategy) and spec.update_strategy.type == "OnDelete":
        return "its update strategy is OnDelete, so delete its pods to have them replaced"
    return ""


def _workload(found: _Object, kind: WorkloadKind) -> Workload:
    metadata, within = found.metadata, cast(Any, found)
    spec: _Spec = getattr(found, kind.template[0], None) or _Spec()
    for member in kind.template:
        within = getattr(within, member, None)
    template: PodTemplate = within or PodTemplate()
    annotations = _ours(texts(metadata.annotations))
    on_template = _ours(template.annotations())
    named = workload_claim.named(annotations, on_template)
    secrets = workload_claim.used(annotations, shown=template.secrets())
    workload = Workload(
        kind=kind,
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
        created_at=text_of(metadata.creation_timestamp),
        annotations=annotations,
        template_annotations=on_template,
        secrets=secrets | named,
        terminating=bool(metadata.deletion_timestamp),
        finalizers=_finalizers(metadata, kind),
        controller=controller(metadata.owner_references),
        template_of=_template_of(spec),
        has_no_pods=spec.replicas == 0,
        left_to_do=_left_to_do(spec),
    )
    claims = workload_claim.claims(workload)
    advice: tuple[str, ...] = ()
    if workload.speaks_for_itself:
        advice = workload_claim.advice(annotations, on_template, kind=kind, secrets=secrets)
    if claims or advice:
        workload = dataclasses.replace(workload, claims=claims, advice=advice)
    return workload
