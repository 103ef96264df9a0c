"""Items × recipe → the data of a Secret.

A plain recipe gives the keys of its item. A shape takes the keys of all items, each with its item's
prefix, and keeps those that `include` names and `exclude` does not; the entries of `data` come
last, and win. The same items give the same bytes for ever.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import (
    FieldAmbiguousError,
    FieldNotFoundError,
    KeyConflictError,
    NoUsableFieldsError,
    RefusedError,
    SecretTooLargeError,
)
from onepassword_operator.model.item import Item
from onepassword_operator.model.outcome import Skipped
from onepassword_operator.model.recipe import Entry, Part, Recipe, Shape
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.secret import item_to_data, text
from onepassword_operator.rules.secret.item_to_data import MAXIMUM_BYTES, Rendered
from onepassword_operator.rules.secret.key_syntax import is_valid_key, secret_key

SHAPING_VERSION: Final = 1
"""Increment it whenever the same items and recipe would give other data. It is part of the seal of
a shaped Secret.
"""
_NEAR: Final = 3
_NAMES_COMPARED: Final = 30
_COMPARED: Final = 40
"""Characters of a name that are compared with others: comparing takes their square."""


def render(recipe: Recipe, items: Sequence[Item | None], *, rendering: Rendering) -> Rendered:
    """Map the items of a recipe, in its order, to the data of its Secret; None for an absent one.

    Raises:
        NoUsableFieldsError: there is no key.
        SecretTooLargeError: the values together exceed what a Secret may hold.
        FieldNotFoundError, FieldAmbiguousError, KeyConflictError, NotTextError: the items do not
            fit the shape.
    """
    allow_empty = rendering.allow_empty_values
    if recipe.shape is None:
        data: dict[str, Confidential] = {}
        skipped: list[Skipped] = []
        for item in filter(None, items):
            rendered = item_to_data.render(item, allow_empty=allow_empty)
            data |= rendered.data
            skipped += rendered.skipped
        return Rendered(data=data, skipped=tuple(skipped))
    parts = [
        _PartKeys(part, item, item_to_data.keys(item, allow_empty=allow_empty))
        for part, item in zip(recipe.parts, items, strict=True)
        if item
    ]
    return _shaped(recipe.shape, parts, allow_empty=allow_empty)


def gives(
    recipe: Recipe,
    items: Sequence[Item | None],
    *,
    observed: ObservedSecret | None,
    rendering: Rendering,
) -> bool:
    """Whether the items give exactly the data of the Secret."""
    if observed is None or len(items) != len(recipe.parts):
        return False
    try:
        return dict(observed.data) == dict(render(recipe, items, rendering=rendering).data)
    except RefusedError:
        return False


class _PartKeys:
    """The keys of one item, with the prefix of its part, and its fields by other names."""

    def __init__(self, part: Part, item: Item, rendered: Rendered) -> None:
        self.title = item.title[:100]
        prefixed = {part.prefix + key: value for key, value in rendered.data.items()}
        self.data = {key: value for key, value in prefixed.items() if is_valid_key(key)}
        self.skipped = [
            *rendered.skipped,
            *(
                Skipped(label=key, why="is no valid key with its prefix")
                for key in prefixed.keys() - self.data.keys()
            ),
        ]
        self.by_key = [(key, value) for key, value in self.data.items()]
        self.by_section: list[tuple[str, Confidential]] = []
        self.by_id: list[tuple[str, Confidential]] = []
        self.empty: set[str] = set()
        self.sections: dict[str, list[str]] = {}
        """By key, the same fields by section and key."""
        for label, id_, section, value in _fields(item):
            key = secret_key(label)
            if not value:
                self.empty.add(part.prefix + key)
            elif part.prefix + key in self.data:
                self.by_key.append((part.prefix + key, value))
            if id_:
                self.by_id.append((id_, value))
            if section and key:
                name = f"{part.prefix}{section}.{key}"
                self.by_section.append((name, value))
                self.sections.setdefault(part.prefix + key, []).append(name)


def _fields(item: Item) -> Iterable[tuple[str, str, str, Confidential]]:
    for field in item.fields:
        yield field.label, field.id, field.section, field.value
    for file in item.files:
        yield file.name, file.id, file.section, file.content


class _Names:
    """Finds a field of the items by the key it has today, by `section.key`, or by its ID."""

    def __init__(self, parts: Sequence[_PartKeys], *, allow_empty: bool) -> None:
        self._allow_empty = allow_empty
        self._parts = parts
        self._levels = [
            _grouped(pair for part in parts for pair in part.by_key),
            _grouped(pair for part in parts for pair in part.by_section),
            _grouped(pair for part in parts for pair in part.by_id),
        ]

    def find(self, name: str, *, entry: Entry) -> Confidential:
        key, by_key = entry.key, self._levels[0].get(name)
        empty = by_key is None and any(name in part.empty for part in self._parts)
        found = [] if empty else self._first(name)
        if len(found) > 1:
            raise FieldAmbiguousError(
                f'{len(found)} fields are named "{name[:100]}", which key "{key}" asks for; '
                f"{self._better(name)}"
            )
        if found and (found[0] or self._allow_empty):
            return found[0]
        if found or empty:
            raise FieldNotFoundError(
                f'"{name[:100]}", which key "{key}" asks for, is empty; fill it in, or run the '
                "operator with --allow-empty-values"
            )
        near = "" if entry.optional else self._near(name)  # nobody reads that of an optional one
        raise FieldNotFoundError(
            f'no field is named "{name[:100]}", which key "{key}" asks for; {near}'
        )

    def _first(self, name: str) -> list[Confidential]:
        return next(filter(None, (level.get(name) for level in self._levels)), [])

    def _better(self, name: str) -> str:
        sections = [n for part in self._parts for n in part.sections.get(name, ())]
        if len(set(sections)) > 1:
            return f"name one by its section: {_listed(sections)}"
        titles = [part.title for part in self._parts if name in part.data]
        if len(titles) > 1:
            return f"give the items prefixes: {_listed(titles)}"
        return "name the one you mean by its ID"

    def _near(self, name: str) -> str:
        known = [n for level in self._levels[:2] for n in level][:_NAMES_COMPARED]
        short = {each[:_COMPARED]: each for each in known}
        near = [short[n] for n in difflib.get_close_matches(name[:_COMPARED], short, n=_NEAR)]
        return f"there are {_listed(near or sorted(known)[:10])}" if known else "there is none"


def _grouped(pairs: Iterable[tuple[str, Confidential]]) -> dict[str, list[Confidential]]:
    grouped: dict[str, list[Confidential]] = {}
    for name, value in pairs:
        same = grouped.setdefault(name, [])
        if value not in same:  # of equal ones it does not matter which is meant
            same.append(value)
    return grouped


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name[:60]}"' for name in names[:10])


def _shaped(shape: Shape, parts: Sequence[_PartKeys], *, allow_empty: bool) -> Rendered:
    data, skipped = _chosen(shape, parts)
    names = _Names(parts, allow_empty=allow_empty)
    for entry in shape.data:
        room = MAXIMUM_BYTES - sum(map(len, data.values()))
        try:
            made = _made(entry, names, room=room)
        except FieldNotFoundError:
            if not entry.optional:
                raise
            skipped.append(Skipped(label=entry.key, why="is optional", worth_reporting=False))
            continue
        if made is None or len(made) > room:
            raise SecretTooLargeError(
                f'with key "{entry.key}" the values exceed {MAXIMUM_BYTES} bytes, the most that a '
                "Secret holds; leave keys out"
            )
        data[entry.key] = made
    _check(data)
    return Rendered(data=data, skipped=tuple(skipped))


def _chosen(
    shape: Shape, parts: Sequence[_PartKeys]
) -> tuple[dict[str, Confidential], list[Skipped]]:
    made = {entry.key for entry in shape.data}
    globs = _included(shape)
    include, exclude = _any(globs), _any(shape.exclude)
    chosen: dict[str, tuple[Confidential, str]] = {}
    skipped: list[Skipped] = []
    for part in parts:
        # Where keys are chosen by name, one that can't be made is nobody's concern.
        skipped += [
            dataclasses.replace(each, worth_reporting=each.worth_reporting and "*" in globs)
            for each in part.skipped
        ]
        for key, value in part.data.items():
            if why := _left_out(key, include=include, exclude=exclude):
                skipped.append(Skipped(label=key, why=why, worth_reporting=False))
            elif key not in made:
                if key in chosen:
                    raise KeyConflictError(
                        f'items "{chosen[key][1]}" and "{part.title}" both give key "{key}"; '
                        "give one of them a prefix, exclude the key, or make it with data"
                    )
                chosen[key] = (value, part.title)
    return {key: value for key, (value, _) in chosen.items()}, skipped


def _check(data: Mapping[str, Confidential]) -> None:
    if not data:
        raise NoUsableFieldsError(
            "the items give no key that include keeps, and data makes none; name other keys"
        )
    if sum(map(len, data.values())) > MAXIMUM_BYTES:
        raise SecretTooLargeError(
            f"the values exceed {MAXIMUM_BYTES} bytes, the most that a Secret holds; exclude keys"
        )


def _made(entry: Entry, names: _Names, *, room: int) -> Confidential | None:
    if entry.field is not None:
        return names.find(entry.field, entry=entry)
    wanted = {span.text for span in text.spans(entry.value or "") if span.is_name}
    # All are looked up before any is escaped, which may take long.
    fields = {name: names.find(name, entry=entry) for name in sorted(wanted)}
    return text.written(entry, fields, room=room)


_Matcher = Callable[[str], object]


def _included(shape: Shape) -> tuple[str, ...]:
    if shape.include is None:
        return () if shape.data else ("*",)
    return shape.include


def _left_out(key: str, *, include: _Matcher, exclude: _Matcher) -> str:
    if exclude(key):
        return "is excluded"
    return "" if include(key) else "is not included"


def _any(globs: Sequence[str]) -> _Matcher:
    split = [glob.split("*") for glob in dict.fromkeys(globs)]
    return lambda key: any(_matches(key, pieces) for pieces in split)


def _matches(key: str, pieces: Sequence[str]) -> bool:
    # Not a regular expression, which may take the square of a long key.
    first, *others = pieces
    if not others:
        return key == first
    last = others.pop()
    end = len(key) - len(last)
    if not (key.startswith(first) and key.endswith(last)) or end < len(first):
        return False
    position = len(first)
    for piece in others:
        position = key.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True
