"""The mapping, byte for byte: whatever item Connect delivers, the Secret's data are what the official operator would write.

`reference_mapping` says what that is. The three differences that are meant are in the test that compares.
"""

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dropin import reference_mapping as reference
from onepassword_operator.connect import schema
from onepassword_operator.connect.asked import ITEM, Asked
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NoUsableFieldsError
from onepassword_operator.model.item import File
from onepassword_operator.rules.contents import item_to_data
from onepassword_operator.rules.contents.key_syntax import is_valid_key, secret_key, secret_name

TRICKY = [
    *(
        "password",
        "first host",
        "first/host",
        "first::host",
        "😄 ice-cream type",
        "label w%th invalid ch!rs-",
        "private key",
        "Ключ",
        "###",
    ),
    *("", " ", "   ", ".", "..", "...", "..foo", ".. x", ". x", "/..", "/.", "-", "_", "a.", "-foo-", "foo - bar", " a b ", "$FOO$"),
    *("foo\n", "\nfoo", "foo\nbar", "foo\r\nbar", "a\u0000b", "a\u0663b", "\u212a", "ſ", "İ", "e\u0301", "👩‍👩‍👧", "\ufeffbom", "a\u2028b"),
    *("\ud83d", "\ude00\ud83d", "lone \udfff end", "x" * 253, "x" * 254, "y" * 252 + " z", "ä" + "x" * 300, "é" * 254, " " * 300 + "x"),
]
TEXT = st.text(st.characters() | st.characters(categories=["Cs"]), max_size=12)
LABELS = st.sampled_from(TRICKY) | st.text(st.sampled_from("ab.-_ /\n😄"), max_size=6) | TEXT
VALUES = st.sampled_from(["", "one", "two", "line\r\nline\n", " untrimmed ", "\u0000", "🔑", "\ud83d half"]) | TEXT
CONTENTS = st.sampled_from([b"", b"one", b"\x00\xff\xfe binary"]) | st.binary(max_size=8)


def _members(**strategies: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object in which now and then a member is null or missing."""
    whole = st.fixed_dictionaries(strategies)
    return whole | whole | whole | st.fixed_dictionaries({}, optional={name: st.none() | strategy for name, strategy in strategies.items()})


@dataclasses.dataclass(frozen=True)
class Delivery:
    """What Connect delivers of one item: its JSON, and what the content endpoint of each file answers."""

    body: bytes
    files: tuple[tuple[str | None, bytes], ...]

    @property
    def contents(self) -> dict[str, bytes]:
        return {f"file-{number}": content for number, (_, content) in enumerate(self.files)}


def _delivery(
    urls: list[dict[str, Any]] | None, fields: list[dict[str, Any]] | None, files: list[tuple[dict[str, Any], bytes]]
) -> Delivery:
    described = [entry | {"id": f"file-{number}"} for number, (entry, _) in enumerate(files)]
    item = {"id": "i", "vault": {"id": "v"}, "title": "t", "version": 1, "urls": urls, "fields": fields, "files": described}
    return Delivery(body=json.dumps(item).encode(), files=tuple((entry.get("name"), content) for entry, content in files))


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """Few labels for many parts, so that parts meet."""
    labels = st.sampled_from(draw(st.lists(LABELS, min_size=1, max_size=3))) | LABELS
    url = _members(label=labels, href=VALUES, primary=st.booleans())
    field = _members(
        label=labels,
        value=VALUES,
        id=st.sampled_from(["f1", "notesPlain"]),
        type=st.sampled_from(["STRING", "OTP", "CONCEALED"]),
        purpose=st.sampled_from(["USERNAME", "PASSWORD", "NOTES", ""]),
        section=st.fixed_dictionaries({"id": st.sampled_from(["s1", "s2"])}),
        totp=st.just("123456"),
    )
    files = draw(st.lists(st.tuples(_members(name=labels), CONTENTS), max_size=3))
    return _delivery(draw(st.none() | st.lists(url, max_size=4)), draw(st.none() | st.lists(field, max_size=4)), files)


def ours(delivery: Delivery, *, allow_empty: bool) -> tuple[dict[bytes, bytes], list[str]] | None:
    """What this operator makes of it: data, and the labels that people are told of; None if it refuses the item."""
    wire = schema.decode_one(schema.WireItem, delivery.body, asked=Asked(ITEM, "http://connect"))
    contents = delivery.contents
    files = tuple(File(name=file.name or "", content=Confidential(contents[file.id])) for file in wire.files or ())
    try:
        rendered = item_to_data.render(wire.to_model(files), allow_empty=allow_empty)
    except NoUsableFieldsError:
        return None
    data = {key.encode(): value.reveal() for key, value in rendered.data.items()}
    return data, [skip.label for skip in rendered.skipped if skip.worth_reporting]


def expected(delivery: Delivery, *, allow_empty: bool) -> tuple[reference.Outcomes, set[bytes]]:
    """What the official operator makes of it, and the keys with a value for which the API server refuses the Secret."""
    made = reference.build_secret_data(delivery.body, contents=delivery.contents, allow_empty=allow_empty)
    accepted = {key: values for key, values in made.items() if reference.is_config_map_key(key)}
    return accepted, {key for key, values in made.items() if key not in accepted and any(values)}


@pytest.mark.official(4, 5, 6, 8, 9, 10)
@settings(deadline=None, max_examples=1500)
@given(delivery=deliveries(), allow_empty=st.booleans())
def test_data_are_what_the_official_operator_writes(delivery: Delivery, *, allow_empty: bool) -> None:
    made = ours(delivery, allow_empty=allow_empty)
    possible, refused = expected(delivery, allow_empty=allow_empty)
    # Difference 1: an item that gives no key is refused and told; the official operator writes a Secret without data.
    assert (made is None) == (not possible)
    if made is None:
        return
    data, reported = made
    assert data.keys() == possible.keys()
    # Difference 2: where labels of URLs give one key, the official winner is random; ours is one of those, and always the same one.
    assert all(data[key] in values for key, values in possible.items())
    assert ours(delivery, allow_empty=allow_empty) == made
    # Difference 3: a key that the API server refuses is left out alone and told; the official operator can't write the Secret at all.
    assert refused <= {reference.format_data_key(reference.go_string(label)) for label in reported}


@settings(deadline=None)
@given(delivery=deliveries(), allow_empty=st.booleans())
def test_sections_purposes_types_ids_and_codes_have_no_say(delivery: Delivery, *, allow_empty: bool) -> None:
    bare = json.loads(delivery.body)
    for field in bare["fields"] or ():
        for name in ("section", "purpose", "type", "id", "totp"):
            field.pop(name, None)
    stripped = dataclasses.replace(delivery, body=json.dumps(bare).encode())
    assert ours(stripped, allow_empty=allow_empty) == ours(delivery, allow_empty=allow_empty)


@pytest.mark.official(10, 11)
@settings(deadline=None, max_examples=1000)
@given(LABELS)
@example("İstanbul DB")
def test_a_label_becomes_the_key_that_the_official_operator_makes_of_it(label: str) -> None:
    key = reference.format_data_key(reference.go_string(label))
    assert secret_key(label).encode() == key
    assert is_valid_key(secret_key(label)) == reference.is_config_map_key(key)


NAMES = st.text(st.sampled_from("abXYZ019.-_ @İK/\n"), max_size=12) | st.sampled_from([t for t in TRICKY if t.isprintable()]) | st.text()


@pytest.mark.official(7, 11)
@settings(deadline=None, max_examples=1000)
@given(NAMES)
@example("İstanbul")
@example("\u212aelvin")
@example("a.-b")
@example("A" * 252 + ".." + "b")
def test_an_item_name_becomes_the_secret_name_that_the_official_operator_makes_of_it(text: str) -> None:
    assert secret_name(text).encode() == reference.format_secret_name(text.encode())
