"""Items × recipe → the data of a Secret.

A plain recipe gives the keys of its item. A shape takes the keys of all items, each with its item's
prefix, and keeps those that `include` names and `exclude` does not; the entries of `data` come
last, and win. The same items give the same bytes for ever.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Iterator, Sequence
from typing import Final

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import (
    FieldNotFoundError,
    KeyConflictError,
    NoUsableFieldsError,
    RefusedError,
    SecretTooLargeError,
    SpecError,
)
from onepassword_operator.model.item import Item
from onepassword_operator.model.outcome import Skipped
from onepassword_operator.model.recipe import Bundle, Entry, Format, Part, Recipe, Shape
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.secret_reference import SecretReference
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.contents import formats, item_to_data, text
from onepassword_operator.rules.contents.field_names import FieldNames, PartKeys, listed, near
from onepassword_operator.rules.contents.item_to_data import MAXIMUM_BYTES, Rendered

_COMPARISONS: Final = 200_000
"""Limit of comparisons of keys with globs; so many take a fifth of a second."""
_FIELDS: Final = 20_000
"""Limit of fields, URLs and files of all parts; so many take a fifth of a second."""
_NAMES: Final = 2 * 1024 * 1024
"""Limit of characters of their labels, sections and IDs."""
_CONVERSIONS: Final = 16
"""Limit of private keys that are converted; so many of the longest take a tenth of a second."""
_NOTICES: Final = 5
"""Misspelt names that are compared with others; the status shows no more."""
SHAPING_VERSION: Final = 1
"""Increment it whenever the same items and recipe would give other data. It is part of the seal of
a shaped Secret.
"""


def render(recipe: Recipe, items: Sequence[Item | None], *, rendering: Rendering) -> Rendered:
    """Map the items of a recipe, in its order, to the data of its Secret; None for an absent one.

    Raises:
        NoUsableFieldsError: there is no key.
        SecretTooLargeError: the values together exceed what a Secret may hold.
        ShapeError, SpecError: the items do not fit the shape.
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
    pairs = list(zip(recipe.parts, items, strict=True))
    named = [(part, item) for part, item in pairs if item and not part.by_reference]
    referenced = {part.path: item for part, item in pairs if part.by_reference}
    absent = [part for part, item in pairs if item is None and not part.by_reference]
    _check_items([item for item in items if item])
    _check_shape(recipe.shape, fields=sum(_count(item) for _, item in named))
    once = {id(item): item for _, item in named}  # however many parts name it
    keys = {key: item_to_data.keys(item, allow_empty=allow_empty) for key, item in once.items()}
    parts = [PartKeys(part, item, keys[id(item)]) for part, item in named]
    names = FieldNames(parts, absent=absent, referenced=referenced, allow_empty=allow_empty)
    return _shaped(recipe.shape, parts, names=names)


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
    except (RefusedError, SpecError):
        return False


def _shaped(shape: Shape, parts: Sequence[PartKeys], *, names: FieldNames) -> Rendered:
    include, made = _included(shape), {entry.key for entry in shape.data}
    # Where keys are chosen by name, one that can't be made is nobody's concern.
    skipped = [
        dataclasses.replace(each, worth_reporting=each.worth_reporting and "*" in include)
        for part in parts
        for each in part.skipped
    ]
    data = _chosen(parts, include=include, exclude=shape.exclude, made=made, skipped=skipped)
    skipped += _unmatched(shape, parts, absent=names.absent)
    room = MAXIMUM_BYTES - sum(map(len, data.values()))
    for entry in shape.data:
        try:
            value = _made(entry, parts, names=names, room=room)
        except FieldNotFoundError:
            if not entry.optional:
                raise
            skipped.append(Skipped(label=entry.key, why="is optional", worth_reporting=False))
            continue
        if value is None or len(value) > room:
            raise SecretTooLargeError(
                f'with key "{entry.key}" the values exceed {MAXIMUM_BYTES} bytes, the most that a '
                "Secret holds; leave keys out"
            )
        data[entry.key] = value
        room -= len(value)
    if not data:
        raise NoUsableFieldsError(_nothing(shape, parts, names=names))
    if room < 0:
        raise SecretTooLargeError(
            f"the values exceed {MAXIMUM_BYTES} bytes, the most that a Secret holds; exclude keys"
        )
    return Rendered(data=data, skipped=tuple(skipped))


def _nothing(shape: Shape, parts: Sequence[PartKeys], *, names: FieldNames) -> str:
    keys = [key for part in parts for key in part.data]
    made = [entry.key for entry in shape.data]
    why = [f"{part.path} (optional) is not there" for part in names.absent]
    if made:
        why.append(f"what {listed(made)} may be made of is not there")
    if keys and not (made and shape.include is None):
        why.append(f"include and exclude keep none of {listed(sorted(keys))}")
    return f"nothing gives a key: {', and '.join(why) or 'the items have none'}; name other keys"


def _unmatched(shape: Shape, parts: Sequence[PartKeys], *, absent: Sequence[Part]) -> list[Skipped]:
    """Return the globs without a star that no key of the items is equal to: they are misspelt.

    Those that an absent item may give a key for are not.
    """
    known = {key for part in parts for key in (*part.data, *part.empty)}
    keys = sorted(known)
    found: list[Skipped] = []
    for place, globs in _globs(shape):
        for glob in globs:
            if "*" in glob or glob in known or glob.startswith(tuple(p.prefix for p in absent)):
                continue
            close = f", {near(glob, keys)}" if len(found) < _NOTICES else ""
            why = f"no key is named so{close}"
            found.append(Skipped(label=glob, why=why, remedy=f"correct {place}"))
    return found


def _globs(shape: Shape) -> Iterator[tuple[str, Sequence[str]]]:
    yield "include", shape.include or ()
    yield "exclude", shape.exclude
    for entry in shape.data:
        if entry.bundle:
            yield f'include of "{entry.key}"', entry.bundle.include
            yield f'exclude of "{entry.key}"', entry.bundle.exclude


def _check_items(items: Sequence[Item]) -> None:
    fields = sum(map(_count, items))
    if fields > _FIELDS:
        raise SpecError(
            f"spec: its items have {fields} fields, URLs and files, more than {_FIELDS}; one that "
            "is named several times counts each time. Name fewer items, or items with fewer "
            "fields: exclude does not help"
        )
    characters = sum(map(_characters, items))
    if characters > _NAMES:
        raise SpecError(
            f"spec: the labels, sections and IDs of its items' fields have {characters} "
            f"characters, more than {_NAMES}; shorten them in 1Password, or name fewer items"
        )


def _count(item: Item) -> int:
    return len(item.urls) + len(item.fields) + len(item.files)


def _characters(item: Item) -> int:
    # Each field is indexed by its section and key, however long that is.
    fields = sum(len(f.label) + len(f.section) + len(f.id) + len(f.section_id) for f in item.fields)
    files = sum(len(f.name) + len(f.section) + len(f.id) + len(f.section_id) for f in item.files)
    return sum(len(url.label) for url in item.urls) + fields + files


def _check_shape(shape: Shape, *, fields: int) -> None:
    rounds = 1 + sum(entry.bundle is not None for entry in shape.data)
    globs = sum("*" in glob for _, each in _globs(shape) for glob in each)
    if (rounds + globs) * fields > _COMPARISONS:
        raise SpecError(
            f"spec: its globs and bundles take {(rounds + globs) * fields} comparisons with the "
            f"items' {fields} fields, more than {_COMPARISONS}; write fewer of them"
        )
    conversions = sum(map(_conversions, shape.data))
    if conversions > _CONVERSIONS:
        raise SpecError(
            f"spec: its data convert {conversions} private keys to OpenSSH, more than "
            f"{_CONVERSIONS}; spread them over several Secrets, each with a resource of its own"
        )


def _conversions(entry: Entry) -> int:
    referenced = [SecretReference.parse(name).format for name in text.references(entry)]
    return [entry.format, *referenced].count(Format.OPENSSH)


def _chosen(
    parts: Sequence[PartKeys],
    *,
    include: Sequence[str],
    exclude: Sequence[str],
    made: Container[str] = (),
    skipped: list[Skipped] | None = None,
    bundle: str = "",
) -> dict[str, Confidential]:
    """Return the keys that are kept and not made; add the others to `skipped`."""
    included, excluded = _any(include), _any(exclude)
    chosen: dict[str, tuple[Confidential, str]] = {}
    for part in parts:
        for key, value in part.data.items():
            if why := _left_out(key, include=included, exclude=excluded):
                if skipped is not None:
                    skipped.append(Skipped(label=key, why=why, worth_reporting=False))
            elif key not in made:
                if key in chosen:
                    raise _conflict(key, (chosen[key][1], part.title), bundle=bundle)
                chosen[key] = (value, part.title)
    return {key: value for key, (value, _) in chosen.items()}


def _conflict(key: str, titles: tuple[str, str], *, bundle: str) -> KeyConflictError:
    remedy = f'leave it out of the bundle of "{bundle}"' if bundle else "make it with data"
    return KeyConflictError(
        f'items "{titles[0]}" and "{titles[1]}" both give key "{key}"; '
        f"give one of them a prefix, exclude the key, or {remedy}"
    )


def _made(
    entry: Entry, parts: Sequence[PartKeys], *, names: FieldNames, room: int
) -> Confidential | None:
    """Return the value of a key, or None if it exceeds the room, in bytes."""
    if entry.field is not None:
        value = names.find(entry.field, entry=entry)
        return formats.converted(value, entry.format, name=entry.field, key=entry.key)
    if entry.bundle is not None:
        kept = _kept(entry.bundle, parts, entry=entry)
        if sum(map(len, kept.values())) > room:  # and the file is larger than that
            return None
        return formats.bundled(kept, entry.bundle, key=entry.key)
    # All are looked up before any is escaped, which may take long.
    fields = {name: names.find(name, entry=entry) for name in text.names(entry.texts)}
    if entry.registries:
        return formats.docker_config(entry, fields, room=room)
    return text.written(entry.value or "", fields, escape=entry.escape, key=entry.key, room=room)


def _kept(bundle: Bundle, parts: Sequence[PartKeys], *, entry: Entry) -> dict[str, Confidential]:
    kept = _chosen(parts, include=bundle.include, exclude=bundle.exclude, bundle=entry.key)
    if not kept:
        raise FieldNotFoundError(
            f'the bundle of key "{entry.key}" keeps none of the keys that the items give: '
            f"{listed(sorted(key for part in parts for key in part.data))}"
        )
    return kept


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
    names = {glob for glob in globs if "*" not in glob}
    split = [glob.split("*") for glob in dict.fromkeys(globs) if "*" in glob]
    if not split:
        return names.__contains__
    return lambda key: key in names or any(_matches(key, pieces) for pieces in split)


def _matches(key: str, pieces: Sequence[str]) -> bool:
    # Not a regular expression, which may take the square of a long key.
    first, *others = pieces
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
