"""Recipes: what a Secret's content comes from, and the shape that it takes.

A recipe without a shape is `spec.itemPath` or an annotation: one item with all of its keys, as
1Password's own operator makes them.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from collections.abc import Iterable
from typing import Final, NamedTuple, cast

from onepassword_operator.model.errors import SpecError
from onepassword_operator.model.item_path import ItemPath


class Part(NamedTuple):
    """One part of a recipe: an item, by its path as the user wrote it, valid or not."""

    path: str
    prefix: str = ""
    """Put before each of its keys."""
    optional: bool = False
    """Whether the Secret goes without it while there is no such item."""
    by_reference: bool = False
    """Whether secret references name it: only they see its fields, and it gives no other keys."""


class Escape(enum.StrEnum):
    """The way a field's text is written into the text around it."""

    NONE = ""
    URL = "URL"
    """Percent-encoded, so that it fits any part of a URL."""
    JSON = "JSON"
    """As in a JSON string, without the quotation marks."""


class Format(enum.StrEnum):
    """The form in which a field is copied."""

    NONE = ""
    OPENSSH = "OpenSSH"
    """A private key, as `ssh-keygen` writes it."""
    OTP_SECRET = "OTPSecret"  # noqa: S105  a name, no secret
    """The seed of a one-time password, without the URL around it."""
    BASE64_DECODED = "Base64Decoded"
    BASE64_ENCODED = "Base64Encoded"


class BundleFormat(enum.StrEnum):
    """The kind of a file that holds many keys."""

    DOTENV = "Dotenv"
    JSON = "JSON"


class Bundle(NamedTuple):
    """Many keys of the items as one file."""

    format: BundleFormat
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    """It wins over `include`."""


class Registry(NamedTuple):
    """A container registry; user name and password are texts with `$(name)`."""

    server: str
    username: str
    password: str


class Entry(NamedTuple):
    """A key that is made by itself: of exactly one of the members that may be None or empty."""

    key: str
    field: str | None = None
    """A field by its name, or a secret reference."""
    value: str | None = None
    """A text with `$(name)`."""
    escape: Escape = Escape.NONE
    optional: bool = False
    """Whether the key is left out while there is no such field."""
    format: Format = Format.NONE
    bundle: Bundle | None = None
    registries: tuple[Registry, ...] = ()
    """Those of a Docker configuration file."""

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts with `$(name)` that it is made of."""
        texts = tuple([text for each in self.registries for text in (each.username, each.password)])
        return texts if self.value is None else (self.value,)


@dataclasses.dataclass(frozen=True, slots=True, weakref_slot=True)
class Shape:
    """The keys of a Secret, chosen and made."""

    include: tuple[str, ...] | None = None
    """Globs of the keys that are kept as they are; None: all, or none if `data` has entries."""
    exclude: tuple[str, ...] = ()
    """Globs of keys that are left out; it wins over `include`."""
    data: tuple[Entry, ...] = ()
    """Keys made one by one; they win over `include`."""


@dataclasses.dataclass(frozen=True, slots=True, weakref_slot=True)
class Recipe:
    """The parts of one Secret, in order, and its shape."""

    parts: tuple[Part, ...]
    shape: Shape | None = None
    problem: str = ""
    """What makes the resource unusable as written; empty for a usable one."""
    _record: str = dataclasses.field(default="", init=False, compare=False, repr=False)

    def __str__(self) -> str:
        """Return what the Secret's annotations keep of it: the path, or digests of a shaped one."""
        if not self._record:  # each list has the recipes again, and most are dropped as known
            object.__setattr__(self, "_record", self._recorded())
        return self._record

    @property
    def shape_record(self) -> str:
        """Record of a shaped recipe; empty for a plain one, which keeps no other than its path."""
        return str(self) if self.shape else ""

    def leads_where(self, former: str) -> bool:
        """Whether a recipe that was recorded so has the same paths, whatever its shape."""
        return self._paths == (former.partition("-")[0] if self.shape else former)

    @property
    def _paths(self) -> str:
        text = "\n".join([part.path for part in self.parts])
        return _digest(text)[:_HALF] if self.shape else text

    def _recorded(self) -> str:
        if self.shape is None:
            return self._paths
        shape = self.shape
        members = {"include": shape.include, "exclude": shape.exclude, "data": shape.data}
        whole = {"items": _plain(self.parts), "data": [], **_set(members.items())}
        return f"{self._paths}-{_digest(json.dumps(whole, sort_keys=True))[:_HALF]}"

    def items(self) -> tuple[ItemPath, ...]:
        """Parse the path of each part.

        Raises:
            SpecError: the resource is unusable as written.
            ItemPathError: a path is no item path.
        """
        if self.problem:
            raise SpecError(self.problem)
        return tuple(ItemPath.parse(part.path) for part in self.parts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _set(members: Iterable[tuple[str, object]]) -> dict[str, object]:
    # Without the members that are not set, so that new ones leave the records of older recipes as
    # they are.
    return {name: _plain(value) for name, value in members if value not in _UNSET}


def _plain(value: object) -> object:
    if hasattr(value, "_fields"):
        named = cast("NamedTuple", value)
        return _set(zip(named._fields, named, strict=True))
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


_HALF: Final = 32
_UNSET: Final = (None, "", False, ())
