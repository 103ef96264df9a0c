"""Labels → keys, byte for byte as the official operator makes them."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onepassword_operator.rules.contents.key_syntax import is_valid_key, secret_key, secret_name

# From the official operator's tests, or computed from its algorithm. A valid label is its own key, which is a property below.
KEYS = {
    "first host": "first-host",
    "😄 ice-cream type": "ice-cream-type",
    "label w%th invalid ch!rs-": "label-w-th-invalid-ch-rs-",
    "x" * 254: "x" * 253,
    "ä" + "x" * 300: "x" * 253,
    "x" * 252 + " y": "x" * 252 + "-",
    "x " * 300: "x-" * 126 + "x",
    "": "",
    "   ": "",
    "###": "",
    "foo::bar": "foo-bar",
    "foo - bar": "foo---bar",
    "_FOO_": "_FOO_",
    "Passwörter": "Passw-rter",
    "Ключ": "",
    " a b ": "a-b",
    "$FOO$": "FOO",
    "foo\n": "foo",
    "foo\nbar": "foo-bar",
    "\nfoo": "foo",
    ". x": ".-x",
    "..foo": "..foo",
    ".. x": "..-x",
    "\ud83d lone": "lone",
    "a\u0663b": "a-b",
}


@pytest.mark.parametrize(("label", "key"), KEYS.items())
def test_a_label_becomes_the_key_that_the_official_operator_makes_of_it(label: str, key: str) -> None:
    assert secret_key(label) == key


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("a", True),
        ("a.B-c_9", True),
        (".a", True),
        (".-", True),
        ("-", True),
        ("_", True),
        ("x" * 253, True),
        ("x" * 254, False),
        ("", False),
        (".", False),
        ("..", False),
        ("...", False),
        ("..a", False),
        ("a..", True),
        ("a b", False),
        ("a\n", False),
        ("ä", False),
        ("٣", False),
        ("\ud83d", False),
    ],
)
def test_a_key_is_valid_exactly_if_the_api_server_takes_it(text: str, *, valid: bool) -> None:
    assert is_valid_key(text) is valid


LABELS = st.text(st.characters(), max_size=20) | st.text(st.sampled_from("ab.-_ ä/\n"), max_size=300)


@given(LABELS)
@example(". x")
def test_a_key_is_valid_or_empty_or_one_of_the_dotted_ones_that_are_reported(label: str) -> None:
    key = secret_key(label)
    assert is_valid_key(key) or not key or key == "." or key.startswith("..")


@given(LABELS)
def test_a_key_stays_what_it_is(label: str) -> None:
    assert secret_key(secret_key(label)) == secret_key(label)


@given(LABELS)
def test_a_valid_label_is_its_own_key(label: str) -> None:
    if is_valid_key(label):
        assert secret_key(label) == label


@given(LABELS)
def test_a_key_keeps_the_valid_characters_of_its_label_in_order(label: str) -> None:
    kept = re.sub(r"[^-._a-zA-Z0-9]", "", label)
    assert re.sub("-", "", secret_key(label)) in re.sub("-", "", kept)
    if len(label) <= 253:
        assert re.sub("-", "", secret_key(label)) == re.sub("-", "", kept)


NAMES = {
    "db": "db",
    "db.prod-1": "db.prod-1",
    "someName": "somename",
    "inV@l1d k8s secret%name": "inv-l1d-k8s-secret-name",
    "my_secret": "my-secret",
    "-db.": "db",
    ".db-": "db",
    "a.-b": "a.-b",
    "a..b": "a..b",
    "x" * 253: "x" * 253,
    "x" * 254: "x" * 253,
    "X" * 252 + " y": "x" * 252,
    "İzmir": "izmir",
    "\u212aelvin": "kelvin",
    "ÄÖ db": "db",
    "db\n": "db",
    "": "",
    "###": "",
}


@pytest.mark.parametrize(("text", "name"), NAMES.items())
def test_an_item_name_becomes_the_secret_name_that_the_official_operator_makes_of_it(text: str, name: str) -> None:
    assert secret_name(text) == name


@given(LABELS)
def test_a_name_is_clean_and_stays_what_it_is(text: str) -> None:
    name = secret_name(text)
    assert re.fullmatch(r"([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?)?", name)
    assert secret_name(name) == name
