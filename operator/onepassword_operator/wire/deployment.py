"""A workload as JSON → a workload: the Secrets that it uses, and the Secret that it asks for.

It uses the Secret that it asks for, and all Secrets in its pod template: in variables, volumes of
every type, projections and image pull secrets. The API server has checked the types of the pod
template's members, which may be absent or null.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import DEPLOYMENT, KINDS, WorkloadKind
from onepassword_operator.rules.secret import secret_use
from onepassword_operator.wire.metadata import (
    NoList,
    NoObject,
    ObjectMeta,
    converted,
    decoder,
    strings,
    text_of,
    texts,
)


class _Named(msgspec.Struct, gc=False):
    name: str | None = None


class _ValueFrom(msgspec.Struct, rename="camel", gc=False):
    secret_key_ref: _Named | None = None


class _Variable(msgspec.Struct, rename="camel", gc=False):
    value_from: _ValueFrom | None = None


class _Variables(msgspec.Struct, rename="camel", gc=False):
    secret_ref: _Named | None = None


class _Container(msgspec.Struct, rename="camel", gc=False):
    env: list[_Variable] | None = None
    env_from: list[_Variables] | None = None


class _Projection(msgspec.Struct, gc=False):
    secret: _Named | None = None


class _VolumeType(msgspec.Struct, rename="camel", gc=False):
    """A member of a volume, which is a dict of them by type: any type may name a Secret."""

    secret_name: str | None = None
    secret_ref: _Named | None = None
    node_publish_secret_ref: _Named | None = None
    sources: list[_Projection | NoObject] | NoList = None


class _Pod(msgspec.Struct, rename="camel", gc=False):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    volumes: list[dict[str, _VolumeType | NoObject]] | None = None
    image_pull_secrets: list[_Named] | None = None


class _TemplateMeta(msgspec.Struct, gc=False):
    annotations: object = None


class _Template(msgspec.Struct, gc=False):
    metadata: _TemplateMeta | None = None
    spec: _Pod | None = None


class _Object(msgspec.Struct, gc=False):
    metadata: ObjectMeta


def _struct(kind: WorkloadKind) -> type[_Object]:
    outermost, *within = kind.template
    held: Any = _Template
    for member in reversed(within):
        held = msgspec.defstruct("_Within", [(member, held | None, None)], gc=False)
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


def _workload(found: _Object, kind: WorkloadKind) -> Workload:
    metadata, within = found.metadata, cast(Any, found)
    for member in kind.template:
        within = getattr(within, member, None)
    template: _Template = within or _Template()
    annotations = texts(metadata.annotations)
    on_template = texts((template.metadata or _TemplateMeta()).annotations)
    named = secret_use.named(annotations, on_template)
    workload = Workload(
        kind=kind,
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        resource_version=metadata.resource_version,
        created_at=text_of(metadata.creation_timestamp),
        annotations=annotations,
        template_annotations=on_template,
        secrets=frozenset({*named, *_of_pod(template.spec or _Pod())} - {""}),
        terminating=bool(metadata.deletion_timestamp),
        finalizers=strings(metadata.finalizers),
    )
    claim = secret_use.claim(workload)
    return dataclasses.replace(workload, claim=claim) if claim else workload


def _of_pod(pod: _Pod) -> Iterator[str]:
    for container in (*(pod.containers or ()), *(pod.init_containers or ())):
        yield from _of_container(container)
    for volume in pod.volumes or ():
        yield from _of_volume(volume)
    for reference in pod.image_pull_secrets or ():
        yield reference.name or ""


def _of_container(container: _Container) -> Iterator[str]:
    for variable in container.env or ():
        if variable.value_from and variable.value_from.secret_key_ref:
            yield variable.value_from.secret_key_ref.name or ""
    for variables in container.env_from or ():
        if variables.secret_ref:
            yield variables.secret_ref.name or ""


def _of_volume(volume: Mapping[str, _VolumeType | NoObject]) -> Iterator[str]:
    for source in volume.values():
        if isinstance(source, _VolumeType):
            yield source.secret_name or ""
            for reference in (source.secret_ref, source.node_publish_secret_ref):
                yield (reference and reference.name) or ""
            yield from _of_projections(source.sources)


def _of_projections(sources: list[_Projection | NoObject] | NoList) -> Iterator[str]:
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, _Projection) and source.secret:
            yield source.secret.name or ""
