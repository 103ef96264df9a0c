"""Claims: the request of a OnePasswordItem or an annotated workload for one Secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, NamedTuple

from onepassword_operator.model import names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.recipe import Part, Recipe
from onepassword_operator.model.secret import OwnerReference, SecretKey
from onepassword_operator.model.workload_kind import KINDS

_API_VERSIONS: Final = {names.KIND: names.API_VERSION} | {
    row.kind: row.api_version for row in KINDS.values()
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """The operator's options for the content of all Secrets; a change rewrites existing Secrets."""

    allow_empty_values: bool = False
    copy_annotations: bool = False


class ObjectRef(NamedTuple):
    """Kind, namespace and name of an object that asks for a Secret or uses one."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One object's request for one Secret. Small, because one is kept for every resource."""

    key: SecretKey
    kind: str = names.KIND
    name: str
    """Name of the object; a OnePasswordItem and its Secret have the same name, unless it says
    otherwise.
    """
    uid: str
    resource_version: int
    generation: int
    created_at: str
    item_path: str
    annotation: str = names.ITEM_PATH
    """The annotation of a workload that has the path."""
    shaped: Recipe | None = None
    """The recipe of a resource that shapes its Secret; None if it asks by an item path."""
    secret_type: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    """Annotations to be copied to the Secret."""
    terminating: bool
    conditions: tuple[Condition, ...]
    finalizers: tuple[str, ...] = ()
    suspended: bool = False
    refresh: str = ""
    """The refresh annotation; a changed value requests a reconcile at once."""
    advice: tuple[str, ...] = ()
    """What of its annotations means nothing."""
    oversized: int = 0
    """Characters of labels and annotations to be copied if they exceed the limit, in which case
    none are kept; else 0.
    """

    @property
    def recipe(self) -> Recipe:
        """The recipe of its Secret: the item of its path, unless it is shaped."""
        return Recipe((Part(self.item_path),)) if self.shaped is None else self.shaped

    @property
    def ref(self) -> ObjectRef:
        """The kind, namespace and name of the object that asks."""
        return ObjectRef(self.kind, self.key.namespace, self.name)

    @property
    def log_fields(self) -> dict[str, str]:
        """The fields of a log line about it."""
        return {"secret": str(self.key), "object": str(self.ref)}

    @property
    def is_resource(self) -> bool:
        """Whether the object is a OnePasswordItem: only that has a status for us to write."""
        return self.kind == names.KIND

    @property
    def another_name(self) -> str:
        """What to do for a Secret of another name, in the words of the object that asks."""
        if self.is_resource:
            same = "make the resource anew with another target.name"
            return same if self.shaped else "rename the resource"
        where = names.ITEM_NAME if self.annotation == names.ITEM_PATH else self.annotation
        return f"choose another name in the annotation {where}"

    @property
    def has_legacy_finalizer(self) -> bool:
        """Whether the object carries the official operator's finalizer."""
        return names.OFFICIAL_FINALIZER in self.finalizers

    @property
    def owner_reference(self) -> OwnerReference:
        """The entry that makes Kubernetes delete the Secret with the object.

        It has the same members as the official operator's.
        """
        return OwnerReference(
            kind=self.kind, name=self.name, uid=self.uid, api_version=_API_VERSIONS[self.kind]
        )

    @property
    def auto_restart(self) -> str | None:
        """The restart setting of the Secret's level, verbatim."""
        return self.annotations.get(names.AUTO_RESTART)

    def asks_the_same_as(self, other: Claim) -> bool:
        """Whether everything that a reconcile depends on is equal.

        The status and other metadata do not count.
        """
        return (
            self.uid == other.uid
            and self.key == other.key
            and self.terminating == other.terminating
            and (self.item_path, self.shaped) == (other.item_path, other.shaped)
            and self.secret_type == other.secret_type
            and self.labels == other.labels
            and self.annotations == other.annotations
            and self.generation == other.generation
            and (self.suspended, self.refresh, self.oversized)
            == (other.suspended, other.refresh, other.oversized)
        )

    @property
    def ready(self) -> Condition | None:
        """The Ready condition as last read or written."""
        return next(
            (condition for condition in self.conditions if condition.type == names.READY), None
        )


def copied_annotations(annotations: Mapping[str, str], rendering: Rendering) -> dict[str, str]:
    """Select the annotations of a resource that belong on its Secret.

    The restart setting is always copied, unless empty. The others are copied only if the operator
    is configured so, and never kubectl's last-applied record, which would make `kubectl apply`
    misread the Secret, nor our own annotations, which belong to the Secret.
    """
    copied = {
        key: value for key, value in annotations.items() if key == names.AUTO_RESTART and value
    }
    if rendering.copy_annotations:
        copied |= {
            k: v
            for k, v in annotations.items()
            if k != names.LAST_APPLIED and not k.startswith((names.PREFIX, names.OUR_PREFIX))
        }
    return copied
