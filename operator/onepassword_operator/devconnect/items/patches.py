"""PATCH of an item: applies a list of operations (add, replace, remove), all of them or none.

Paths name fields and sections by their id, not by position; only plain lists such as tags have
positions.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

from onepassword_operator.devconnect.errors import bad_request
from onepassword_operator.devconnect.items import item_input
from onepassword_operator.devconnect.items.field_input import Reading
from onepassword_operator.devconnect.items.records import Item, ItemContent, Json

_OPERATIONS: Final = frozenset({"add", "replace", "remove"})
_PROPERTIES: Final = frozenset(
    {"title", "category", "favorite", "tags", "urls", "sections", "fields"}
)
_BY_ID: Final[Mapping[str, str]] = {"fields": "field", "sections": "section"}
_MOST_DIGITS: Final = 6


def apply(
    item: Item, operations: object, *, reading: Reading, add_replaces: bool = True
) -> ItemContent:
    """Return the item's content after all operations, or raise 400.

    The item itself stays as it is.
    """
    if not isinstance(operations, list):
        raise bad_request("The body of a PATCH must be a list of operations")
    document = _document(item.content)
    for operation in operations:
        read = _operation(operation, add_replaces=add_replaces)
        if read.segments:
            _apply_one(document, read)
        else:
            document = _replaced(read, item=item, reading=reading)
    return item_input.parse_content(document, reading)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Operation:
    op: str
    segments: tuple[str, ...]
    value: Any
    add_replaces: bool


def _operation(given: object, *, add_replaces: bool) -> _Operation:
    if not isinstance(given, Mapping):
        raise bad_request("Invalid patch operation: it must be an object")
    op, path = given.get("op"), given.get("path")
    if (
        not isinstance(op, str)
        or op not in _OPERATIONS
        or not isinstance(path, str)
        or not path.startswith("/")
    ):
        raise bad_request(
            "Invalid patch operation: it needs an op of add, replace or remove, "
            "and a path that starts with a slash"
        )
    if op != "remove" and "value" not in given:
        raise bad_request("Invalid patch operation: add and replace need a value")
    segments = (
        tuple(segment.replace("~1", "/").replace("~0", "~") for segment in path[1:].split("/"))
        if path != "/"
        else ()
    )
    return _Operation(op=op, segments=segments, value=given.get("value"), add_replaces=add_replaces)


def _document(content: ItemContent) -> Json:
    return {
        "title": content.title,
        "category": content.category,
        "favorite": content.favorite,
        "state": content.state,
        "tags": list(content.tags),
        "urls": copy.deepcopy(list(content.urls)),
        "sections": copy.deepcopy(list(content.sections)),
        "fields": copy.deepcopy(list(content.fields)),
    }


def _apply_one(document: Json, operation: _Operation) -> None:
    name, rest = operation.segments[0], operation.segments[1:]
    if name not in _PROPERTIES:
        raise bad_request(f"The item doesn't have a {name} property that can be patched.")
    if not rest:
        _property(document, name, operation=operation)
    elif name in _BY_ID:
        _element(document, name, operation=operation)
    else:
        _position(document, name, operation=operation)


def _replaced(operation: _Operation, *, item: Item, reading: Reading) -> Json:
    if operation.op != "replace":
        raise bad_request("The whole item can only be replaced")
    item_input.check_addressed(operation.value, vault_id=item.vault_id, item_id=item.id)
    # Read at once, so that the operations after this one find lists, and fields with their ids.
    return _document(
        dataclasses.replace(
            item_input.parse_content(operation.value, reading), state=item.content.state
        )
    )


def _property(document: Json, name: str, *, operation: _Operation) -> None:
    if (
        operation.op == "add"
        and isinstance(document[name], list)
        and not isinstance(operation.value, list)
    ):
        document[name].append(operation.value)
    elif name == "fields":
        raise bad_request("Fields are replaced and removed one by one, by their id")
    elif operation.op == "remove" and name == "category":
        raise bad_request("The category of an item cannot be removed")
    else:
        document[name] = None if operation.op == "remove" else operation.value


def _element(document: Json, name: str, *, operation: _Operation) -> None:
    elements, (identifier, *rest) = _list(document, name), operation.segments[1:]
    position = next(
        (index for index, element in enumerate(elements) if _id_of(element) == identifier), None
    )
    if position is None:
        raise bad_request(f"The item doesn't have a {identifier} {_BY_ID[name]}.")
    if len(rest) > 1 or rest == ["id"]:
        raise bad_request(f"The path goes too deep into a {_BY_ID[name]}, or names its id")
    if rest and operation.op == "remove":
        elements[position].pop(rest[0], None)
    elif rest:
        elements[position][rest[0]] = operation.value
    elif operation.op == "remove":
        del elements[position]
    else:
        elements[position] = _element_in_its_place(name, operation)


def _element_in_its_place(name: str, operation: _Operation) -> Json:
    if operation.op == "add" and not operation.add_replaces:
        raise bad_request(f"The item already has a {operation.segments[1]} {_BY_ID[name]}.")
    if not isinstance(operation.value, dict):
        raise bad_request(f"A {_BY_ID[name]} must be an object")
    return {**operation.value, "id": operation.segments[1]}


def _position(document: Json, name: str, *, operation: _Operation) -> None:
    elements, rest = _list(document, name), operation.segments[1:]
    last = len(elements) if operation.op == "add" else len(elements) - 1
    index = last if rest == ("-",) and operation.op == "add" else _index(rest)
    if not 0 <= index <= last:
        raise bad_request(f"The item doesn't have an element at this position of {name}.")
    if operation.op == "add":
        elements.insert(index, operation.value)
    elif operation.op == "replace":
        elements[index] = operation.value
    else:
        del elements[index]


def _index(rest: Sequence[str]) -> int:
    digits = rest[0] if len(rest) == 1 else ""
    return (
        int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS else -1
    )


def _list(document: Json, name: str) -> list[Any]:
    elements = document[name]
    if not isinstance(elements, list):
        raise bad_request(f"The item doesn't have a list of {name}.")
    return elements


def _id_of(element: object) -> object:
    return element.get("id") if isinstance(element, dict) else None
