"""Items and a recipe: the keys that are chosen, renamed and made, and the errors that name names, never values."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import (
    FieldAmbiguousError,
    FieldNotFoundError,
    KeyConflictError,
    NoUsableFieldsError,
    RefusedError,
    SecretTooLargeError,
)
from onepassword_operator.model.item import Field, File, Item, Url
from onepassword_operator.model.recipe import Entry, Escape, Part, Recipe, Shape
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.secret import shape
from onepassword_operator.rules.secret.item_to_data import MAXIMUM_BYTES
from unit.rules import samples


def field(label: str, value: str, *, id: str = "", section: str = "") -> Field:  # noqa: A002  its name in 1Password
    return Field(label=label, value=Confidential.of_text(value), id=id, section=section)


DB = Item(
    id="db",
    vault_id="v",
    title="db",
    version=1,
    urls=(Url(label="website", href=Confidential(b"canary-url")),),
    fields=(
        field("username", "canary-user", id="f1"),
        field("password", "canary-password", id="f2"),
        field("host", "canary-a", id="f3", section="Primary"),
        field("host", "canary-b", id="f4", section="Replica"),
        field("first name", "canary-first", id="f5", section="Primary"),
        field("nothing", "", id="f6"),
    ),
    files=(File(name="ca.pem", content=Confidential(b"canary-\xff"), id="f7", section="Files"),),
)
API = Item(
    id="api", vault_id="v", title="api", version=1, fields=(field("password", "canary-api", id="g1"), field("token", "canary-token"))
)
BOTH = (Part("vaults/v/items/db", "DB_"), Part("vaults/v/items/api", "API_"))


def shaped(*data: Entry, include: Sequence[str] | None = None, exclude: Sequence[str] = (), parts: Sequence[Part] = BOTH) -> Recipe:
    return Recipe(tuple(parts), Shape(None if include is None else tuple(include), tuple(exclude), tuple(data)))


def data(recipe: Recipe, *items: Item, allow_empty: bool = False) -> dict[str, str]:
    rendered = shape.render(recipe, items or (DB, API), rendering=Rendering(allow_empty_values=allow_empty))
    return {key: value.reveal().decode("utf-8", "replace") for key, value in rendered.data.items()}


ALL = {"DB_website", "DB_username", "DB_password", "DB_host", "DB_first-name", "DB_ca.pem", "API_password", "API_token"}


@pytest.mark.parametrize(
    ("include", "exclude", "made", "expected"),
    [
        (None, [], [], ALL),
        (["*"], [], [], ALL),
        (["*_password"], [], [], {"DB_password", "API_password"}),
        (["DB_username", "A*_*n"], [], [], {"DB_username", "API_token"}),
        (["D*_*_*", "*_to*ken*", "**API_token", "API_tok*token"], [], [], {"API_token"}),
        (None, ["DB_*"], [], {"API_password", "API_token"}),
        (["*"], ["*_password", "DB_*"], [], {"API_token"}),
        (None, [], ["x"], {"x"}),
        (["*_token"], [], ["x"], {"API_token", "x"}),
        (["*_token"], ["x"], ["x"], {"API_token", "x"}),
    ],
)
def test_keys_are_chosen_with_their_prefix_and_what_is_made_comes_last(
    include: list[str] | None, exclude: list[str], made: list[str], expected: set[str]
) -> None:
    entries = [Entry(key, value="text") for key in made]
    assert set(data(shaped(*entries, include=include, exclude=exclude))) == expected


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


def test_a_made_key_wins_over_the_same_key_of_items_and_may_be_made_of_it() -> None:
    both = [Part("a"), Part("b")]
    entries = [Entry("password", field="f2"), Entry("url", value="$(username):$(f2)", escape=Escape.URL)]
    assert data(shaped(*entries, include=["password"], parts=both)) == {"password": "canary-password", "url": "canary-user:canary-password"}


@pytest.mark.parametrize(
    ("recipe", "error", "words"),
    [
        (shaped(parts=[Part("a"), Part("b")]), KeyConflictError, '"db" and "api" both give key "password"'),
        (shaped(Entry("x", field="DB_usernam")), FieldNotFoundError, '"DB_username"'),
        (shaped(Entry("x", value="$(DB_usernam)")), FieldNotFoundError, '"DB_usernam", which key "x"'),
        (shaped(Entry("x", field="nothing at all")), FieldNotFoundError, "there are"),
        (shaped(Entry("x", field="DB_nothing")), FieldNotFoundError, "is empty"),
        (shaped(Entry("x", field="f6")), FieldNotFoundError, "--allow-empty-values"),
        (shaped(Entry("x", field="DB_host")), FieldAmbiguousError, 'section: "DB_Primary.host", "DB_Replica.host"'),
        (shaped(Entry("x", field="password"), parts=[Part("a"), Part("b")]), FieldAmbiguousError, 'prefixes: "db", "api"'),
        (shaped(include=["nobody"]), NoUsableFieldsError, "include"),
    ],
)
def test_what_does_not_fit_is_refused_with_names_and_never_with_values(recipe: Recipe, error: type[RefusedError], words: str) -> None:
    with pytest.raises(error) as refused:
        data(recipe)
    assert words in str(refused.value)
    assert "canary" not in str(refused.value)


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


def test_an_optional_key_is_left_out_while_there_is_no_such_field_and_reported_as_nothing_to_mend() -> None:
    recipe = shaped(Entry("x", field="DB_username"), Entry("y", field="gone", optional=True), Entry("z", value="$(gone)", optional=True))
    rendered = shape.render(recipe, (DB, API), rendering=Rendering())
    assert set(rendered.data) == {"x"}
    assert {"y", "z"} <= {skipped.label for skipped in rendered.skipped if not skipped.worth_reporting}


def test_every_key_of_every_item_is_in_the_secret_or_skipped_with_a_reason() -> None:
    rendered = shape.render(shaped(include=["*_password"], exclude=["API_*"]), (DB, API), rendering=Rendering())
    assert set(rendered.data) == {"DB_password"}
    assert ALL - set(rendered.data) <= {skipped.label for skipped in rendered.skipped if skipped.why}


def test_fields_of_one_name_and_one_value_are_as_good_as_one() -> None:
    item = Item(id="i", vault_id="v", title="i", version=1, fields=(field("a", "same"), field("a", "same", section="s")))
    assert data(shaped(Entry("x", field="a"), parts=[Part("p")]), item) == {"x": "same"}


@pytest.mark.parametrize("prefix", [".", "p" * 100])
def test_a_key_that_is_none_with_its_prefix_is_skipped(prefix: str) -> None:
    item = Item(id="i", vault_id="v", title="i", version=1, fields=(field(".a", "x"), field("k" * 200, "x"), field("b", "x")))
    rendered = shape.render(shaped(parts=[Part("p", prefix)]), (item,), rendering=Rendering())
    assert prefix + "b" in rendered.data
    assert all(len(key) <= 253 and not key.startswith("..") for key in rendered.data)
    assert any("prefix" in skipped.why for skipped in rendered.skipped)


@pytest.mark.parametrize(("include", "reported"), [(None, True), (["*"], True), (["a*"], False), ([], False)])
def test_a_label_that_gives_no_key_is_reported_where_all_are_wanted(include: list[str] | None, *, reported: bool) -> None:
    item = Item(id="i", vault_id="v", title="i", version=1, fields=(field("ä", "x"), field("a", "x")))
    entries = [Entry("b", field="a")] if include == [] else []
    rendered = shape.render(shaped(*entries, include=include or None, parts=[Part("p")]), (item,), rendering=Rendering())
    assert any(skipped.worth_reporting for skipped in rendered.skipped) is reported


def test_empty_fields_count_where_the_operator_keeps_them() -> None:
    assert data(shaped(Entry("x", field="DB_nothing")), allow_empty=True) == {"x": ""}


@pytest.mark.parametrize("entries", [[], [Entry("x", field="big")], [Entry("x", value="$(big)")], [Entry("x", value="$(half)" * 3)]])
def test_more_than_a_secret_holds_is_refused(entries: list[Entry]) -> None:
    fields = (field("half", "x" * (MAXIMUM_BYTES // 2)), field("big", "x" * (MAXIMUM_BYTES + 1)))
    item = Item(id="i", vault_id="v", title="i", version=1, fields=fields)
    with pytest.raises(SecretTooLargeError):
        data(shaped(*entries, parts=[Part("a")]), item)


def test_items_prove_a_secret_only_if_they_give_exactly_its_data() -> None:
    recipe = shaped(include=["API_token"])
    held = dataclasses.replace(samples.BARE_SECRET, data={"API_token": Confidential(b"canary-token")})
    assert shape.gives(recipe, (DB, API), observed=held, rendering=Rendering())
    plain = dataclasses.replace(held, data={"password": Confidential(b"canary-api"), "token": Confidential(b"canary-token")})
    assert shape.gives(Recipe((Part("vaults/v/items/api"),)), (API,), observed=plain, rendering=Rendering())
    for items, observed in (((DB,), held), ((DB, API), None), ((DB, DB), held), ((DB, API), samples.BARE_SECRET)):
        assert not shape.gives(recipe, items, observed=observed, rendering=Rendering())


NAMES = st.sampled_from(["a", "b", "a.b", "x y", "s", "i1", "", "*", "$(a)"])
FIELDS = st.builds(field, NAMES, st.text("canry$()", max_size=8), id=st.sampled_from(["", "i1", "i2", "a"]), section=NAMES)
ITEMS = st.lists(FIELDS, max_size=4).map(lambda fields: Item(id="i", vault_id="v", title="t", version=1, fields=tuple(fields)))
ENTRIES = st.builds(Entry, st.sampled_from(["a", "k"]), field=NAMES, optional=st.booleans()) | st.builds(
    Entry, st.sampled_from(["b", "l"]), value=st.text("$()ab*", max_size=12), escape=st.sampled_from(list(Escape))
)
GLOBS = st.none() | st.lists(st.text("ab*?.-", min_size=1, max_size=4), min_size=1, max_size=3)


@given(st.lists(ITEMS, min_size=1, max_size=3), st.lists(ENTRIES, max_size=3, unique_by=lambda entry: entry.key), GLOBS, GLOBS)
def test_any_items_and_recipe_give_the_same_bytes_again_or_are_refused(
    items: list[Item], entries: list[Entry], include: list[str] | None, exclude: list[str] | None
) -> None:
    recipe = shaped(*entries, include=include, exclude=exclude or (), parts=[Part("p", f"{n}_") for n in range(len(items))])
    try:
        first = shape.render(recipe, items, rendering=Rendering())
    except RefusedError:
        return
    assert first == shape.render(recipe, items, rendering=Rendering())


@given(st.permutations(DB.fields[:3] + DB.fields[4:]))
def test_the_order_of_fields_does_not_matter_where_names_are_unique(fields: Sequence[Field]) -> None:
    recipe = shaped(Entry("x", value="$(DB_username)$(f2)"), include=["*"])
    moved, sorted_ = (dataclasses.replace(DB, fields=tuple(each)) for each in (fields, DB.fields[:3] + DB.fields[4:]))
    assert data(recipe, moved, API) == data(recipe, sorted_, API)
