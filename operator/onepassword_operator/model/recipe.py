"""Recipes: what a Secret's content comes from, and the shape that it takes.

A recipe without a shape is `spec.itemPath` or an annotation: one item with all of its keys, as
1Password's own operator makes them.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from typing import Final, NamedTuple

from onepassword_operator.model.errors import ItemPathError, SpecError
from onepassword_operator.model.item_path import ItemPath


class Part(NamedTuple):
    """One part of a recipe: an item, by its path as the user wrote it, valid or not."""

    path: str
    prefix: str = ""
    """Put before each of its keys."""
    optional: bool = False
    """Whether the Secret goes without it while there is no such item."""


class Escape(enum.StrEnum):
    """The way a field's text is written into the text around it."""

    NONE = ""
    URL = "URL"
    """Percent-encoded, so that it fits any part of a URL."""
    JSON = "JSON"
    """As in a JSON string, without the quotation marks."""


class Entry(NamedTuple):
    """A key that is made by itself: a copy of a field, or a text with fields in it."""

    key: str
    field: str | None = None
    value: str | None = None
    escape: Escape = Escape.NONE
    optional: bool = False
    """Whether the key is left out while there is no such field."""


class Shape(NamedTuple):
    """The keys of a Secret, chosen and made."""

    include: tuple[str, ...] | None = None
    """Globs of the keys that are kept as they are; None: all, or none if `data` has entries."""
    exclude: tuple[str, ...] = ()
    """Globs of keys that are left out; it wins over `include`."""
    data: tuple[Entry, ...] = ()
    """Keys made one by one; they win over `include`."""


@dataclasses.dataclass(frozen=True, slots=True)
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
        whole = {
            "items": [_members(part) for part in self.parts],
            **_members(self.shape),
            "data": [_members(entry) for entry in self.shape.data],
        }
        return f"{self._paths}-{_digest(json.dumps(whole, sort_keys=True))[:_HALF]}"

    def items(self) -> tuple[ItemPath, ...]:
        """Parse the path of each part.

        Raises:
            SpecError: the resource is unusable as written.
            ItemPathError: a path is no item path.
        """
        if self.problem:
            raise SpecError(self.problem)
        return tuple(self._item(at) for at in range(len(self.parts)))

    def _item(self, at: int) -> ItemPath:
        try:
            return ItemPath.parse(self.parts[at].path)
        except ItemPathError as error:
            if self.shape is None:
                raise
            raise SpecError(f"spec.items[{at}]: {error}") from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _members(of: Part | Entry | Shape) -> dict[str, object]:
    # Without the members that are not set, so that new ones leave the records of older recipes as
    # they are.
    return {n: value for n, value in zip(of._fields, of, strict=True) if value not in _UNSET}


_HALF: Final = 32
_UNSET: Final = (None, "", False, ())
