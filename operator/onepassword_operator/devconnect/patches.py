"""PATCH of an item: decides what a list of `add`, `replace` and `remove` operations makes of it, all of them or none.

Paths name fields and sections by their id, not by position; only plain lists such as tags have positions.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from onepassword_operator.devconnect import item_input
from onepassword_operator.devconnect.errors import ApiError, bad_request
from onepassword_operator.devconnect.records import Item, ItemContent, Json

_OPERATIONS: Final = frozenset({"add", "replace", "remove"})
_PROPERTIES: Final = frozenset({"title", "category", "favorite", "tags", "urls", "sections", "fields"})
_BY_ID: Final[Mapping[str, str]] = {"fields": "field", "sections": "section"}
_READ_ONLY: Final = frozenset({"id", "vault", "version", "state", "createdAt", "updatedAt", "lastEditedBy", "files"})


def apply(item: Item, operations: object) -> ItemContent:
    """Return the item's content after all operations, or raise 400; the item itself is not touched."""
    if not isinstance(operations, list):
        raise bad_request("The body of a PATCH must be a list of operations")
    document = _document(item.content)
    for operation in operations:
        document = _apply_one(document, operation, item=item)
    return item_input.parse_content(document)


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


def _apply_one(document: Json, operation: object, *, item: Item) -> Json:
    if not isinstance(operation, Mapping) or operation.get("op") not in _OPERATIONS or not isinstance(operation.get("path"), str):
        raise bad_request("Invalid patch operation: it needs an op of add, replace or remove, and a path")
    op, path, value = operation["op"], operation["path"], copy.deepcopy(operation.get("value"))
    if op != "remove" and "value" not in operation:
        raise bad_request("Invalid patch operation: add and replace need a value")
    if path in {"/", ""}:
        return _replace_all(op, value, item=item)
    segments = [segment.replace("~1", "/").replace("~0", "~") for segment in path.removeprefix("/").split("/")]
    name, rest = segments[0], segments[1:]
    if name in _READ_ONLY or name not in _PROPERTIES:
        raise bad_request(f"The item doesn't have a {name} property that can be patched.")
    if not rest:
        _property(document, name, op=op, value=value)
    elif name in _BY_ID:
        _element(document, name, rest=rest, op=op, value=value)
    else:
        _position(document, name, rest=rest, op=op, value=value)
    return document


def _replace_all(op: str, value: object, *, item: Item) -> Json:
    if op != "replace":
        raise bad_request("The whole item can only be replaced")
    item_input.check_addressed(value, vault_id=item.vault_id, item_id=item.id)
    return {**dict(value), "state": item.content.state} if isinstance(value, Mapping) else {}


def _property(document: Json, name: str, *, op: str, value: Any) -> None:  # noqa: ANN401 - any JSON, checked when the item is parsed
    if op == "remove":
        if name == "category":
            raise bad_request("The category of an item cannot be removed")
        document[name] = None
    elif op == "add" and isinstance(document[name], list) and not isinstance(value, list):
        document[name].append(value)
    elif name == "fields":
        raise bad_request("Fields are replaced one by one, by their id")
    else:
        document[name] = value


def _element(document: Json, name: str, *, rest: Sequence[str], op: str, value: Any) -> None:  # noqa: ANN401 - any JSON
    elements, identifier = document[name] or [], rest[0]
    position = next((index for index, element in enumerate(elements) if _id_of(element) == identifier), None)
    if position is None:
        raise _missing(identifier, _BY_ID[name])
    if len(rest) == 1:
        if op == "remove":
            del elements[position]
        elif isinstance(value, dict):
            elements[position] = {**value, "id": identifier}
        else:
            raise bad_request(f"A {_BY_ID[name]} must be an object")
        return
    if len(rest) > 2 or rest[1] == "id":  # noqa: PLR2004 - id and property
        raise bad_request(f"The path goes too deep into a {_BY_ID[name]}, or names its id")
    if op == "remove":
        elements[position].pop(rest[1], None)
    else:
        elements[position][rest[1]] = value


def _position(document: Json, name: str, *, rest: Sequence[str], op: str, value: Any) -> None:  # noqa: ANN401 - any JSON
    elements = document[name]
    if len(rest) != 1 or not isinstance(elements, list):
        raise bad_request(f"The item doesn't have a {name} list with such an element.")
    last = len(elements) if op == "add" else len(elements) - 1
    if rest[0] == "-" and op == "add":
        index = last
    elif rest[0].isascii() and rest[0].isdigit() and int(rest[0]) <= last:
        index = int(rest[0])
    else:
        raise bad_request(f"The item doesn't have an element at this position of {name}.")
    if op == "add":
        elements.insert(index, value)
    elif op == "replace":
        elements[index] = value
    else:
        del elements[index]


def _id_of(element: object) -> object:
    return element.get("id") if isinstance(element, Mapping) else None


def _missing(identifier: str, noun: str) -> ApiError:
    return bad_request(f"The item doesn't have a {identifier} {noun}.")
