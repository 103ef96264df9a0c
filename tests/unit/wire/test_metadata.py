"""Members of objects whose type nobody has checked."""

from collections.abc import Callable

import msgspec
import pytest

from onepassword_operator.wire.metadata import ObjectMeta, converted, decoder, strings, text_of, texts

IDENTITY: dict[str, object] = {"name": "db", "uid": "u", "resourceVersion": "7"}
NOT_TEXTS: list[object] = [None, {}, "x", ["x"], 5]
NOT_STRINGS: list[object] = [None, [], "xy", {"a": 1}, 5]
READERS: list[Callable[[dict[str, object]], ObjectMeta]] = [
    lambda raw: converted(raw, ObjectMeta),
    lambda raw: decoder(ObjectMeta).decode(msgspec.json.encode(raw)),
]
"""From a dict and from bytes."""


def test_labels_and_annotations_are_read_as_far_as_they_are_text() -> None:
    assert texts({"a": "1", "b": "", "c": None, "d": 5, "e": ["x"]}) == {"a": "1", "b": ""}
    assert [texts(odd) for odd in NOT_TEXTS] == [{}] * 5


def test_a_list_of_names_is_read_as_far_as_it_is_text() -> None:
    assert strings(["b", None, 5, {"a": 1}, "a"]) == ("b", "a")
    assert [strings(odd) for odd in NOT_STRINGS] == [()] * 5


@pytest.mark.parametrize(("found", "read"), [(None, ""), ("x", "x"), (5, "5"), (True, "True"), (["x"], "['x']")])
def test_what_should_be_text_and_is_not_is_shown(found: object, read: str) -> None:
    assert text_of(found) == read


@pytest.mark.parametrize(("version", "read"), [("7", 7), ("0", 0), (7, 7), ("9" * 20, int("9" * 20))])
def test_a_resource_version_is_a_number(version: object, read: int) -> None:
    assert [reader(IDENTITY | {"resourceVersion": version}).resource_version for reader in READERS] == [read, read]


@pytest.mark.parametrize("change", [{"name": None}, {"uid": 5}, *[{"resourceVersion": odd} for odd in ("", "x", "7.5", None, ["7"])]])
def test_an_object_that_nobody_can_identify_is_no_object(change: dict[str, object]) -> None:
    for reader in READERS:
        with pytest.raises(msgspec.ValidationError):
            reader(IDENTITY | change)
