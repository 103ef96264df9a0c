"""Name of a field, as a recipe has it → the field, among all fields and files of its items."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import FieldAmbiguousError, FieldNotFoundError
from onepassword_operator.model.item import Field, Item
from onepassword_operator.model.outcome import Skipped
from onepassword_operator.model.recipe import Entry, Part
from onepassword_operator.model.secret_reference import SCHEME, SecretReference
from onepassword_operator.rules.contents import formats
from onepassword_operator.rules.contents.item_to_data import Rendered
from onepassword_operator.rules.contents.key_syntax import is_valid_key, secret_key

_NEAR: Final = 3
_LISTED: Final = 10
_AMBIGUOUS: Final = 2
_NAMES_COMPARED: Final = 30
_COMPARED: Final = 40
"""Characters of a name that are compared with others: comparing takes their square."""


class PartKeys:
    """The keys of one item, with the prefix of its part, and its fields by other names."""

    def __init__(self, part: Part, item: Item, rendered: Rendered) -> None:
        self.title = item.title[:100]
        prefixed = {part.prefix + key: value for key, value in rendered.data.items()}
        self.data = {key: value for key, value in prefixed.items() if is_valid_key(key)}
        self.skipped = [
            *rendered.skipped,
            *(
                Skipped(label=key, why="is no valid key with its prefix")
                for key in prefixed
                if key not in self.data
            ),
        ]
        self.by_key = [(key, value) for key, value in self.data.items()]
        self.by_section: list[tuple[str, Confidential]] = []
        self.by_id: list[tuple[str, Confidential]] = []
        self.empty: set[str] = set()
        self.sections: dict[str, list[str]] = {}
        """By key, the same fields by section and key."""
        for field in item.fields:
            self._add(field, prefix=part.prefix, keyed=True)
        # Files have no say about the key of a field or URL.
        keyed = {
            file.name
            for file in item.files
            if self.data.get(part.prefix + secret_key(file.name)) is file.content
        }
        for file in _files(item):
            self._add(file, prefix=part.prefix, keyed=file.label in keyed)

    def _add(self, field: Field, *, prefix: str, keyed: bool) -> None:
        key = secret_key(field.label)
        if not field.value:
            self.empty.add(prefix + key)
        elif keyed and self.data.get(prefix + key, field.value) is not field.value:
            self.by_key.append((prefix + key, field.value))
        if field.id:
            self.by_id.append((field.id, field.value))
        if field.section and key:
            name = f"{prefix}{field.section}.{key}"
            self.by_section.append((name, field.value))
            self.sections.setdefault(prefix + key, []).append(name)

    @functools.cached_property
    def named(self) -> _Grouped:
        """Different values by name, at most two: the key today, else `section.key`, else the ID."""
        empty = {key: [_EMPTY] for key in self.empty}
        return _grouped(self.by_id) | _grouped(self.by_section) | empty | _grouped(self.by_key)


class FieldNames:
    """Finds a field of the items by the key it has today, by `section.key`, or by its ID.

    A secret reference finds it in the item that it names, and nowhere else.
    """

    def __init__(
        self,
        parts: Sequence[PartKeys],
        *,
        absent: Sequence[Part],
        referenced: Mapping[str, Item | None],
        allow_empty: bool,
    ) -> None:
        """`absent`: optional parts without item; `referenced`: items of references, by path."""
        self.absent = absent
        self._allow_empty = allow_empty
        self._parts = parts
        self._referenced = referenced
        self._read: dict[str, _ReferredFields] = {}

    def find(self, name: str, *, entry: Entry) -> Confidential:
        """Return the value of a field, not empty unless empty ones are allowed.

        Raises:
            FieldNotFoundError: no field has the name, or it is empty.
            FieldAmbiguousError: several fields with different values have it.
        """
        if name.startswith(SCHEME):
            return self._by_reference(name, entry=entry)
        found = self._named.get(name, [])
        return self._only(
            found,
            name,
            entry=entry,
            empty=False,
            better=self._better(name) if len(found) > 1 else "",
            there=lambda: near(name, self._readable()),
        )

    @functools.cached_property
    def _named(self) -> _Grouped:
        # Whoever may edit one item takes no name from another: items that differ in what a name
        # means, as a key or otherwise, make it ambiguous, and so does an empty field.
        return _grouped(
            (name, value)
            for part in self._parts
            for name, values in part.named.items()
            for value in values
        )

    def _by_reference(self, name: str, *, entry: Entry) -> Confidential:
        reference = SecretReference.parse(name)
        fields = self._fields_of(reference.path)
        found = fields.find(reference)
        better = ""
        if found and len(found) > 1:
            better = f"add its section, or name it by its ID: {listed(fields.paths(reference))}"
        value = self._only(
            found or [],
            name,
            entry=entry,
            empty=found is not None,
            better=better,
            there=lambda: near("/".join(filter(None, reference[1:3])), fields.paths()),
        )
        return formats.converted(value, reference.format, name=name, key=entry.key)

    def _fields_of(self, path: str) -> _ReferredFields:
        if path not in self._read:
            self._read[path] = _ReferredFields(self._referenced.get(path))
        return self._read[path]

    def _only(
        self,
        found: Sequence[Confidential],
        name: str,
        *,
        entry: Entry,
        empty: bool,
        better: str,
        there: Callable[[], str],
    ) -> Confidential:
        asked = f'"{name[:200]}", which key "{entry.key}" asks for'
        if len(found) > 1:
            raise FieldAmbiguousError(f"several fields are named {asked}; {better}")
        if found and (found[0] or self._allow_empty):
            return found[0]
        if empty and self._allow_empty:
            return Confidential(b"")
        if found or empty:
            raise FieldNotFoundError(
                f"{asked}, is empty; fill it in, set optional, or run the operator with "
                "--allow-empty-values"
            )
        if entry.optional:  # nobody reads which names are near
            raise FieldNotFoundError("")
        absent = [f"; {part.path} (optional) is not there" for part in self.absent]
        raise FieldNotFoundError(f"no field is named {asked}; {there()}{''.join(absent)}")

    def _readable(self) -> list[str]:
        keys = [key for part in self._parts for key, _ in part.by_key]
        sections = [name for part in self._parts for name, _ in part.by_section]
        return list(dict.fromkeys([*keys, *sections]))

    def _better(self, name: str) -> str:
        sections = [n for part in self._parts for n in part.sections.get(name, ())]
        if len(set(sections)) > 1:
            return f"name one by its section: {listed(sections)}"
        titles = [part.title for part in self._parts if name in part.named]
        if len(titles) > 1:
            return f"give the items prefixes: {listed(titles)}"
        return "name the one you mean by its ID, or by ref"


def _files(item: Item) -> Iterable[Field]:
    for file in item.files:
        yield Field(
            label=file.name,
            value=file.content,
            id=file.id,
            section=file.section,
            section_id=file.section_id,
        )


class _ReferredFields:
    """The fields and files of an item by section and name; none of an absent item.

    A name is a label or an ID. The values of one name are indexed once: thousands of references
    may name the same thousands of fields.
    """

    def __init__(self, item: Item | None) -> None:
        self._fields = [*item.fields, *_files(item)] if item else []

    def find(self, reference: SecretReference) -> list[Confidential] | None:
        """Return the different values that a reference may mean, at most two, without empty ones.

        None: no field has the name. Of a name without a section a field without one is meant, if
        there is one. Case counts where two names differ by nothing else.
        """
        exact = _first(self._exact, reference, fold=str)
        return _first(self._folded, reference, fold=str.casefold) if exact is None else exact

    def paths(self, like: SecretReference | None = None) -> list[str]:
        """Return the names of the fields, or of those of one label, as references have them."""
        return [
            "/".join(filter(None, (each.section, each.label)))
            for each in self._fields
            if like is None or each.label.casefold() == like.field.casefold()
        ]

    @functools.cached_property
    def _exact(self) -> _Referred:
        return _referred(self._fields, fold=str)

    @functools.cached_property
    def _folded(self) -> _Referred:
        return _referred(self._fields, fold=str.casefold)


_Referred = dict[tuple[str | None, str], list[Confidential]]
"""Different values by section, which is None for any and empty for none, and name."""


def _referred(fields: Iterable[Field], *, fold: Callable[[str], str]) -> _Referred:
    found: _Referred = {}
    for field in fields:
        sections = {fold(field.section), fold(field.section_id)} - {""} or {""}
        for name in {fold(field.label), fold(field.id)} - {""}:
            for section in (None, *sections):
                same = found.setdefault((section, name), [])
                if field.value and len(same) < _AMBIGUOUS and field.value not in same:
                    same.append(field.value)
    return found


def _first(
    found: _Referred, reference: SecretReference, *, fold: Callable[[str], str]
) -> list[Confidential] | None:
    section, name = fold(reference.section), fold(reference.field)
    named = found.get((section, name))
    # An empty field without a section is the one that is meant, too.
    return found.get((None, name)) if named is None and not section else named


_EMPTY: Final = Confidential(b"")
_Grouped = dict[str, list[Confidential]]


def _grouped(pairs: Iterable[tuple[str, Confidential]]) -> _Grouped:
    grouped: _Grouped = {}
    for name, value in pairs:
        same = grouped.get(name)
        if same is None:
            grouped[name] = [value]
        elif len(same) == 1 and value != same[0]:  # of equal ones it does not matter which is meant
            same.append(value)
    return grouped


def near(name: str, known: Sequence[str]) -> str:
    """Say which known names resemble a name, or which there are."""
    short = {each[:_COMPARED]: each for each in known[:_NAMES_COMPARED]}
    close = [short[n] for n in difflib.get_close_matches(name[:_COMPARED], short, n=_NEAR)]
    if close:
        return f"near: {listed(close)}"
    return f"there are {listed(sorted(short.values()))}" if known else "there is none"


def listed(names: Sequence[str]) -> str:
    """Write names for a message: the first ten, and that there are more."""
    return ", ".join(f'"{name[:60]}"' for name in names[:_LISTED]) + (
        ", …" if len(names) > _LISTED else ""
    )
