"""What is asked for: a `OnePasswordItem` as a claim on one Secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from onepassword_operator.model import names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import OwnerReference, SecretKey


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """Options that shape every Secret alike; a change shows on existing Secrets."""

    allow_empty_values: bool = False
    copy_annotations: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One resource's demand for the Secret of its name. Small, because one is kept for every resource."""

    key: SecretKey
    uid: str
    resource_version: str
    generation: int
    created_at: str
    item_path: str
    secret_type: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    """Those to be copied onto the Secret."""
    terminating: bool
    conditions: tuple[Condition, ...]

    @classmethod
    def from_object(cls, raw: Mapping[str, Any], rendering: Rendering) -> Claim:
        """Read a OnePasswordItem (from a GET, a LIST item or a watch event)."""
        metadata = raw["metadata"]
        spec = raw.get("spec") or {}
        return cls(
            key=SecretKey(metadata["namespace"], metadata["name"]),
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            generation=metadata.get("generation") or 0,
            created_at=metadata.get("creationTimestamp") or "",
            item_path=spec.get("itemPath") or "",
            secret_type=raw.get("type") or names.OPAQUE,
            labels=dict(metadata.get("labels") or {}),
            annotations=copied_annotations(metadata.get("annotations") or {}, rendering),
            terminating=bool(metadata.get("deletionTimestamp")),
            conditions=tuple(Condition.from_object(entry) for entry in (raw.get("status") or {}).get("conditions") or ()),
        )

    @property
    def owner_reference(self) -> OwnerReference:
        """The entry that makes Kubernetes delete the Secret with the resource; as bare as the official operator's."""
        return OwnerReference(kind=names.KIND, name=self.key.name, uid=self.uid, api_version=names.API_VERSION)

    @property
    def auto_restart(self) -> str | None:
        """The Secret-level restart setting, verbatim."""
        return self.annotations.get(names.AUTO_RESTART)

    def asks_the_same_as(self, other: Claim) -> bool:
        """Whether nothing that a sync depends on differs; status writes and foreign metadata do not count."""
        return (
            self.uid == other.uid
            and self.terminating == other.terminating
            and self.item_path == other.item_path
            and self.secret_type == other.secret_type
            and self.labels == other.labels
            and self.annotations == other.annotations
            and self.generation == other.generation
        )

    @property
    def ready(self) -> Condition | None:
        """The Ready condition as last written."""
        return next((condition for condition in self.conditions if condition.type == names.READY), None)


def copied_annotations(annotations: Mapping[str, str], rendering: Rendering) -> dict[str, str]:
    """Which annotations of a resource belong on its Secret.

    The restart setting always does, if not empty. The rest only on request, and never kubectl's last-applied record (it would make
    `kubectl apply` misread the Secret) nor our own bookkeeping (it is the Secret's, not the resource's).
    """
    copied = {key: value for key, value in annotations.items() if key == names.AUTO_RESTART and value}
    if rendering.copy_annotations:
        copied |= {k: v for k, v in annotations.items() if k != names.LAST_APPLIED and not k.startswith(names.PREFIX)}
    return copied
