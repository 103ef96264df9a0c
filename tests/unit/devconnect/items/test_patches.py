"""PATCH operations on an item."""

from typing import Any

import pytest

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.items import item_input, patches
from onepassword_operator.devconnect.items.field_input import Reading
from onepassword_operator.devconnect.items.records import Item, ItemContent

VAULT, ITEM_ID = "v" * 26, "i" * 26
BODY: dict[str, Any] = {
    "id": ITEM_ID,
    "vault": {"id": VAULT},
    "title": "t",
    "category": "LOGIN",
    "tags": ["a", "c"],
    "fields": [{"purpose": "PASSWORD", "value": "fake"}, {"id": "a/b~c", "label": "odd", "value": "1"}],
}


@pytest.fixture
def item() -> Item:
    content = item_input.parse_content(BODY)
    return Item(id=ITEM_ID, vault_id=VAULT, version=1, created_at=0, updated_at=0, last_edited_by="E" * 26, content=content, files=())


def field(content: ItemContent, identifier: str) -> Any:
    return next((field for field in content.fields if field["id"] == identifier), None)


def apply(item: Item, operations: object, *, add_replaces: bool = True) -> ItemContent:
    return patches.apply(item, operations, reading=Reading(), add_replaces=add_replaces)


def patch(item: Item, op: str, path: str, *value: object) -> ItemContent:
    return apply(item, [{"op": op, "path": path, **({"value": value[0]} if value else {})}])


def test_fields_are_addressed_by_id_with_json_pointer_escapes(item: Item) -> None:
    assert field(patch(item, "replace", "/fields/password/value", "new"), "password")["value"] == "new"
    assert field(patch(item, "replace", "/fields/a~1b~0c/label", "new"), "a/b~c")["label"] == "new"
    assert field(patch(item, "remove", "/fields/a~1b~0c"), "a/b~c") is None
    assert "value" not in field(patch(item, "remove", "/fields/password/value"), "password")
    assert field(patch(item, "replace", "/fields/a~1b~0c", {"label": "x", "type": "concealed"}), "a/b~c")["type"] == "CONCEALED"


def test_a_field_is_appended_and_gets_an_id(item: Item) -> None:
    added = patch(item, "add", "/fields", {"label": "new", "type": "string", "value": "1"}).fields[-1]
    assert (added["label"], added["type"], len(added["id"])) == ("new", "STRING", 26)


def test_adding_to_an_existing_field_replaces_it_or_is_refused(item: Item) -> None:
    operations = [{"op": "add", "path": "/fields/a~1b~0c", "value": {"label": "x"}}]
    assert field(apply(item, operations), "a/b~c") == {"id": "a/b~c", "type": "STRING", "label": "x"}
    with pytest.raises(ApiError, match="already has"):
        apply(item, operations, add_replaces=False)


def test_tags_have_positions(item: Item) -> None:
    assert patch(item, "add", "/tags", "b").tags == ("a", "b", "c")
    assert patch(item, "add", "/tags/1", "b").tags == ("a", "b", "c")
    assert patch(item, "replace", "/tags/0", "z").tags == ("c", "z")
    assert patch(item, "remove", "/tags/1").tags == ("a",)
    assert patch(item, "remove", "/tags").tags == ()


def test_properties_and_the_whole_item_are_replaced(item: Item) -> None:
    assert patch(item, "replace", "/title", "new").title == "new"
    assert apply(item, [{"op": "add", "path": "/favorite", "value": True}]).favorite
    assert patch(item, "replace", "/", {**BODY, "title": "new", "fields": []}).fields == ()


def test_operations_go_on_from_a_whole_item_that_left_things_out(item: Item) -> None:
    whole = {"id": ITEM_ID, "vault": {"id": VAULT}, "category": "LOGIN", "fields": [{"purpose": "USERNAME"}]}
    later = [{"op": "add", "path": "/tags", "value": "t"}, {"op": "replace", "path": "/fields/username/value", "value": "u"}]
    content = apply(item, [{"op": "replace", "path": "/", "value": whole}, *later])
    assert (content.title, content.tags, content.fields[0]["value"]) == ("", ("t",), "u")


def test_a_failing_operation_leaves_the_item_as_it_was(item: Item) -> None:
    before = item_input.parse_content(BODY)
    with pytest.raises(ApiError, match="doesn't have a nope field"):
        apply(item, [{"op": "replace", "path": "/fields/password/value", "value": "x"}, {"op": "remove", "path": "/fields/nope"}])
    assert item.content == before


NOT_KNOWN = [("test", "/title", "t"), ("move", "/title", "x"), (["add"], "/tags", "x"), ("replace", "/title")]
NO_SUCH_PLACE = [("replace", f"/tags/{place}", "x") for place in ("2", "-1", "9" * 5000, "0/1")] + [("add", "tags", "x")]
NO_SUCH_FIELD = [("replace", f"/fields/{place}", "x") for place in ("0/value", "password/id", "password/section/id")]
NOT_CHANGED: list[Any] = [
    ("replace", "/version", 5),
    ("remove", "/category"),
    ("remove", "/"),
    ("remove", "/fields"),
    ("replace", "/fields", []),
]
NO_SUCH_VALUE = [("replace", "/title", 5), ("replace", "/", 1), ("add", "/fields/new", {"label": "x"}), ("add", "/fields", ["x"])]


@pytest.mark.parametrize("operation", [*NOT_KNOWN, *NO_SUCH_PLACE, *NO_SUCH_FIELD, *NOT_CHANGED, *NO_SUCH_VALUE])
def test_an_operation_connect_does_not_know_is_a_400(item: Item, operation: tuple[Any, ...]) -> None:
    with pytest.raises(ApiError, check=lambda error: error.status == 400):
        patch(item, *operation)


@pytest.mark.parametrize(
    "operations",
    [
        {"op": "replace", "path": "/title", "value": "x"},
        ["replace"],
        [{"op": "replace", "path": "/sections", "value": 5}, {"op": "remove", "path": "/sections/x"}],
        [{"op": "replace", "path": "/urls", "value": "x"}, {"op": "add", "path": "/urls/0", "value": "x"}],
    ],
)
def test_what_is_no_list_of_operations_is_a_400(item: Item, operations: object) -> None:
    with pytest.raises(ApiError, check=lambda error: error.status == 400):
        apply(item, operations)
