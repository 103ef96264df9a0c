"""Kubernetes Secrets, as observed and as desired."""

from __future__ import annotations

import dataclasses
import enum
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.item import Revision, Revisions, parse_version
from onepassword_operator.model.recipe import Recipe


class SecretKey(NamedTuple):
    """Namespace and name of a Secret, the unit of work."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Sight(enum.Enum):
    """The kind of an observation by a watch."""

    SEEN = enum.auto()
    """The Secret exists, at this resourceVersion."""
    GONE = enum.auto()
    """The Secret was deleted, or lost our label."""
    UP_TO_HERE = enum.auto()
    """All changes up to this resourceVersion have been shown; about no Secret."""


class SecretSight(NamedTuple):
    """An observation, without data, that a Secret came, changed or went at a resourceVersion."""

    kind: Sight
    key: SecretKey
    resource_version: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OwnerReference:
    """An entry of `metadata.ownerReferences`; `raw` keeps all of its members."""

    kind: str
    name: str
    uid: str
    api_version: str
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    @property
    def group(self) -> str:
        """The API group; empty for core."""
        return self.api_version.rpartition("/")[0]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ObservedSecret:
    """A Secret as read at `resource_version`."""

    key: SecretKey
    uid: str
    resource_version: int
    type: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owners: tuple[OwnerReference, ...]
    finalizers: tuple[str, ...]
    data: Mapping[str, Confidential]
    immutable: bool = False
    terminating: bool = False
    recorded: Revisions | None = dataclasses.field(init=False, compare=False)
    """The revisions that the annotations record; None if they can't be read.

    Parsed once, because every decision about a Secret starts from them.
    """

    def __post_init__(self) -> None:
        object.__setattr__(self, "recorded", _recorded(self.annotations))

    @property
    def shaped_by(self) -> str:
        """The recipe of a shaped Secret, as its annotations keep it; else empty."""
        return self.annotations.get(names.RECIPE, "")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DesiredSecret:
    """A Secret as it should be: all of the object except the members that Kubernetes sets."""

    key: SecretKey
    type: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    owners: tuple[OwnerReference, ...]
    data: Mapping[str, Confidential]
    finalizers: tuple[str, ...] = ()
    immutable: bool = False


def record(recipe: Recipe, revisions: Revisions) -> dict[str, str]:
    """Write recipe and revisions as a Secret's annotations; plain ones as the official operator."""
    if recipe.shape is not None:
        return {names.REVISIONS: str(revisions), names.RECIPE: str(recipe)}
    return {
        names.ITEM_PATH: ",".join([revision.path for revision in revisions]),
        names.ITEM_VERSION: ",".join([str(revision.version) for revision in revisions]),
        names.REQUESTED_PATH: str(recipe),
    }


def requested(annotations: Mapping[str, str]) -> str | None:
    """Return the recipe of a Secret, as `str` writes it; None if its annotations have none."""
    shaped = annotations.get(names.RECIPE)
    return annotations.get(names.REQUESTED_PATH) if shaped is None else shaped


def _recorded(annotations: Mapping[str, str]) -> Revisions | None:
    if names.RECIPE in annotations:
        return Revisions.parse(annotations.get(names.REVISIONS, ""))
    versions = annotations.get(names.ITEM_VERSION, "").split(",")
    paths = annotations.get(names.ITEM_PATH, "").split(",", len(versions) - 1)
    known = Revisions(filter(None, map(_revision, paths, versions)))
    return known if len(known) == len(versions) else None


def _revision(path: str, version_text: str) -> Revision | None:
    parts, version = path.split("/"), parse_version(version_text)
    if len(parts) != 4 or parts[0] != "vaults" or parts[2] != "items" or version is None:  # noqa: PLR2004
        return None
    return Revision(sys.intern(parts[1]), parts[3], version)
