"""The members of a OnePasswordItem's `spec` that shape its Secret → a recipe and a target.

The CRD's schema says the same, but may be an older one, or none.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final, NamedTuple
from weakref import WeakValueDictionary

import msgspec

from onepassword_operator.model import bounds, names, secret_reference
from onepassword_operator.model.errors import ItemPathError
from onepassword_operator.model.item_path import ItemPath
from onepassword_operator.model.recipe import (
    Bundle,
    BundleFormat,
    Entry,
    Escape,
    Format,
    Part,
    Recipe,
    Registry,
    Shape,
)
from onepassword_operator.model.secret_reference import SecretReference
from onepassword_operator.rules.contents import text
from onepassword_operator.rules.contents.formats import registry_key
from onepassword_operator.rules.contents.key_syntax import is_valid_key

_PARTS: Final = 32
_ENTRIES: Final = 256
_GLOBS: Final = 64
_REGISTRIES: Final = 32
_STARS: Final = 8
"""Limit of the stars in a glob: comparing takes longer with each."""
_BUNDLED: Final = 256
"""Limit of the globs of all bundles together: each is compared with each key."""
_CHARACTERS: Final = 128 * 1024
"""Limit of all names of fields and texts together: a recipe is kept in memory."""
_MAXIMUM_NAME: Final = 253
_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_LABEL: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?\Z")
_QUALIFIED: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?\Z")
_RESERVED: Final = (names.PREFIX, names.OUR_PREFIX, "kubectl.kubernetes.io/", "meta.helm.sh/")
"""Prefixes of labels and annotations with which a resource could pose as somebody else."""

_Glob = Annotated[
    str,
    msgspec.Meta(pattern=rf"^[-._a-zA-Z0-9]*(\*[-._a-zA-Z0-9]*){{0,{_STARS}}}\Z", min_length=1),
    msgspec.Meta(max_length=253),
]
_Globs = Annotated[list[_Glob], msgspec.Meta(max_length=_GLOBS)]
_Included = Annotated[list[_Glob], msgspec.Meta(min_length=1, max_length=_GLOBS)] | None
_Text = Annotated[str, msgspec.Meta(max_length=64 * 1024)]
_FieldName = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
_RegistryText = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


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
        if self.item_path.startswith(secret_reference.SCHEME):
            self.item_path = secret_reference.item_path(self.item_path)
        try:
            ItemPath.parse(self.item_path)
        except ItemPathError as error:
            raise ValueError(str(error)) from None


class _Bundle(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    format: BundleFormat
    include: _Included = None
    exclude: _Globs = []

    def to_model(self) -> Bundle:
        """Convert to a `Bundle`."""
        return Bundle(self.format, tuple(self.include or ["*"]), tuple(self.exclude))


class _Registry(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    server: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    username: _RegistryText
    password: _RegistryText

    def to_model(self) -> Registry:
        """Convert to a `Registry`."""
        return Registry(self.server, self.username, self.password)


class _DockerConfig(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    registries: Annotated[list[_Registry], msgspec.Meta(min_length=1, max_length=_REGISTRIES)]

    def __post_init__(self) -> None:
        if len({registry_key(each.server) for each in self.registries}) < len(self.registries):
            raise ValueError("registries names one server twice")


class _Entry(msgspec.Struct, forbid_unknown_fields=True, rename="camel", gc=False):
    key: str
    field: _FieldName | None = None
    ref: _FieldName | None = None
    value: _Text | None = None
    bundle: _Bundle | None = None
    docker_config: _DockerConfig | None = None
    escape: Escape = Escape.NONE
    format: Format = Format.NONE
    optional: bool = False

    def __post_init__(self) -> None:
        if not is_valid_key(self.key):
            raise ValueError(
                f'"{self.key[:100]}" is no key of a Secret: letters, digits, "-", "_" and "." '
                'only, and neither "." alone nor ".." at the beginning'
            )
        sources = (self.field, self.ref, self.value, self.bundle, self.docker_config)
        if len(sources) - sources.count(None) != 1:
            raise ValueError(
                "exactly one of field, ref, value, bundle and dockerConfig has to be set"
            )
        if self.escape is not Escape.NONE and self.value is None:
            raise ValueError("escape is for value only")
        if self.format is not Format.NONE and self.field is None and self.ref is None:
            raise ValueError("format is for field and ref only")
        self._check_names()

    def _check_names(self) -> None:
        texts = [each for one in self.registries for each in (one.username, one.password)]
        if any(map(text.is_unclosed, (self.value or "", *texts))):
            raise ValueError('"$(" without ")"; write $$( for the characters themselves')
        if self.field and self.field.startswith(secret_reference.SCHEME):
            raise ValueError("field is a name; a secret reference stands in ref")
        if self.ref is not None:
            reference = SecretReference.parse(self.ref)
            if reference.format is not Format.NONE and self.format is not Format.NONE:
                raise ValueError("?ssh-format and format exclude each other")

    @property
    def registries(self) -> Sequence[_Registry]:
        """The registries of its Docker configuration."""
        return self.docker_config.registries if self.docker_config else ()

    @property
    def characters(self) -> int:
        """The size of its names and texts."""
        size = sum(len(each.server + each.username + each.password) for each in self.registries)
        return size + len(self.field or self.ref or self.value or "")

    @property
    def globs(self) -> int:
        """The number of globs of its bundle."""
        return len(self.bundle.include or ()) + len(self.bundle.exclude) if self.bundle else 0

    def to_model(self) -> Entry:
        """Convert to an `Entry`."""
        # One object for equal names: shapes that differ may have most of them in common.
        field = self.field or self.ref
        return Entry(
            sys.intern(self.key),
            field and sys.intern(field),
            self.value,
            self.escape,
            self.optional,
            self.format,
            self.bundle.to_model() if self.bundle else None,
            tuple([each.to_model() for each in self.registries]),
        )


def _is_qualified(name: str) -> bool:
    prefix, slash, own = name.rpartition("/")
    short = len(prefix) <= _MAXIMUM_NAME
    return bool(_QUALIFIED.match(own) and (not slash or (short and _NAME.match(prefix))))


class _Target(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: Annotated[str, msgspec.Meta(max_length=_MAXIMUM_NAME)] = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.name and not _NAME.match(self.name):
            raise ValueError("name is no name of a Secret")
        for name, value in (self.labels or {}).items():
            if not (_is_qualified(name) and _LABEL.match(value)):
                raise ValueError(f'label "{name[:100]}", or its value, is none for Kubernetes')
        for name in self.annotations:
            if not _is_qualified(name):
                raise ValueError(f'annotation "{name[:100]}" is none for Kubernetes')
        for name in (*(self.labels or ()), *self.annotations):
            if name.startswith(_RESERVED):
                raise ValueError(f"{name[:100]} has a prefix that is reserved")


class _Shaped(msgspec.Struct, rename="camel", gc=False):
    items: Annotated[list[_Item], msgspec.Meta(min_length=1, max_length=_PARTS)] | None = None
    include: _Included = None
    exclude: _Globs = []
    data: Annotated[list[_Entry], msgspec.Meta(max_length=_ENTRIES)] = []
    target: _Target | None = None
    item_path: object = None

    def __post_init__(self) -> None:
        if self.items is None:
            raise ValueError(
                "items is missing: with include, exclude, data or target write items: "
                "[{itemPath: …}] in place of itemPath"
            )
        if self.item_path not in (None, ""):
            raise ValueError("itemPath and items exclude each other: move the path into items")
        size = sum(each.characters for each in self.data)
        if size > _CHARACTERS:
            raise ValueError(f"data has {size} characters, more than {_CHARACTERS}")
        globs = sum(each.globs for each in self.data)
        if globs > _BUNDLED:
            raise ValueError(f"the bundles have {globs} globs, more than {_BUNDLED} in all of them")
        doubles = {entry.key for entry in self.data}
        if len(doubles) < len(self.data):
            raise ValueError("data makes one key twice")


_MEMBERS: Final = ("items", "include", "exclude", "data", "target", "fieldMapping")
"""The members of `spec` that make it a shaped one; the last one is not ours, and refused."""
_in_use: Final[WeakValueDictionary[bytes, Recipe]] = WeakValueDictionary()
"""Each recipe of a living claim, by the digest of its `spec`."""
_DIGEST_BYTES: Final = 16
_Members = tuple[tuple[str, ...] | None, tuple[str, ...], tuple[Entry, ...]]
_shapes_in_use: Final[WeakValueDictionary[_Members, Shape]] = WeakValueDictionary()
"""Each shape of a living recipe, by its members: thousands of resources may have the same."""


def read(spec: Mapping[str, object]) -> Recipe | None:
    """Read a recipe, whose `problem` says what is wrong with it; None for a `spec` without a shape.

    Return the same object for an equal `spec` as long as anybody holds it, because every list,
    event and answer to a write brings it anew.
    """
    if all(spec.get(member) is None for member in _MEMBERS):
        return None
    digest = hashlib.blake2b(repr(spec).encode(), digest_size=_DIGEST_BYTES).digest()
    recipe = _in_use.get(digest)
    if recipe is None:
        recipe = _in_use[digest] = _shaped(spec)
    return recipe


def target(spec: Mapping[str, object]) -> Target:
    """Read the target.

    Nothing that is wrong, here or elsewhere, moves the resource to another Secret.
    """
    raw = spec.get("target")
    if not raw:
        return Target()
    try:
        found = msgspec.convert(raw, _Target)
    except msgspec.ValidationError:
        name = raw.get("name") if isinstance(raw, dict) else None
        return Target(name if isinstance(name, str) and _NAME.match(name) else "")
    return Target(found.name, found.labels, found.annotations)


def _shaped(spec: Mapping[str, object]) -> Recipe:
    try:
        if spec.get("fieldMapping") is not None:
            raise msgspec.ValidationError("fieldMapping is not known here; use data")
        found = msgspec.convert(spec, _Shaped)
        members = (
            None if found.include is None else tuple(found.include),
            tuple(found.exclude),
            tuple([each.to_model() for each in found.data]),
        )
        shape = _shapes_in_use.setdefault(members, Shape(*members))
        parts = [Part(each.item_path, each.prefix, each.optional) for each in found.items or ()]
        parts += _referenced(shape.data)
        if len(parts) > _PARTS:
            raise msgspec.ValidationError(
                f"items and secret references name {len(parts)} items together, more than {_PARTS}"
            )
    except msgspec.ValidationError as error:
        return Recipe((), Shape(), problem=_problem(error))
    return Recipe(tuple(parts), shape)


def _referenced(entries: Iterable[Entry]) -> list[Part]:
    # Sorted, because the order of `data` says nothing.
    optional: dict[str, bool] = {}
    for at, entry in enumerate(entries):
        for name in text.references(entry):
            path = _reference(name, at=at).path
            optional[path] = optional.get(path, True) and entry.optional
    return [Part(path, optional=optional[path], by_reference=True) for path in sorted(optional)]


def _reference(name: str, *, at: int) -> SecretReference:
    try:
        return SecretReference.parse(name)
    except ValueError as error:
        raise msgspec.ValidationError(f"{error} - at `$.data[{at}]`") from None


def _problem(error: msgspec.ValidationError) -> str:
    reason, _, place = str(error).partition(" - at `$")
    return f"spec{place.rstrip('`')}: {reason[:500]}"
