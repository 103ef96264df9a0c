"""The operator's annotations on an object → what of them means nothing, in words with the remedy.

They keep meaning nothing: the effect is that of the official operator. But who wrote them is told.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from onepassword_operator.model import bounds, names
from onepassword_operator.model.text import one_line
from onepassword_operator.rules.contents.key_syntax import secret_name

_BOOLEANS: Final = frozenset({"", "0", "1", "f", "t", "false", "true"})
_ON_RESOURCES: Final = (names.SUSPEND, names.REFRESH)
_OF_RESOURCES: Final = (*_ON_RESOURCES, names.AUTO_RESTART)
_OF_WORKLOADS: Final = (names.ITEM_PATH, names.ITEM_NAME, names.AUTO_RESTART)
_WRITTEN: Final = names.WRITTEN_ON_SECRETS | {names.ITEM_NAME, names.LAST_RESTARTED}
_ALIKE: Final = 0.8
_VALUE_CHARACTERS: Final = 60
_COMPARED: Final = 10
"""Names that are compared with ours at most: somebody may write thousands."""
_LONGER: Final = 6
"""Characters beyond the longest of our names: what is longer is not alike."""


def of_resource(annotations: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a OnePasswordItem's annotations get wrong."""
    booleans = (names.SUSPEND, names.AUTO_RESTART)
    return (*_values(annotations, booleans), *_names(annotations, known=_OF_RESOURCES))


def of_workload(
    annotations: Mapping[str, str], *, demand: Mapping[str, str], kind: str
) -> tuple[str, ...]:
    """Return what a workload's annotations get wrong; `demand` are those that ask for a Secret."""
    return (
        *_values(annotations, (names.AUTO_RESTART, names.RESTART_AT_ONCE)),
        *(
            f"annotation {name} has no effect on a {kind}, only on a {names.KIND}"
            for name in _ON_RESOURCES
            if name in annotations
        ),
        *_names(annotations, known=_OF_WORKLOADS),
        *_unnamed(demand),
        *_used(annotations),
        *_items(annotations),
    )


def _values(annotations: Mapping[str, str], booleans: tuple[str, ...]) -> Iterator[str]:
    for name in booleans:
        value = annotations.get(name, "")
        if value.lower() not in _BOOLEANS:
            yield (
                f'annotation {name} is "{one_line(value[:_VALUE_CHARACTERS])}", which counts as '
                '"false"; write "true" or "false"'
            )


def _names(annotations: Mapping[str, str], *, known: tuple[str, ...]) -> Iterator[str]:
    short = [name.removeprefix(names.PREFIX) for name in known]
    longest = max(map(len, known)) + _LONGER
    ours = {name for name in annotations if name.startswith(names.PREFIX) and len(name) <= longest}
    for name in sorted(ours - _WRITTEN - set(_OF_RESOURCES))[:_COMPARED]:
        given = name.removeprefix(names.PREFIX)
        for near in difflib.get_close_matches(given, short, n=1, cutoff=_ALIKE):
            yield f"annotation {name} means nothing; did you mean {names.PREFIX}{near}?"


def _used(annotations: Mapping[str, str]) -> Iterator[str]:
    for each in annotations.get(names.USES_SECRETS, "").split(",")[: bounds.SECRETS_OF_A_WORKLOAD]:
        if (name := each.strip()) and name != secret_name(name):
            yield (
                f'annotation {names.USES_SECRETS} names "{one_line(name[:_VALUE_CHARACTERS])}", '
                "which is no name of a Secret; write names, separated by commas"
            )
            return


def item_lines(annotations: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Split the annotation that asks for several Secrets: each line with its name and its path.

    Both are empty if the line asks for nothing. There is one line more than the limit if there are
    too many.
    """
    found: list[tuple[str, str, str]] = []
    text = annotations.get(names.ITEMS, "")[: bounds.ITEMS_CHARACTERS]
    for line in filter(str.strip, text.split("\n")):  # as admission policies split it, too
        if len(found) > bounds.ITEMS_OF_A_WORKLOAD:
            break
        name, _, path = (part.strip() for part in line.partition("="))
        asks = name and path and name == secret_name(name)
        found.append((line, name, path) if asks else (line, "", ""))
    return found


def _items(annotations: Mapping[str, str]) -> Iterator[str]:
    lines = item_lines(annotations)
    long = len(annotations.get(names.ITEMS, "")) > bounds.ITEMS_CHARACTERS
    if long or len(lines) > bounds.ITEMS_OF_A_WORKLOAD:
        yield (
            f"annotation {names.ITEMS} has more than {bounds.ITEMS_OF_A_WORKLOAD} lines or "
            f"{bounds.ITEMS_CHARACTERS} characters, and the rest asks for nothing"
        )
    if odd := [line for line, name, _ in lines if not name]:
        yield (
            f'annotation {names.ITEMS}: "{one_line(odd[0][:_VALUE_CHARACTERS])}" asks for nothing; '
            "write the name of a Secret and its item, as name=vaults/<vault>/items/<item>"
        )


def _unnamed(demand: Mapping[str, str]) -> Iterator[str]:
    if names.ITEM_PATH in demand and not secret_name(demand.get(names.ITEM_NAME, "")):
        yield (
            f"annotation {names.ITEM_PATH} alone asks for no Secret; "
            f"name the Secret in the annotation {names.ITEM_NAME}"
        )
