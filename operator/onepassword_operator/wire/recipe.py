"""The members of a OnePasswordItem's `spec` that shape its Secret → a recipe and a target.

The CRD's schema says the same, but may be an older one, or none.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple

import msgspec

from onepassword_operator.model import bounds, names
from onepassword_operator.model.recipe import Entry, Escape, Part, Recipe, Shape
from onepassword_operator.rules.secret.key_syntax import is_valid_key

_PARTS: Final = 32
_ENTRIES: Final = 256
_GLOBS: Final = 64
_CHARACTERS: Final = 256 * 1024
"""Limit of all names of fields and texts together: a recipe is kept in memory."""
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_LABEL: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?\Z")
_QUALIFIED: Final = re.compile(
    r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z"
)
_REFERENCE: Final = "op://"
_RESERVED: Final = (names.PREFIX, names.OUR_PREFIX, "kubectl.kubernetes.io/", "meta.helm.sh/")
"""Prefixes of labels and annotations with which a resource could pose as somebody else."""

_Glob = Annotated[str, msgspec.Meta(pattern=r"^[-._a-zA-Z0-9*]{1,253}\Z")]
_Text = Annotated[str, msgspec.Meta(max_length=64 * 1024)]
_FieldName = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class Target(NamedTuple):
    """The Secret that is asked for, besides its content."""

    name: str = ""
    """Empty: the resource's."""
    labels: Mapping[str, str] | None = None
    """Exactly these, instead of the resource's; None: the resource's."""
    annotations: Mapping[str, str] = {}


class _Item(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    item_path: Annotated[str, msgspec.Meta(max_length=bounds.ITEM_PATH_CHARACTERS)] = ""
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[-._a-zA-Z0-9]{0,100}\Z")] = ""
    optional: bool = False

    def __post_init__(self) -> None:
        if not self.item_path:
            raise ValueError("itemPath is missing")
        if self.item_path.startswith(_REFERENCE):
            self.item_path = _of_reference(self.item_path)


class _Entry(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    key: str
    field: _FieldName | None = None
    value: _Text | None = None
    escape: Escape = Escape.NONE
    optional: bool = False

    def __post_init__(self) -> None:
        if not is_valid_key(self.key):
            raise ValueError("key is no key of a Secret: letters, digits, '-', '_' and '.' only")
        if (self.field is None) == (self.value is None):
            raise ValueError("exactly one of field and value has to be set")
        if self.escape is not Escape.NONE and self.value is None:
            raise ValueError("escape is for value only")

    def to_model(self) -> Entry:
        """Convert to an `Entry`."""
        # One object for equal names: thousands of resources may have the same.
        field = self.field and sys.intern(self.field)
        return Entry(sys.intern(self.key), field, self.value, self.escape, self.optional)


class _Target(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: Annotated[str, msgspec.Meta(max_length=253)] = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.name and not _NAME.match(self.name):
            raise ValueError("name is no name of a Secret")
        for name, value in (self.labels or {}).items():
            if not (_QUALIFIED.match(name) and _LABEL.match(value)):
                raise ValueError(f"label {name[:100]} is none that Kubernetes accepts")
        for name in self.annotations:
            if not _QUALIFIED.match(name):
                raise ValueError(f"annotation {name[:100]} is none that Kubernetes accepts")
        for name in (*(self.labels or ()), *self.annotations):
            if name.startswith(_RESERVED):
                raise ValueError(f"{name[:100]} has a prefix that is reserved")


class _Shaped(msgspec.Struct, rename="camel", gc=False):
    items: Annotated[list[_Item], msgspec.Meta(min_length=1, max_length=_PARTS)] | None = None
    include: Annotated[list[_Glob], msgspec.Meta(min_length=1, max_length=_GLOBS)] | None = None
    exclude: Annotated[list[_Glob], msgspec.Meta(max_length=_GLOBS)] = []
    data: Annotated[list[_Entry], msgspec.Meta(max_length=_ENTRIES)] = []
    target: _Target | None = None
    item_path: object = None

    def __post_init__(self) -> None:
        if self.items is None:
            raise ValueError("items is missing, which every field besides itemPath needs")
        if self.item_path not in (None, ""):
            raise ValueError("itemPath and items exclude each other: move the path into items")
        size = sum(len(each.field or each.value or "") for each in self.data)
        if size > _CHARACTERS:
            raise ValueError(f"data has {size} characters, more than {_CHARACTERS}")
        doubles = {entry.key for entry in self.data}
        if len(doubles) < len(self.data):
            raise ValueError("data makes one key twice")


MEMBERS: Final = ("items", "include", "exclude", "data", "target", "fieldMapping")
"""The members of `spec` that make it a shaped one; the last one is not ours, and refused."""


def shaped(spec: Mapping[str, object]) -> tuple[Recipe, Target]:
    """Read a recipe, whose `problem` says what is wrong with it, and the target."""
    try:
        if "fieldMapping" in spec:
            raise msgspec.ValidationError("fieldMapping is not known here; use data")
        found = msgspec.convert(spec, _Shaped)
    except msgspec.ValidationError as error:
        return Recipe((), Shape(), problem=_problem(error)), _target(spec)
    shape = Shape(
        include=None if found.include is None else tuple(found.include),
        exclude=tuple(found.exclude),
        data=tuple([each.to_model() for each in found.data]),
    )
    parts = tuple(Part(item.item_path, item.prefix, item.optional) for item in found.items or ())
    target = found.target or _Target()
    return Recipe(parts, shape), Target(target.name, target.labels, target.annotations)


def _target(spec: Mapping[str, object]) -> Target:
    # What is wrong elsewhere does not move the resource to another Secret.
    try:
        found = msgspec.convert(spec.get("target") or {}, _Target)
    except msgspec.ValidationError:
        return Target()
    return Target(found.name, found.labels, found.annotations)


def _problem(error: msgspec.ValidationError) -> str:
    reason, _, place = str(error).partition(" - at `$")
    return f"spec{place.rstrip('`')}: {reason[:500]}"


def _of_reference(text: str) -> str:
    segments = text.removeprefix(_REFERENCE).split("/")
    if len(segments) > 2:  # noqa: PLR2004  vault and item
        raise ValueError("itemPath names a field; an item's path is op://<vault>/<item>")
    if len(segments) < 2 or not all(segments):  # noqa: PLR2004
        raise ValueError("itemPath is no op://<vault>/<item>")
    return f"vaults/{segments[0]}/items/{segments[1]}"
