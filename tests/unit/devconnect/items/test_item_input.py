"""Items as they are read, apart from their fields."""

from typing import Any

import pytest

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.items import item_input, ssh_keys

KEY = ssh_keys.make(b"s" * 32)


def parse(**body: Any) -> Any:
    return item_input.parse_content({"category": "LOGIN", **body})


def labelled(content: Any) -> dict[str, Any]:
    return {field["label"]: field for field in content.fields}


def test_every_category_is_read_in_any_case() -> None:
    password = [{"purpose": "PASSWORD", "value": "fake"}]
    assert {parse(category=name.lower(), fields=password).category for name in item_input.CATEGORIES} == item_input.CATEGORIES


def test_tags_are_sorted_and_not_repeated() -> None:
    assert parse(tags=["b", "a", "b"]).tags == ("a", "b")


def test_urls_keep_their_order_and_leave_out_what_is_not_given() -> None:
    assert parse(urls=[{"href": "b", "primary": True, "label": "x"}, "a"]).urls == (
        {"href": "b", "label": "x", "primary": True},
        {"href": "a"},
    )


def test_two_sections_may_have_one_label() -> None:
    sections = [{"id": "1", "label": "x"}, {"id": "2", "label": "x"}]
    assert parse(sections=sections).sections == tuple(sections)


def test_a_section_without_an_id_gets_one_and_fields_find_it_by_label() -> None:
    content = parse(
        sections=[{"label": "x"}], fields=[{"label": "f", "section": {"label": "x"}}, {"label": "g", "section": {"label": "y"}}]
    )
    assert [section["label"] for section in content.sections] == ["x", "y"]
    assert all(len(section["id"]) == len("Section_") + 32 for section in content.sections)
    assert [field["section"]["id"] for field in content.fields] == [section["id"] for section in content.sections]


def test_a_section_that_only_a_field_names_becomes_one_of_the_item() -> None:
    assert parse(fields=[{"label": "f", "section": {"id": "linked items"}}]).sections == ({"id": "linked items"},)
    assert parse(fields=[{"label": "f", "section": {}}, {"label": "g", "section": {"label": ""}}]).sections == ()


def test_the_fields_beside_a_private_key_are_derived_from_it() -> None:
    fields = labelled(parse(category="SSH_KEY", fields=[{"label": "private key", "type": "SSHKEY", "value": KEY}]))
    assert fields["public key"]["value"].startswith("ssh-ed25519 ")
    assert fields["fingerprint"]["value"].startswith("SHA256:")
    assert (fields["key type"]["value"], fields["key type"]["type"], fields["key type"]["id"]) == ("ed25519", "STRING", "key_type")


def test_derived_fields_follow_a_changed_key_and_keep_their_place() -> None:
    before = parse(category="SSH_KEY", fields=[{"label": "private key", "type": "SSHKEY", "value": KEY}])
    key = {**before.fields[0], "value": ssh_keys.make(b"t" * 32)}
    after = parse(category="SSH_KEY", fields=[key, *before.fields[1:]])
    assert [field["id"] for field in after.fields] == [field["id"] for field in before.fields]
    assert labelled(after)["fingerprint"]["value"] != labelled(before)["fingerprint"]["value"]


def test_a_key_that_cannot_be_read_leaves_the_fields_as_they_are_given() -> None:
    given = [{"label": "private key", "type": "SSHKEY", "value": "fake"}, {"label": "fingerprint", "value": "given"}]
    assert [field["value"] for field in parse(category="SSH_KEY", fields=given).fields] == ["fake", "given"]


def test_derived_fields_do_not_take_an_id_that_is_in_use() -> None:
    fields = [{"label": "private key", "type": "SSHKEY", "value": KEY}, {"id": "fingerprint", "label": "mine", "value": "x"}]
    content = parse(category="SSH_KEY", fields=fields)
    assert len({field["id"] for field in content.fields}) == 5


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"category": None}, "Invalid item category"),
        ({"category": "NOPE"}, "Invalid item category"),
        ({"category": ["LOGIN"]}, "Invalid item category"),
        ({"category": "PASSWORD"}, "validateVaultItem"),
        ({"category": "PASSWORD", "fields": [{"purpose": "PASSWORD", "type": "STRING"}]}, "CONCEALED"),
        ({"title": 5}, "title must be a string"),
        ({"tags": "k8s"}, "tags must be a list"),
        ({"tags": [["k8s"]]}, "a tag must be a string"),
        ({"favorite": "yes"}, "favorite must be true or false"),
        ({"urls": [{}]}, "href"),
        ({"urls": [5]}, "a url must be an object"),
        ({"urls": [{"href": "x", "primary": "yes"}]}, "primary"),
        ({"sections": [5]}, "a section must be an object"),
        ({"fields": {}}, "fields must be a list"),
        ({"state": "GONE"}, "Invalid item state"),
        ({"state": ["ARCHIVED"]}, "Invalid item state"),
    ],
)
def test_a_body_that_is_no_item_is_a_400_that_says_why(body: Any, message: str) -> None:
    with pytest.raises(ApiError, match=message) as refused:
        parse(**body)
    assert refused.value.status == 400


def test_documents_and_custom_items_are_not_created_but_may_stay_what_they_are() -> None:
    for category in ("DOCUMENT", "CUSTOM"):
        content = parse(category=category)
        with pytest.raises(ApiError, match=category):
            item_input.check_category(content)
        with pytest.raises(ApiError, match=category):
            item_input.check_category(content, before="LOGIN")
        item_input.check_category(content, before=category)
