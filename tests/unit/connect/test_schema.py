"""Connect's JSON, and what is made of it when it is odd."""

from typing import Any

import msgspec
import pytest

from onepassword_operator.connect import schema
from onepassword_operator.connect.asked import Asked
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import BackendAnswerError
from onepassword_operator.model.item import File, Vault

ASKED = Asked("GET /health", "http://connect.example")


def one(raw: Any) -> schema.WireItem:
    return schema.decode_one(schema.WireItem, msgspec.json.encode(raw), asked=ASKED)


BARE = {"id": "i", "vault": {"id": "v"}}


def test_only_identities_are_insisted_on() -> None:
    item = one(BARE).to_model(())
    assert (item.id, item.vault_id, item.title, item.version, item.tags, item.active) == ("i", "v", "", 0, (), True)
    assert (item.urls, item.fields, item.files) == ((), (), ())


def test_null_is_like_absent() -> None:
    nothing = dict.fromkeys(("title", "version", "tags", "state", "urls", "fields", "files"))
    assert one(BARE | nothing).to_model(()) == one(BARE).to_model(())
    (vault,) = schema.decode_list(schema.WireVault, b'[{"id":"v","name":null,"contentVersion":null}]', asked=ASKED)
    assert (vault.to_model().name, vault.to_model().content_version) == ("", 0)
    (summary,) = schema.decode_list(schema.WireSummary, b'[{"id":"i","title":null,"tags":null}]', asked=ASKED)
    assert (summary.to_model().title, summary.to_model().tags, summary.to_model().active) == ("", (), True)


def test_null_elements_are_none_at_all() -> None:
    fields, urls = [{"label": "a", "value": "b"}], [{"href": "https://x"}]
    full: dict[str, list[Any]] = {"tags": ["a"], "urls": urls, "fields": fields, "files": [{"id": "f"}]}
    holed = {name: [None, *elements, None] for name, elements in full.items()}
    assert one(BARE | holed).to_model(()) == one(BARE | full).to_model(())
    assert [file.id for file in one(BARE | holed).files or ()] == ["f"]


def test_unknown_members_and_values_are_ignored() -> None:
    item = one(BARE | {"category": "NEWLY_INVENTED", "x": [1], "fields": [{"label": "a", "value": "b", "type": "NEW", "k": None}]})
    assert [field.value.reveal() for field in item.to_model(()).fields] == [b"b"]


@pytest.mark.official(69, 70)
def test_what_connect_says_of_an_item_is_kept() -> None:
    reported = {"title": "db", "version": 4, "tags": ["a", "b"], "urls": [{"label": "site", "href": "https://x"}]}
    fields = [{"id": "f", "label": "user", "value": "u", "type": "STRING"}, {"id": "g", "label": "pass", "value": "p", "type": "CONCEALED"}]
    wire = one(BARE | reported | {"fields": fields, "files": [{"id": "file", "name": "ca.pem", "size": 3}]})
    item = wire.to_model((File(name="ca.pem", content=Confidential(b"pem")),))
    assert (item.id, item.vault_id, item.title, item.version, item.tags) == ("i", "v", "db", 4, ("a", "b"))
    assert [(field.label, field.value.reveal()) for field in item.fields] == [("user", b"u"), ("pass", b"p")]
    assert [(file.id, file.name, file.size) for file in wire.files or ()] == [("file", "ca.pem", 3)]
    assert [(file.name, file.content.reveal()) for file in item.files] == [("ca.pem", b"pem")]


@pytest.mark.official(72, 73)
def test_what_connect_says_of_a_vault_is_kept() -> None:
    body = b'[{"id":"v","name":"Prod","contentVersion":9,"attributeVersion":2,"items":3,"createdAt":"c","updatedAt":"u"}]'
    (wire,) = schema.decode_list(schema.WireVault, body, asked=ASKED)
    assert wire.to_model() == Vault(id="v", name="Prod", content_version=9, attribute_version=2, items=3, created_at="c", updated_at="u")


@pytest.mark.parametrize("version", [3, 3.0, "3"])
def test_versions_may_come_as_any_kind_of_number(version: object) -> None:
    assert one(BARE | {"version": version}).to_model(()).version == 3


def test_values_may_come_as_numbers_and_what_fields_and_urls_lack_is_empty() -> None:
    urls = [{"label": "site", "href": "https://x", "primary": True}, {}]
    item = one(BARE | {"fields": [{"label": "a", "value": 5}, {"label": "b"}, {}], "urls": urls}).to_model(())
    assert [(field.label, field.value.reveal()) for field in item.fields] == [("a", b"5"), ("b", b""), ("", b"")]
    assert [(url.label, url.href.reveal(), url.primary) for url in item.urls] == [("site", b"https://x", True), ("", b"", False)]


@pytest.mark.parametrize(
    ("state", "active"), [(None, True), ("", True), ("ACTIVE", True), ("active", True), ("ARCHIVED", False), ("DELETED", False)]
)
def test_an_item_is_active_unless_it_says_otherwise(state: str | None, active: object) -> None:
    assert schema.is_active(state) is active


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        ({"vault": {"id": "v"}}, "id"),
        ({"id": "i"}, "vault"),
        ({"id": "i", "vault": {}}, "vault.id"),
        (BARE | {"version": "canary"}, "version"),
        (BARE | {"version": "inf"}, "version"),
        (BARE | {"version": "nan"}, "version"),
        (BARE | {"fields": [{"label": "a", "value": {"canary": "canary"}}]}, "fields.0.value"),
        (["canary"], "(all)"),
    ],
)
def test_what_does_not_fit_is_named_by_place_and_never_by_value(raw: Any, place: str) -> None:
    with pytest.raises(BackendAnswerError) as caught:
        one(raw)
    assert str(caught.value) == f"{ASKED}: the reply has an unexpected value at {place}; is OP_CONNECT_HOST a Connect server?"
    assert caught.value.__context__ is caught.value.__cause__ is None


def test_values_are_in_no_representation() -> None:
    item = one(BARE | {"fields": [{"label": "a", "value": "canary"}], "urls": [{"href": "canary"}]})
    assert "canary" not in f"{item!r} {item.to_model(())!r}"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"\ud83d", "\ufffd"),
        (rb"\uDE00\uD83D", "\ufffd\ufffd"),
        (rb"half \ud83d, whole \ud83d\ude00", "half \ufffd, whole \U0001f600"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\\ud83d \ud83d", r"\ud83d " + "\ufffd"),
        (rb"\"\ud83d\n", '"\ufffd\n'),
    ],
)
def test_half_a_surrogate_pair_is_replaced_as_go_does_it_and_costs_nothing_else(written: bytes, read: str) -> None:
    body = b'{"id":"i","vault":{"id":"v"},"title":"' + written + b'","fields":[{"label":"a","value":"' + written + b'"}]}'
    item = schema.decode_one(schema.WireItem, body, asked=ASKED).to_model(())
    assert item.title == read
    assert item.fields[0].value.reveal() == read.encode()
