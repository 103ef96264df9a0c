"""Fields as they are read: ids, types, forms of values."""

from typing import Any

import pytest

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.items.field_input import Reading, parse_fields, predictable


def only(given: dict[str, Any], reading: Reading | None = None) -> Any:
    (field,) = parse_fields([given], reading or Reading())
    return field


@pytest.mark.parametrize(("purpose", "identifier", "kind"), [("USERNAME", "username", "STRING"), ("password", "password", "CONCEALED")])
def test_a_purpose_gives_the_canonical_id_and_a_label_if_there_is_none(purpose: str, identifier: str, kind: str) -> None:
    assert only({"purpose": purpose, "id": "own"}) == {"id": identifier, "type": kind, "purpose": purpose.upper(), "label": identifier}
    assert only({"purpose": purpose, "label": "Kennwort"})["label"] == "Kennwort"


def test_an_empty_value_or_purpose_is_left_out() -> None:
    assert not {"purpose", "value"} & set(only({"purpose": "", "label": "x", "value": ""}))
    assert "value" not in only({"label": "x", "value": None})


def test_labels_may_repeat_and_fields_get_ids_of_their_own() -> None:
    fields = parse_fields([{"label": "x"}, {"label": "x"}, {"label": "x", "section": {"id": "s"}}], Reading())
    assert len({field["id"] for field in fields}) == 3


@pytest.mark.parametrize(
    ("written", "kind"), [("TOTP", "OTP"), ("otp", "OTP"), ("SSH_KEY", "SSHKEY"), ("string", "STRING"), ("", "STRING")]
)
def test_types_are_read_in_any_case_and_in_the_spellings_of_clients_and_the_id_of_a_one_time_password_says_so(
    written: str, kind: str
) -> None:
    read = only({"label": "x", "type": written})
    assert (read["type"], read["id"].startswith("TOTP_")) == (kind, kind == "OTP")


@pytest.mark.parametrize(
    "section", [{}, {"id": "linked items"}, {"id": "Section_" + "0" * 32, "label": ""}, {"id": "add more", "label": "x"}]
)
def test_sections_of_every_age_are_kept(section: dict[str, str]) -> None:
    assert only({"label": "x", "section": section})["section"] == section
    assert "section" not in only({"label": "x"})


@pytest.mark.parametrize(("written", "value"), [("2025-06-15", "1749988860"), ("1749988860", "1749988860"), ("-5", "-5")])
def test_dates_are_unix_seconds_of_the_moment_of_the_day_that_the_reading_says(written: str, value: str) -> None:
    assert only({"label": "x", "type": "DATE", "value": written})["value"] == value
    assert only({"label": "x", "type": "DATE", "value": "2025-06-15"}, Reading(seconds_into_day=0))["value"] == "1749945600"


def test_months_are_yyyymm() -> None:
    assert {only({"label": "x", "type": "MONTH_YEAR", "value": written})["value"] for written in ("202506", "2025/06")} == {"202506"}


def test_a_password_tells_its_entropy_and_nothing_else_does() -> None:
    assert only({"purpose": "PASSWORD", "value": "fake", "entropy": 99999})["entropy"] == 18.802
    assert "entropy" not in only({"label": "x", "type": "CONCEALED", "value": "fake"})


def test_a_value_is_generated_only_if_none_is_given() -> None:
    made = only({"purpose": "PASSWORD", "generate": True, "recipe": {"length": 40, "characterSets": ["DIGITS"]}})
    assert (len(made["value"]), made["value"].isdigit(), made["entropy"] > 100) == (40, True, True)
    assert set(made) == {"id", "type", "purpose", "label", "value", "entropy"}
    assert only({"label": "private key", "type": "SSHKEY", "generate": True})["value"].startswith("-----BEGIN PRIVATE KEY-----")
    assert only({"purpose": "PASSWORD", "generate": True, "value": "given"})["value"] == "given"
    assert "value" not in only({"purpose": "PASSWORD", "generate": False, "recipe": {"length": 12}})
    assert only({"purpose": "PASSWORD", "generate": True})["value"] != only({"purpose": "PASSWORD", "generate": True})["value"]


def test_a_predictable_reading_generates_the_same_for_the_same_names() -> None:
    first, again, other = (only({"purpose": "PASSWORD", "generate": True}, predictable(name))["value"] for name in ("a", "a", "b"))
    assert first == again != other


WRONG_KIND: list[Any] = ["x", {"label": 5}, {"id": 5}, {"value": 5}, {"type": 5}, {"section": "x"}, {"section": {"id": 5}}]
UNUSABLE = [{"type": "NOPE"}, {"generate": "yes"}, {"purpose": "KEY"}, {"recipe": {"length": 99}, "value": "given"}]
UNMAKEABLE = {"type": "DATE", "generate": True}
NO_TIMES = [("DATE", "15.6.2025"), ("DATE", "٣"), ("MONTH_YEAR", "202513"), ("MONTH_YEAR", "٢٠٢٥٠٦")]


@pytest.mark.parametrize("given", [*WRONG_KIND, *UNUSABLE, UNMAKEABLE, *({"type": kind, "value": value} for kind, value in NO_TIMES)])
def test_a_field_that_cannot_be_read_is_a_400(given: Any) -> None:
    with pytest.raises(ApiError, check=lambda error: error.status == 400):
        parse_fields([given], Reading())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([{"purpose": "PASSWORD"}, {"purpose": "PASSWORD"}], "too many password fields"),
        ([{"purpose": "NOTES"}, {"purpose": "NOTES"}], "the same id"),
        ([{"id": "a"}, {"id": "a"}], "the same id"),
    ],
)
def test_fields_that_cannot_stand_together_are_a_400(fields: Any, message: str) -> None:
    with pytest.raises(ApiError, match=message):
        parse_fields(fields, Reading())
