"""The members of `spec` that shape a Secret: what they mean, and what is wrong with them, by its place."""

import copy
import weakref
from typing import Any

import pytest

from onepassword_operator.model import names
from onepassword_operator.model.errors import SpecError
from onepassword_operator.model.recipe import Bundle, BundleFormat, Entry, Escape, Format, Part, Recipe, Registry, Shape
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, Rendering
from onepassword_operator.wire import onepassword_item

DB = "vaults/v/items/db"
ITEMS = [{"itemPath": DB}]
GLOBS = {"format": "JSON", "include": ["*"] * 64}
UNCLOSED = {"server": "ghcr.io", "username": "$(u", "password": "$(p)"}
HUBS = [{"server": server, "username": "u", "password": "p"} for server in ("docker.io", "https://index.docker.io/v1/")]
REGISTRY = {"server": "ghcr.io", "username": "u", "password": "p"}


def claim(spec: dict[str, Any], **metadata: Any) -> Claim:
    raw = {"metadata": {"namespace": "team", "name": "db", "uid": "u", "resourceVersion": "1", **metadata}, "spec": spec}
    return onepassword_item.from_dict(raw, Rendering())


def test_equal_recipes_are_one_object_while_one_of_them_is_kept() -> None:
    spec = {"items": ITEMS, "data": [{"key": "k", "field": "f"}]}
    first, again = claim(spec), claim(copy.deepcopy(spec), name="other", uid="v")
    assert again.shaped is first.shaped
    elsewhere = claim(spec | {"items": [{"itemPath": "vaults/v/items/api"}]})
    assert elsewhere.shaped != first.shaped
    assert elsewhere.recipe.shape is first.recipe.shape
    kept = weakref.ref(first.shaped or Recipe(()))
    del first, again
    assert kept() is None


def problem(spec: dict[str, Any]) -> str:
    with pytest.raises(SpecError) as wrong:
        claim(spec).recipe.items()
    return str(wrong.value)


def test_a_path_alone_is_no_shape() -> None:
    for spec in ({"itemPath": DB}, {"itemPath": DB, "items": None, "data": None}, {}):
        assert claim(spec).shaped is None


def test_every_member_is_read() -> None:
    spec = {
        "items": [{"itemPath": DB, "prefix": "DB_"}, {"itemPath": "op://v/api", "optional": True}],
        "include": ["*"],
        "exclude": ["a", "b*"],
        "data": [
            {"key": "k", "field": "f", "optional": True, "format": "OTPSecret"},
            {"key": "u", "value": "$(a)", "escape": "URL"},
            {"key": "r", "ref": "op://v/z/f?ssh-format=openssh"},
            {"key": "e", "bundle": {"format": "Dotenv", "exclude": ["x"]}},
            {"key": "d", "dockerConfig": {"registries": [{"server": "s", "username": "u", "password": "$(op://v/c/f)"}]}},
        ],
    }
    entries = (
        Entry("k", field="f", optional=True, format=Format.OTP_SECRET),
        Entry("u", value="$(a)", escape=Escape.URL),
        Entry("r", field="op://v/z/f?ssh-format=openssh"),
        Entry("e", bundle=Bundle(BundleFormat.DOTENV, exclude=("x",))),
        Entry("d", registries=(Registry("s", "u", "$(op://v/c/f)"),)),
    )
    referred = [Part(f"vaults/v/items/{item}", by_reference=True) for item in ("c", "z")]
    parts = (Part(DB, "DB_"), Part("vaults/v/items/api", optional=True), *referred)
    assert claim(spec).recipe == Recipe(parts, Shape(("*",), ("a", "b*"), entries))


def test_an_item_is_optional_if_all_that_refer_to_it_are() -> None:
    for optional, expected in (("y", [True]), ("yy", [True]), ("yn", [False]), ("", [])):
        data = [{"key": str(n), "value": "$(op://v/i/f)", "optional": each == "y"} for n, each in enumerate(optional)]
        assert [part.optional for part in claim({"items": ITEMS, "data": data}).recipe.parts[1:]] == expected


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"include": ["*"]}, "spec: items is missing"),
        ({"items": []}, "spec.items: "),
        ({"items": ITEMS * 33}, "spec.items: "),
        ({"items": "all"}, "spec.items: "),
        ({"items": [{}]}, "spec.items[0]: itemPath is missing"),
        ({"items": [{"itemPath": DB, "prefx": "a"}]}, "spec.items[0]: Object contains unknown field `prefx`"),
        ({"items": [{"itemPath": DB, "prefix": "a b"}]}, "spec.items[0].prefix"),
        ({"items": [{"itemPath": "op://v/db/password"}]}, "names a field"),
        ({"items": [{"itemPath": "op://v"}]}, "no op://<vault>/<item>"),
        ({"items": [{"itemPath": "op:///db"}]}, "spec.items[0]: op:///db has an empty segment"),
        ({"items": [{"itemPath": "db"}]}, 'spec.items[0]: itemPath "db" must have the form'),
        ({"items": ITEMS, "itemPath": DB}, "itemPath and items exclude each other"),
        ({"items": ITEMS, "include": []}, "spec.include: "),
        ({"items": ITEMS, "exclude": ["[a]"]}, "spec.exclude[0]"),
        ({"items": ITEMS, "data": [{"key": "a"}]}, "spec.data[0]: exactly one of field, ref, value, bundle and dockerConfig"),
        ({"items": ITEMS, "data": [{"key": "a", "field": "b", "value": "c"}]}, "exactly one of field, ref"),
        ({"items": ITEMS, "data": [{"key": "a", "field": "b", "escape": "URL"}]}, "escape is for value only"),
        ({"items": ITEMS, "data": [{"key": "a", "value": "b", "escape": "HTML"}]}, "'HTML'"),
        ({"items": ITEMS, "data": [{"key": "a", "value": "b", "format": "OpenSSH"}]}, "format is for field and ref only"),
        ({"items": ITEMS, "data": [{"key": "a", "field": "op://v/i/f"}]}, "a secret reference stands in ref"),
        ({"items": ITEMS, "data": [{"key": "a", "ref": "op://v/i"}]}, "spec.data[0]: a secret reference to a field is"),
        ({"items": ITEMS, "data": [{"key": "a", "value": "$(op://v/i)"}]}, "spec.data[0]: a secret reference to a field is"),
        ({"items": ITEMS, "data": [{"key": "a", "ref": "op://v/i/f?ssh-format=openssh", "format": "OpenSSH"}]}, "exclude each other"),
        ({"items": ITEMS, "data": [{"key": f"k{n}", "ref": f"op://v/i{n}/f"} for n in range(32)]}, "spec: items and secret references"),
        ({"items": ITEMS, "data": [{"key": "a", "value": "$(b) $(c"}]}, 'spec.data[0]: "$(" without ")"; write $$('),
        ({"items": ITEMS, "data": [{"key": "a", "dockerConfig": {"registries": [UNCLOSED]}}]}, '"$(" without ")"'),
        ({"items": ITEMS, "include": ["a*" * 9]}, "spec.include[0]"),
        ({"items": ITEMS, "data": [{"key": "a", "bundle": {"format": "TOML"}}]}, "'TOML'"),
        ({"items": ITEMS, "data": [{"key": "a", "dockerConfig": {"registries": HUBS}}]}, "one server twice"),
        ({"items": ITEMS, "data": [{"key": "a", "bundle": {"format": "JSON", "include": []}}]}, "spec.data[0].bundle.include"),
        ({"items": ITEMS, "data": [{"key": f"k{n}", "bundle": GLOBS} for n in range(5)]}, "the bundles have 320 globs"),
        ({"items": ITEMS, "data": [{"key": "a", "dockerConfig": {"registries": [REGISTRY, REGISTRY]}}]}, "one server twice"),
        ({"items": ITEMS, "data": [{"key": "a b", "field": "c"}]}, "is no key of a Secret"),
        ({"items": ITEMS, "data": [{"key": "..", "field": "c"}]}, "is no key of a Secret"),
        ({"items": ITEMS, "data": [{"key": "a", "field": ""}]}, "spec.data[0].field"),
        ({"items": ITEMS, "data": [{"key": "a", "value": "x" * 65537}]}, "spec.data[0].value"),
        ({"items": ITEMS, "data": [{"key": f"k{n}", "value": "x" * 60_000} for n in range(5)]}, "spec: data has 300000 characters"),
        ({"items": ITEMS, "data": [{"key": "a", "field": "b"}] * 2}, "data makes one key twice"),
        ({"items": ITEMS, "target": {"name": "A_b"}}, "spec.target: name is no name of a Secret"),
        ({"items": ITEMS, "target": {"labels": {names.MANAGED: "false"}}}, "reserved"),
        ({"items": ITEMS, "target": {"annotations": {names.RECIPE: "x"}}}, "reserved"),
        ({"items": ITEMS, "target": {"annotations": {names.LAST_APPLIED: "x"}}}, "reserved"),
        ({"items": ITEMS, "target": {"labels": {"a": "b c"}}}, 'label "a", or its value, is none'),
        ({"items": ITEMS, "target": {"labels": {"a": "b" * 64}}}, 'label "a", or its value, is none'),
        *(
            ({"items": ITEMS, "target": {"annotations": {name: ""}}}, f'annotation "{name[:100]}" is none')
            for name in ("a b", "", "/x", "a/", "a..b/x", "a/b/c", "A/x", "a" * 64, "a" * 254 + "/x")
        ),
        ({"items": ITEMS, "fieldMapping": {"a": "b"}}, "fieldMapping is not known here"),
        ({"itemPath": DB, "fieldMapping": {"a": "b"}}, "fieldMapping is not known here"),
    ],
)
def test_what_is_wrong_is_told_by_its_place_and_asks_for_nothing(spec: dict[str, Any], words: str) -> None:
    assert words in problem(spec)
    assert claim(spec).key == SecretKey("team", "db")


def test_what_is_wrong_elsewhere_asks_for_no_other_secret() -> None:
    for items, labels in (([], {}), (ITEMS, {names.MANAGED: "x"})):
        made = claim({"items": items, "target": {"name": "a-db", "labels": labels}})
        assert (made.key, bool(made.recipe.problem)) == (SecretKey("team", "a-db"), True)
