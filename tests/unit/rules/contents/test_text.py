"""Text with fields in it: which names it has, how they are escaped, and what is no text."""

import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import NotTextError
from onepassword_operator.model.recipe import Escape
from onepassword_operator.rules.contents import text

ROOM = 1024


def written(value: str, *, escape: Escape = Escape.NONE, room: int = ROOM, **fields: bytes) -> bytes | None:
    made = text.written(value, {name: Confidential(held) for name, held in fields.items()}, escape=escape, key="key", room=room)
    return None if made is None else made.reveal()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", b""),
        ("no name", b"no name"),
        ("$(a)", b"A"),
        ("<$(a)-$(b)>", b"<A-$(a)>"),  # a value is never expanded again
        ("$$(a)", b"$(a)"),
        ("$$$(a)", b"$A"),
        ("$a ${a} $", b"$a ${a} $"),
        ("$(a", b"$(a"),
        ("$(a $(a", b"$(a $(a"),
        ("$(b)$(a", b"$(a)$(a"),
        ("ä$(a)", "äA".encode()),
    ],
)
def test_names_stand_for_fields_as_in_a_containers_env(value: str, expected: bytes) -> None:
    assert written(value, a=b"A", b=b"$(a)") == expected


@given(st.text(), st.sampled_from(list(Escape)))
def test_whatever_a_field_holds_comes_back_from_what_it_was_escaped_for(value: str, escape: Escape) -> None:
    field = value.encode("utf-8", "replace")
    made = written("<$(a)>", escape=escape, room=10**6, a=field)
    assert made is not None
    inner = made[1:-1]
    back = {Escape.NONE: lambda: inner, Escape.URL: lambda: urllib.parse.unquote_to_bytes(inner), Escape.JSON: lambda: _of_json(inner)}
    assert back[escape]() == field
    assert escape is not Escape.URL or not set(inner) & set(b":/?#[]@!$&'()*+,;= ")


def _of_json(inner: bytes) -> bytes:
    parsed = json.loads(b'"' + inner + b'"')
    assert isinstance(parsed, str)
    return parsed.encode()


@pytest.mark.parametrize("escape", list(Escape))
def test_a_file_that_is_no_text_is_refused_without_its_content(escape: Escape) -> None:
    with pytest.raises(NotTextError) as refused:
        written("$(a)", escape=escape, a=b"canary\xff")
    assert ('"a"' in str(refused.value), "canary" in str(refused.value), refused.value.__context__) == (True, False, None)


@pytest.mark.parametrize(("value", "fits"), [("$(a)$(a)", True), ("$(a)$(a)1", False), ("1$(a)$(a)", False), ("$(a)$(a)$(a)", False)])
def test_a_text_that_exceeds_the_room_is_none(value: str, *, fits: bool) -> None:
    assert (written(value, room=8, a=b"four") is not None) is fits
