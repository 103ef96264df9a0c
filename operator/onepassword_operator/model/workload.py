"""Workloads that consume Secrets, reduced to what a restart decision needs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from onepassword_operator.model import names
from onepassword_operator.model.item import Revision


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A Deployment: which Secrets its pods read, and how its pod template is marked."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    created_at: str
    annotations: Mapping[str, str]
    template_annotations: Mapping[str, str]
    secrets: frozenset[str]
    terminating: bool = False

    @classmethod
    def from_object(cls, raw: Mapping[str, Any]) -> Workload:
        """Read a Deployment object."""
        metadata, template = raw["metadata"], raw.get("spec", {}).get("template") or {}
        annotations = metadata.get("annotations") or {}
        named = annotations.get(names.PREFIX + "item-name")
        pod = template.get("spec") or {}
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            created_at=metadata.get("creationTimestamp") or "",
            annotations=dict(annotations),
            template_annotations=dict((template.get("metadata") or {}).get("annotations") or {}),
            secrets=frozenset({*_secrets_of_pod(pod), *([named] if named else [])}),
            terminating=bool(metadata.get("deletionTimestamp")),
        )


def _secrets_of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    for container in (*(pod.get("containers") or ()), *(pod.get("initContainers") or ())):
        yield from _secrets_of_container(container)
    for volume in pod.get("volumes") or ():
        yield from _secrets_of_volume(volume)


def _secrets_of_container(container: Mapping[str, Any]) -> Iterator[str]:
    for variable in container.get("env") or ():
        if name := ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name"):
            yield name
    for source in container.get("envFrom") or ():
        if name := (source.get("secretRef") or {}).get("name"):
            yield name


def _secrets_of_volume(volume: Mapping[str, Any]) -> Iterator[str]:
    if name := (volume.get("secret") or {}).get("secretName"):
        yield name
    for source in (volume.get("projected") or {}).get("sources") or ():
        if name := (source.get("secret") or {}).get("name"):
            yield name


@dataclasses.dataclass(frozen=True, slots=True)
class RestartMark:
    """The pending-restart mark of a Secret: users of it that run an older revision are due. `time` is the API server's, RFC 3339 UTC."""

    revision: Revision
    time: str

    def __str__(self) -> str:
        return f"{self.revision}@{self.time}"

    @classmethod
    def parse(cls, text: str | None) -> RestartMark | None:
        """The inverse of `str`; None for anything else."""
        revision_text, _, time = (text or "").rpartition("@")
        revision = Revision.parse(revision_text)
        return cls(revision, time) if revision and time else None
