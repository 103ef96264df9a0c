"""What a request for events may say."""

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.events.paging import Reader


def asked(body: Any, *, feature: str = "auditevents", run: str = "now") -> Reader:
    return Reader.asked(body if isinstance(body, bytes) else msgspec.json.encode(body), feature=feature, run=run)


def refusal(body: Any, **where: str) -> str:
    with pytest.raises(ApiError, check=lambda error: error.status == 400) as refused:
        asked(body, **where)
    return refused.value.message


@pytest.mark.parametrize("body", [b"", {}, {"cursor": ""}, {"cursor": None}, {"limit": None, "start_time": None}, {"else": 1}])
def test_nothing_in_particular_starts_at_the_beginning(body: Any) -> None:
    assert asked(body) == Reader(feature="auditevents", run="now")


def test_a_reset_cursor_says_how_many_and_of_which_time() -> None:
    reader = asked({"limit": 7, "start_time": "2025-06-15T17:06:40+02:00", "end_time": "2025-06-15T15:06:41.1234567890Z"})
    assert (reader.limit, reader.start, reader.end) == (7, 1_750_000_000, 1_750_000_001.123456)


@given(st.integers(0, 2**53), st.integers(1, 1000), st.none() | st.floats(0, 1e10), st.none() | st.integers(0, 10**10).map(float))
def test_a_cursor_comes_back_as_what_it_was(position: int, limit: int, start: float | None, end: float | None) -> None:
    reader = Reader(feature="auditevents", run="now", position=position, limit=limit, start=start, end=end)
    assert asked({"cursor": reader.cursor(), "limit": 3}) == reader


def test_a_cursor_of_another_feature_or_of_an_earlier_start_is_refused() -> None:
    cursor = asked({}).moved(5).cursor()
    assert "another feature" in refusal({"cursor": cursor}, feature="itemusages")
    assert "reset cursor" in refusal({"cursor": cursor}, run="later")


def test_beside_a_cursor_the_rest_is_read_and_then_left_alone() -> None:
    cursor = asked({"limit": 7}).cursor()
    assert asked({"cursor": cursor, "limit": 9, "start_time": "2025-06-15T15:06:40Z"}) == asked({"limit": 7})
    assert "end_time" in refusal({"cursor": cursor, "end_time": "2024-01-01T12:99:00Z"})


def coded(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode()


WHOLE = {"feature": "auditevents", "run": "now", "position": 1, "limit": 1, "start": None, "end": None}
RENAMED = {("more" if name == "start" else name): value for name, value in WHOLE.items()}
WRONG = [("more", 1), ("position", -1), ("position", True), ("limit", 0), ("limit", 1001), ("start", "x"), ("run", None)]


@pytest.mark.parametrize(
    "cursor", [5, ["x"], "x", "é", "\ud83d", *map(coded, ([], {}, RENAMED)), *(coded({**WHOLE, name: value}) for name, value in WRONG)]
)
def test_what_is_no_cursor_is_refused(cursor: Any) -> None:
    body = msgspec.json.encode({"cursor": cursor}) if cursor != "\ud83d" else b'{"cursor": "\\ud83d"}'
    assert refusal(body)


def test_a_cursor_that_is_right_in_every_member_is_accepted() -> None:
    """So that the refusals above are for what they change."""
    assert asked({"cursor": coded(WHOLE)}).position == 1


@pytest.mark.parametrize("limit", [0, -1, 1001, 1.5, "5", True, [], {}])
def test_a_limit_that_cannot_be_is_refused(limit: Any) -> None:
    assert "limit" in refusal({"limit": limit})


@pytest.mark.parametrize(
    "time",
    [5, "", "2025-06-15", "2025-06-15T15:06:40", "2025-13-15T15:06:40Z", "2025-06-15T25:06:40Z", "2025-06-15T15:06:40+99:00", "٢025", "x"],
)
@pytest.mark.parametrize("name", ["start_time", "end_time"])
def test_a_time_that_is_none_is_refused(name: str, time: Any) -> None:
    assert name in refusal({name: time})


@pytest.mark.parametrize("body", [b" ", b"\x0b", b"x", b"[]", b"5", b'"x"', b"null"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body)
