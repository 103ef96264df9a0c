"""Items and a recipe: the keys that are chosen, renamed and made, and the errors that name names, never values."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Sequence
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import (
    FieldAmbiguousError,
    FieldNotFoundError,
    KeyConflictError,
    NotConvertibleError,
    NotTextError,
    NoUsableFieldsError,
    RefusedError,
    SecretTooLargeError,
    SpecError,
)
from onepassword_operator.model.item import Field, File, Item, Url
from onepassword_operator.model.recipe import Bundle, BundleFormat, Entry, Escape, Format, Part, Recipe, Registry
from onepassword_operator.model.target import Rendering
from onepassword_operator.rules.contents import formats, item_to_data, shape
from onepassword_operator.rules.contents.item_to_data import MAXIMUM_BYTES
from unit.rules import samples
from unit.rules.contents.items import API, BOTH, DB, REFERRED, REFS, data, field, shaped

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


def test_a_key_is_converted_bundled_or_made_for_a_registry() -> None:
    entries = [
        Entry("b64", field="API_token", format=Format.BASE64_ENCODED),
        Entry("env", bundle=Bundle(BundleFormat.DOTENV, include=("API_*", "*user*"), exclude=("*token",))),
        Entry("docker", registries=(Registry("r", "$(DB_username)", "$(op://v/refs/password)"),)),
        Entry("none", bundle=Bundle(BundleFormat.JSON, include=("nobody",)), optional=True),
    ]
    made = data(shaped(*entries, parts=(*BOTH, REFERRED)), DB, API, REFS)
    assert made["b64"] == "Y2FuYXJ5LXRva2Vu"
    assert made["env"] == "API_password='canary-api'\nDB_username='canary-user'\n"
    assert '"username": "canary-user", "password": "canary-ref"' in made["docker"]
    assert set(made) == {"b64", "env", "docker"}


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
        (
            shaped(Entry("x", field="op://v/refs/host")),
            FieldAmbiguousError,
            'add its section, or name it by its ID: "one/host", "two/host"',
        ),
        (shaped(Entry("x", field="op://v/refs/CASE")), FieldAmbiguousError, '"op://v/refs/CASE"'),
        (shaped(Entry("x", field="op://v/refs/nothing")), FieldNotFoundError, "is empty"),
        (shaped(Entry("x", field="op://v/refs/two/hots")), FieldNotFoundError, 'near: "two/host"'),
        (shaped(Entry("x", field="op://v/refs/pasword")), FieldNotFoundError, 'near: "password"'),
        (shaped(Entry("x", field="op://v/refs/case?ssh-format=openssh")), NotConvertibleError, "a private key"),
        (shaped(Entry("x", field="DB_ca.pem", format=Format.OTP_SECRET)), NotConvertibleError, '"DB_ca.pem"'),
        (shaped(Entry("x", bundle=Bundle(BundleFormat.JSON, include=("nobody",)))), FieldNotFoundError, 'bundle of key "x"'),
        (shaped(Entry("x", bundle=Bundle(BundleFormat.JSON)), parts=[Part("a"), Part("b")]), KeyConflictError, '"password"'),
        (shaped(Entry("x", bundle=Bundle(BundleFormat.JSON))), NotTextError, '"DB_ca.pem"'),
    ],
)
def test_what_does_not_fit_is_refused_with_names_and_never_with_values(recipe: Recipe, error: type[RefusedError], words: str) -> None:
    with pytest.raises(error) as refused:
        data(Recipe((*recipe.parts, REFERRED), recipe.shape), DB, API, REFS)
    assert words in str(refused.value)
    assert "canary" not in str(refused.value)


def test_an_optional_key_is_left_out_while_there_is_no_such_field_and_reported_as_nothing_to_mend() -> None:
    recipe = shaped(Entry("x", field="DB_username"), Entry("y", field="gone", optional=True), Entry("z", value="$(gone)", optional=True))
    rendered = shape.render(recipe, (DB, API), rendering=Rendering())
    assert set(rendered.data) == {"x"}
    assert {"y", "z"} <= {skipped.label for skipped in rendered.skipped if not skipped.worth_reporting}


def test_a_name_that_is_chosen_or_left_out_and_not_there_is_reported_for_it_may_be_misspelt() -> None:
    rendered = shape.render(
        shaped(include=["*", "DB_pasword"], exclude=["DB_username", "DB_usrname", "x*"]), (DB, API), rendering=Rendering()
    )
    told = {(skipped.label, skipped.remedy): skipped.why for skipped in rendered.skipped if skipped.worth_reporting}
    assert set(told) == {("DB_pasword", "correct include"), ("DB_usrname", "correct exclude")}
    assert all("near: " in why for why in told.values())


def test_the_names_of_bundles_count_as_well_and_those_that_an_absent_item_may_give_do_not() -> None:
    bundle = Bundle(BundleFormat.JSON, exclude=("DB_ca.pem", "API_pasword"))
    parts = (*BOTH, Part("vaults/v/items/mail", "M_", optional=True))
    recipe = shaped(Entry("all", bundle=bundle), include=["M_password", "API_token"], parts=parts)
    rendered = shape.render(recipe, (DB, API, None), rendering=Rendering())
    assert [(each.label, each.remedy) for each in rendered.skipped if each.worth_reporting] == [("API_pasword", 'correct exclude of "all"')]


def _item(count: int, *, section: str = "") -> Item:
    """Return an item with so many fields, URLs and files; three have names of 14 characters, and the section twice."""
    value = Confidential(b"x")
    fields = tuple(Field(label=f"f{n}", value=value, id="i", section=section, section_id="s") for n in range(count - 2))
    file = File(name="file", content=value, id="i", section=section, section_id="s")
    return Item(id="i", vault_id="v", title="i", version=1, urls=(Url(label="urls", href=value),), fields=fields, files=(file,))


BUNDLES = [Entry(f"k{number}", bundle=Bundle(BundleFormat.JSON, exclude=("x*",))) for number in range(256)]
KEY = "op://v/refs/password?ssh-format=openssh"
CONVERTED = [
    *(Entry(f"k{number}", field="f0", format=Format.OPENSSH) for number in range(14)),
    Entry("l", field=KEY),
    Entry("m", value=f"$({KEY})$(op://v/refs/password)"),
    Entry("n", registries=(Registry("r", f"$({KEY})", "f0"),)),
]


@pytest.mark.parametrize(
    ("recipe", "item", "words"),
    [
        (shaped(*BUNDLES, parts=[Part("a")]), _item(400), "307600 comparisons with the items' 400 fields, more than 200000"),
        (shaped(parts=[Part("a", f"{n}-") for n in range(3)]), _item(6_667), "20001 fields, URLs and files, more than 20000"),
        (shaped(parts=[Part("a"), REFERRED, REFERRED._replace(path="b")]), _item(6_667), "20001 fields, URLs and files"),
        (shaped(include=["f0"], parts=[Part("a")]), _item(3, section="s" * 1_048_570), "2097154 characters, more than 2097152"),
        (shaped(*CONVERTED, parts=[Part("a")]), _item(3), "17 private keys to OpenSSH, more than 16; spread them over several Secrets"),
    ],
)
def test_more_than_is_made_in_a_moment_is_refused_before_any_of_it_is_made(
    recipe: Recipe, item: Item, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An item of 4 MiB that 32 parts name would take seconds, in which nobody else is served."""
    monkeypatch.delattr(item_to_data, "keys")
    with pytest.raises(SpecError, match=words):
        data(recipe, *[item] * len(recipe.parts))
    held = dataclasses.replace(samples.BARE_SECRET, data={})
    assert not shape.gives(recipe, [item] * len(recipe.parts), observed=held, rendering=Rendering())


@pytest.mark.parametrize(
    ("recipe", "item", "error"),
    [
        (shaped(include=["0-f0"], parts=[Part("a", f"{n}-") for n in range(32)]), _item(625), None),
        (shaped(include=["f0"], parts=[Part("a")]), _item(3, section="s" * 1_048_569), None),
        (shaped(*CONVERTED[1:], parts=[Part("a"), REFERRED]), _item(3), NotConvertibleError),
        (shaped(*BUNDLES, parts=[Part("a"), REFERRED]), _item(200), None),  # whose other 200 are compared with nothing
        (Recipe((Part("a"),)), _item(20_001), None),
    ],
)
def test_up_to_the_limits_each_item_is_rendered_once_and_a_plain_recipe_knows_none(
    recipe: Recipe, item: Item, error: type[RefusedError] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = Mock(side_effect=item_to_data.keys)
    monkeypatch.setattr(item_to_data, "keys", keys)
    with pytest.raises(error) if error else contextlib.nullcontext():
        assert data(recipe, *[item] * len(recipe.parts))
    assert keys.call_count == 1


def test_what_gives_no_key_at_all_is_told_with_everything_that_is_not_there() -> None:
    parts = (BOTH[1], Part("vaults/v/items/mail", "M_", optional=True))
    for recipe, words in (
        (
            shaped(include=["nobody"], parts=parts),
            ["vaults/v/items/mail (optional) is not there", 'keep none of "API_password", "API_token"'],
        ),
        (shaped(Entry("A", field="M_x", optional=True), parts=parts), ["vaults/v/items/mail (optional)", 'what "A" may be made of']),
    ):
        with pytest.raises(NoUsableFieldsError) as refused:
            shape.render(recipe, (API, None), rendering=Rendering())
        assert all(each in str(refused.value) for each in words)


def test_every_key_of_every_item_is_in_the_secret_or_skipped_with_a_reason() -> None:
    rendered = shape.render(shaped(include=["*_password"], exclude=["API_*"]), (DB, API), rendering=Rendering())
    assert set(rendered.data) == {"DB_password"}
    assert ALL - set(rendered.data) <= {skipped.label for skipped in rendered.skipped if skipped.why}


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


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [Entry("x", field="big")],
        [Entry("x", value="$(big)")],
        [Entry("x", value="$(half)" * 3)],
        [Entry("x", field="big", format=Format.BASE64_ENCODED)],
        [Entry("x", bundle=Bundle(BundleFormat.JSON))],
    ],
)
def test_more_than_a_secret_holds_is_refused_before_it_is_written_out(entries: list[Entry], monkeypatch: pytest.MonkeyPatch) -> None:
    """Written out, a megabyte may take many times as much."""
    monkeypatch.delattr(formats, "bundled")
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
VALUES = st.just("") | st.text("canry$()'=", max_size=8).map("VALUE".__add__)
FIELDS = st.builds(field, NAMES, VALUES, id=st.sampled_from(["", "i1", "i2", "a"]), section=NAMES)
ITEMS = st.lists(FIELDS, max_size=4).map(lambda fields: Item(id="i", vault_id="v", title="t", version=1, fields=tuple(fields)))
REFERENCES = st.sampled_from([f"op://v/r/{rest}" for rest in ("a", "A", "s/a", "i1", "x y", "a?ssh-format=openssh")])
TEXTS = st.lists(st.sampled_from(["$(a)", "$(0_a)", "$$", "$(op://v/r/a)", "b", "$("]), max_size=4).map("".join)
KEYS = st.sampled_from(["a", "b", "k", "l"])
OPTIONAL = st.booleans()
FORMATS, ESCAPES, FILES = (st.sampled_from(list(each)) for each in (Format, Escape, BundleFormat))
REGISTRIES = st.builds(Registry, st.just("r"), TEXTS, TEXTS).map(lambda each: (each,))
ENTRIES = st.one_of(
    st.builds(
        lambda key, name, to, optional: Entry(key, field=name, format=to, optional=optional), KEYS, NAMES | REFERENCES, FORMATS, OPTIONAL
    ),
    st.builds(lambda key, text, escape, optional: Entry(key, value=text, escape=escape, optional=optional), KEYS, TEXTS, ESCAPES, OPTIONAL),
    st.builds(lambda key, file, optional: Entry(key, bundle=Bundle(file), optional=optional), KEYS, FILES, OPTIONAL),
    st.builds(lambda key, registries, optional: Entry(key, registries=registries, optional=optional), KEYS, REGISTRIES, OPTIONAL),
)
GLOBS = st.none() | st.lists(st.text("ab*?.-", min_size=1, max_size=4), min_size=1, max_size=3)


@given(st.lists(ITEMS, min_size=1, max_size=3), st.lists(ENTRIES, max_size=3, unique_by=lambda entry: entry.key), GLOBS, GLOBS)
def test_any_items_and_recipe_give_the_same_bytes_again_or_are_refused(
    items: list[Item], entries: list[Entry], include: list[str] | None, exclude: list[str] | None
) -> None:
    parts = [*(Part("p", f"{n}_") for n in range(len(items) - 1)), Part("vaults/v/items/r", by_reference=True)]
    recipe = shaped(*entries, include=include, exclude=exclude or (), parts=parts)
    results: list[object] = []
    for _ in range(2):
        try:
            results.append(shape.render(recipe, items, rendering=Rendering()))
        except RefusedError as error:
            results.append(str(error))
    assert results[0] == results[1]
    assert "VALUE" not in str(results)


@given(st.permutations(DB.fields[:3] + DB.fields[4:]))
def test_the_order_of_fields_does_not_matter_where_names_are_unique(fields: Sequence[Field]) -> None:
    recipe = shaped(Entry("x", value="$(DB_username)$(f2)"), include=["*"])
    moved, sorted_ = (dataclasses.replace(DB, fields=tuple(each)) for each in (fields, DB.fields[:3] + DB.fields[4:]))
    assert data(recipe, moved, API) == data(recipe, sorted_, API)
