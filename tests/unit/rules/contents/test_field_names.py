"""How a field is named: by its key, by section and key, by its ID, or by a secret reference."""

from __future__ import annotations

import dataclasses

import pytest

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import FieldAmbiguousError, FieldNotFoundError
from onepassword_operator.model.item import Field, File, Item, Url
from onepassword_operator.model.recipe import Entry, Part
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.contents import shape
from unit.rules.contents.items import API, BOTH, DB, REFERRED, REFS, data, field, shaped


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DB_username", "canary-user"),
        ("DB_website", "canary-url"),
        ("API_password", "canary-api"),
        ("DB_Primary.host", "canary-a"),
        ("DB_Replica.host", "canary-b"),
        ("DB_Primary.first-name", "canary-first"),
        ("f3", "canary-a"),
        ("f7", "canary-\ufffd"),
        ("DB_Files.ca.pem", "canary-\ufffd"),
    ],
)
def test_a_field_is_found_by_its_key_or_by_section_and_key_or_by_its_id(name: str, expected: str) -> None:
    assert data(shaped(Entry("x", field=name))) == {"x": expected}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("op://v/refs/password", "canary-ref"),
        ("op://v/refs/PassWord", "canary-ref"),
        ("op://v/refs/h1", "canary-ref"),
        ("op://v/refs/one/host", "canary-1"),
        ("op://v/refs/s2/host", "canary-2"),
        ("op://v/refs/S2/HOST", "canary-2"),
        ("op://v/refs/Case", "canary-Case"),
        ("op://v/refs/token", "canary-top"),
        ("op://v/refs/one/token", "canary-below"),
        ("op://v/refs/first name", "canary-name"),
        ("op://v/refs/ca.pem", "canary-file"),
    ],
)
def test_a_secret_reference_finds_a_field_of_its_item_alone_and_gives_no_other_key(reference: str, expected: str) -> None:
    entries = (Entry("x", field=reference), Entry("y", value=f"<$({reference})>"))
    assert data(shaped(*entries, include=["API_token"], parts=(*BOTH, REFERRED)), DB, API, REFS) == {
        "API_token": "canary-token",
        "x": expected,
        "y": f"<{expected}>",
    }


def test_only_references_see_their_items_and_an_absent_one_is_forgiven_where_it_is_optional() -> None:
    parts = (*BOTH, REFERRED)
    with pytest.raises(FieldNotFoundError, match='"API_password"'):
        data(shaped(Entry("x", field="password"), parts=parts), DB, API, REFS)
    recipe = shaped(Entry("x", field="API_token"), Entry("y", field="op://v/refs/password", optional=True), parts=parts)
    assert set(shape.render(recipe, (DB, API, None), rendering=Rendering()).data) == {"x"}


def test_of_a_field_a_url_and_files_with_one_key_the_field_counts_then_the_url_and_files_alone_are_ambiguous() -> None:
    url, files = Url(label="a", href=Confidential(b"url")), tuple(File(name="a", content=Confidential(each)) for each in (b"f", b"g"))
    item = Item(id="i", vault_id="v", title="i", version=1, urls=(url,), fields=(field("a", "field"),), files=files)
    recipe = shaped(Entry("x", field="a"), parts=[Part("p")])
    assert data(recipe, item) == {"x": "field"}
    assert data(recipe, dataclasses.replace(item, fields=())) == {"x": "url"}
    with pytest.raises(FieldAmbiguousError):
        data(recipe, dataclasses.replace(item, fields=(), urls=()))


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("s.host", [field("host", "a", section="s"), field("host", "b", section="s")], "by its ID"),
        ("host", [field("h", "a", id="host"), field("i", "b", id="host", section="s")], "by its ID"),
        ("host", [field("host", "a"), field("host", "b")], "by its ID"),
    ],
)
def test_of_several_fields_of_a_name_a_better_name_is_shown(name: str, fields: list[Field], words: str) -> None:
    item = Item(id="i", vault_id="v", title="i", version=1, fields=tuple(fields))
    with pytest.raises(FieldAmbiguousError, match=words):
        data(shaped(Entry("x", field=name), parts=[Part("a")]), item)


@pytest.mark.parametrize(
    ("name", "there", "here"),
    [
        ("password", field("password", ""), field("password", "canary-2")),
        ("api.password", field("password", "canary-1", section="api"), field("api.password", "canary-2")),
        ("f1", field("host", "canary-1", id="f1"), field("f1", "canary-2")),
    ],
)
def test_a_name_that_means_different_things_in_two_items_is_ambiguous(name: str, there: Field, here: Field) -> None:
    """Nobody takes it over by a field of another item, and none steps in where a field was emptied."""
    one, two = (
        Item(id=f.value.reveal().decode(), vault_id="v", title=f"item {n}", version=1, fields=(f,)) for n, f in enumerate((there, here))
    )
    recipe = shaped(Entry("x", field=name), parts=[Part("a"), Part("b")])
    with pytest.raises(FieldAmbiguousError, match='give the items prefixes: "item 0", "item 1"'):
        data(recipe, one, two)
    within_one = dataclasses.replace(one, fields=(there, here))
    assert data(shaped(Entry("x", field=name), parts=[Part("a")]), within_one) == {"x": "canary-2"}


def test_a_reference_to_an_emptied_field_takes_no_value_from_a_section() -> None:
    item = Item(
        id="refs", vault_id="v", title="refs", version=1, fields=(field("token", ""), field("token", "canary-below", section="one"))
    )
    recipe = shaped(Entry("x", field="op://v/refs/token"), parts=[REFERRED])
    with pytest.raises(FieldNotFoundError, match="is empty"):
        data(recipe, item)
    assert data(recipe, item, allow_empty=True) == {"x": ""}


def test_fields_of_one_name_and_one_value_are_as_good_as_one() -> None:
    item = Item(id="i", vault_id="v", title="i", version=1, fields=(field("a", "same"), field("a", "same", section="s")))
    assert data(shaped(Entry("x", field="a"), parts=[Part("p")]), item) == {"x": "same"}


def test_empty_fields_count_where_the_operator_keeps_them() -> None:
    entries = (Entry("x", field="DB_nothing"), Entry("y", field="op://v/refs/nothing"))
    assert data(shaped(*entries, parts=(*BOTH, REFERRED)), DB, API, REFS, allow_empty=True) == {"x": "", "y": ""}
