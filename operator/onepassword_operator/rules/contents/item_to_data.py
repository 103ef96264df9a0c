"""Item → data of its Secret, and the parts that became no key, with reasons.

The order is the official operator's: URLs, then fields (which win over URLs), then files (which win
over nothing). Where the official operator chooses at random, the first label in the item's order
wins. Where it fails the whole Secret for a bad label, only that label is skipped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NoUsableFieldsError, SecretTooLargeError
from onepassword_operator.model.item import Item, Url
from onepassword_operator.model.outcome import Skipped
from onepassword_operator.rules.contents.key_syntax import is_valid_key, secret_key

MAPPING_VERSION: Final = 1
"""Increment it whenever the same item would give other data. It is part of the seal, so that
existing Secrets are rewritten.
"""

MAXIMUM_BYTES: Final = 1024 * 1024
"""The API server's limit for all values of one Secret together."""
_EMPTY: Final = "is empty"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The data of a Secret, and the parts of the item that were left out."""

    data: Mapping[str, Confidential]
    skipped: tuple[Skipped, ...]


def render(item: Item, *, allow_empty: bool) -> Rendered:
    """Map an item to Secret data.

    Raises:
        NoUsableFieldsError: the item gives no key.
        SecretTooLargeError: the values together exceed what a Secret may hold.
    """
    rendered = keys(item, allow_empty=allow_empty)
    _check(item, rendered.data, skipped=rendered.skipped)
    return rendered


def keys(item: Item, *, allow_empty: bool) -> Rendered:
    """Map an item to the keys that it gives, possibly none."""
    data: dict[str, Confidential] = {}
    skipped: list[Skipped] = []
    for url in _one_per_label(item.urls):
        _take(
            data, skipped, label=url.label, value=url.href, allow_empty=allow_empty, replace=False
        )
    field_keys: dict[str, Confidential] = {}
    for field in item.fields:
        _take(
            field_keys,
            skipped,
            label=field.label,
            value=field.value,
            allow_empty=allow_empty,
            replace=True,
        )
    data |= field_keys
    for file in item.files:
        _take(
            data,
            skipped,
            label=file.name,
            value=file.content,
            allow_empty=allow_empty,
            replace=False,
        )
    return Rendered(data=data, skipped=tuple(skipped))


def _take(
    data: dict[str, Confidential],
    skipped: list[Skipped],
    *,
    label: str,
    value: Confidential,
    allow_empty: bool,
    replace: bool,
) -> None:
    key = secret_key(label)
    if not key:
        skipped.append(
            Skipped(
                label=label,
                why="has no character that a Secret key may have",
                worth_reporting=bool(value),
            )
        )
    elif not is_valid_key(key):
        skipped.append(
            Skipped(
                label=label,
                why='gives a key that is "." or starts with ".."',
                worth_reporting=bool(value),
            )
        )
    elif not value and not allow_empty:
        skipped.append(Skipped(label=label, why=_EMPTY, worth_reporting=False))
    elif replace or key not in data:
        data[key] = value
    else:
        skipped.append(
            Skipped(
                label=label,
                why="has a key that an earlier part of the item already gives",
                worth_reporting=False,
            )
        )


def _one_per_label(urls: Iterable[Url]) -> list[Url]:
    kept: dict[str, Url] = {}
    for url in urls:
        held = kept.get(url.label)
        if held is None or url.primary or not held.primary:
            kept[url.label] = url
    return list(kept.values())


def _check(item: Item, data: Mapping[str, Confidential], *, skipped: Sequence[Skipped]) -> None:
    if not data:
        remedy = "rename a field" if skipped else "add one"
        if any(part.why == _EMPTY for part in skipped):
            remedy = (
                "fill in a field, or run the operator with --allow-empty-values to keep empty ones"
            )
        raise NoUsableFieldsError(
            f'item "{item.title[:100]}" has no field, URL or file that gives a key; {remedy}'
        )
    size = sum(map(len, data.values()))
    if size > MAXIMUM_BYTES:
        raise SecretTooLargeError(
            f'item "{item.title[:100]}" has {size} bytes of values and a Secret holds at most '
            f"{MAXIMUM_BYTES}; shrink a field{' or an attached file' if item.files else ''}"
        )
