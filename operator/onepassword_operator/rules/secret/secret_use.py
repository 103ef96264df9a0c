"""A Deployment as JSON → the Secrets that it uses, and the Secret that it asks for by annotation.

A Deployment asks by the official operator's annotations, on itself or, if it has none there, on its
pod template. It uses the Secret that it asks for, and all Secrets in its pod template: in
variables, volumes of every type, projections and image pull secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from onepassword_operator.model import bounds, names
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules.secret.secret_keys import secret_name

_OFFICIAL_ANNOTATION: Final = re.compile(r"operator\.1password\.io/[a-zA-Z.]")
_NO_DEMAND: Final = frozenset({names.AUTO_RESTART, names.LAST_RESTARTED})
_SECRET_REFERENCES: Final = ("secretRef", "nodePublishSecretRef")


def workload(raw: Mapping[str, Any]) -> Workload:
    """Read a Deployment (from a GET, a LIST item or a watch event)."""
    metadata, template = raw["metadata"], (raw.get("spec") or {}).get("template") or {}
    on_template = (template.get("metadata") or {}).get("annotations") or {}
    annotations = metadata.get("annotations") or {}
    named = {secret_name(found.get(names.ITEM_NAME, "")) for found in (annotations, on_template)}
    return Workload(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        created_at=metadata.get("creationTimestamp") or "",
        annotations=dict(annotations),
        template_annotations=dict(on_template),
        secrets=frozenset({*_of_pod(template.get("spec") or {}), *named} - {""}),
        terminating=bool(metadata.get("deletionTimestamp")),
        finalizers=tuple(metadata.get("finalizers") or ()),
        claim=_claim(metadata, on_template),
    )


def _claim(metadata: Mapping[str, Any], on_template: Mapping[str, str]) -> Claim | None:
    demand = _demand(metadata.get("annotations") or {}) or _demand(on_template)
    wanted = secret_name(demand.get(names.ITEM_NAME, ""))
    if not wanted:
        return None
    copied = {key: value for key, value in demand.items() if key not in names.WRITTEN_ON_SECRETS}
    oversized = size if (size := bounds.characters(copied)) > bounds.COPIED_CHARACTERS else 0
    return Claim(
        key=SecretKey(metadata["namespace"], wanted),
        kind=names.DEPLOYMENT,
        name=metadata["name"],
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        generation=0,  # a Deployment's generation counts changes of its pods, not of its request
        created_at=metadata.get("creationTimestamp") or "",
        item_path=bounds.clipped(demand.get(names.ITEM_PATH, ""), bounds.ITEM_PATH_CHARACTERS),
        secret_type=names.OPAQUE,
        labels={},
        annotations={} if oversized else copied,
        oversized=oversized,
        terminating=bool(metadata.get("deletionTimestamp")),
        conditions=(),
        finalizers=tuple(metadata.get("finalizers") or ()),
    )


def _demand(annotations: Mapping[str, str]) -> dict[str, str]:
    return {
        key: value
        for key, value in annotations.items()
        if _OFFICIAL_ANNOTATION.match(key) and key not in _NO_DEMAND
    }


def _of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    for container in (*(pod.get("containers") or ()), *(pod.get("initContainers") or ())):
        yield from _of_container(container)
    for volume in pod.get("volumes") or ():
        yield from _of_volume(volume)
    for reference in pod.get("imagePullSecrets") or ():
        yield reference.get("name") or ""


def _of_container(container: Mapping[str, Any]) -> Iterator[str]:
    for variable in container.get("env") or ():
        yield ((variable.get("valueFrom") or {}).get("secretKeyRef") or {}).get("name") or ""
    for source in container.get("envFrom") or ():
        yield (source.get("secretRef") or {}).get("name") or ""


def _of_volume(volume: Mapping[str, Any]) -> Iterator[str]:
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield (source.get("secret") or {}).get("name") or ""
    for source in volume.values():
        if isinstance(source, Mapping):
            yield source.get("secretName") or ""
            yield from (
                (source.get(reference) or {}).get("name") or "" for reference in _SECRET_REFERENCES
            )
