"""The pod template of a workload, and the Secrets that its pods use.

A pod uses Secrets in variables, volumes of every type, projections and image pull secrets. The API
server has checked the types of the members, which may be absent or null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from onepassword_operator.model import bounds
from onepassword_operator.wire.metadata import NoList, NoObject, texts


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


class _Metadata(msgspec.Struct, gc=False):
    annotations: object = None


class PodTemplate(msgspec.Struct, gc=False):
    """The members of a pod template that annotate its pods or use Secrets."""

    metadata: _Metadata | None = None
    spec: _Pod | None = None

    def annotations(self) -> dict[str, str]:
        """Return the annotations that the pods get."""
        return texts(self.metadata.annotations if self.metadata else None)

    def secrets(self) -> frozenset[str]:
        """Return the names of the Secrets that the pods use; of too many, the first ones."""
        found: set[str] = set()
        for name in filter(None, _of_pod(self.spec) if self.spec else ()):
            found.add(name)
            if len(found) > bounds.SECRETS_OF_A_WORKLOAD:
                break
        return frozenset(found)


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
