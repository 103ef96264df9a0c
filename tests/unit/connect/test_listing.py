"""Item lists: the fast way reads what the tolerant way reads, and leaves to it what is odd."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.connect import listing
from onepassword_operator.connect.asked import Asked
from onepassword_operator.model.errors import BackendAnswerError
from onepassword_operator.model.item import ItemSummary

ASKED = Asked("GET /health", "http://connect.example")
USUAL = {"id": "i", "vault": {"id": "v", "name": "Prod"}, "title": "db", "version": 4, "tags": ["a", ""], "category": "LOGIN"}
USUAL["createdAt"] = "2024-05-02T08:12:00Z"
READ = ItemSummary(id="i", title="db", version=4, created_at="2024-05-02T08:12:00Z", tags=("a",), active=True)

texts = st.one_of(
    st.text('aB1 é\u00df\U0001f600\n"', max_size=5), st.none(), st.integers(), st.booleans(), st.sampled_from(["ACTIVE", "archived"])
)
elements = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("id", "title", "state", "createdAt", "unknown"), texts)
    | {
        "tags": st.one_of(st.none(), st.lists(texts, max_size=3), texts),
        "version": st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.sampled_from(["3", "x"])),
        "vault": st.one_of(st.none(), st.fixed_dictionaries({}, optional={"id": texts, "name": texts}), texts),
    },
)


def read(body: bytes, way: Any) -> object:
    try:
        return way(body, asked=ASKED)
    except BackendAnswerError as error:
        return str(error)


@given(listed=st.lists(st.one_of(elements, st.none()), max_size=3))
def test_both_ways_read_the_same(listed: list[Any]) -> None:
    body = msgspec.json.encode(listed)
    assert read(body, listing.decode_items) == read(body, listing._tolerantly)


@pytest.mark.official(69, 71)
def test_what_connect_sends_is_read_without_going_the_tolerant_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(listing, "_tolerantly")
    archived = READ._replace(active=False)
    assert listing.decode_items(msgspec.json.encode([USUAL, USUAL | {"state": "ARCHIVED"}]), asked=ASKED) == ([READ, archived], ["v", "v"])
    bare = {"id": "i"}
    nothing = dict.fromkeys(("vault", "title", "version", "tags", "state", "createdAt"))
    empty = ItemSummary(id="i", title="", version=0, created_at="")
    assert listing.decode_items(msgspec.json.encode([bare, bare | nothing]), asked=ASKED) == ([empty, empty], ["", ""])


ARCHIVED = {"tags": [None, "a"], "state": "ARCHIVED"}


@pytest.mark.parametrize(("odd", "read"), [({"version": "4"}, {}), ({"title": 5}, {"title": "5"}), (ARCHIVED, {"active": False})])
def test_what_is_odd_is_read_all_the_same(odd: dict[str, Any], read: dict[str, Any]) -> None:
    assert listing.decode_items(msgspec.json.encode([USUAL, USUAL | odd]), asked=ASKED) == ([READ, READ._replace(**read)], ["v", "v"])


def test_half_a_surrogate_pair_costs_no_list() -> None:
    body = msgspec.json.encode([USUAL]).replace(b'"db"', rb'"\ud83d"')
    assert listing.decode_items(body, asked=ASKED)[0] == [READ._replace(title="\ufffd")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'[{"title":"canary"}]', "has an unexpected value at id"),
        (b'{"message":"canary"}', "is no JSON array"),
        *[(body, "not JSON") for body in (b"canary", b"", b"<html>", b"[" * 100_000, b'[{"id":1e999}]')],
        *[(body, "not JSON") for body in (b"\xff", b'["\xff"]', b'[{"id":"i","titl\xffe":"db"}]')],
    ],
)
def test_what_is_no_list_is_said_to_be_none_and_never_quoted(body: bytes, said: str) -> None:
    with pytest.raises(BackendAnswerError, match=said) as caught:
        listing.decode_items(body, asked=ASKED)
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None
