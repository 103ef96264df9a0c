"""A confidential value can be carried, compared and sealed, but not shown."""

import copy
import dataclasses
import hashlib
import hmac
import io
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onepassword_operator.model.confidential import SHOWN, Confidential
from onepassword_operator.model.item import Field, File, Item, Url

CANARY = "canary-4711"
VALUE = Confidential(CANARY.encode())
ITEM = Item(
    id="i" * 26,
    vault_id="v" * 26,
    title="Billing DB",
    version=3,
    urls=(Url(label="website", href=VALUE),),
    fields=(Field(label="password", value=VALUE),),
    files=(File(name="ca.pem", content=VALUE),),
)


def _logged(value: object) -> str:
    stream = io.StringIO()
    logger, handler = logging.getLogger(__name__), logging.StreamHandler(stream)
    logger.addHandler(handler)
    logger.error("got %s and %r", value, value)
    logger.removeHandler(handler)
    return stream.getvalue()


def _traceback(value: object) -> str:
    try:
        raise ValueError(value)
    except ValueError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


SHOWING: dict[str, Callable[[object], str]] = {
    "str": str,
    "repr": repr,
    "ascii": ascii,
    "format": lambda value: format(value, ""),
    "f-string": lambda value: f"{value} {value!r} {value!s} {value!a}",
    "percent": lambda value: f"%s %r {value}" % (value, value),
    "str.format": lambda value: "{} {!r}".format(value, value),  # noqa: UP032  the old way is what is tested
    "join": lambda value: ", ".join(map(str, [value])),
    "containers": lambda value: repr([{"value": (value,)}]),
    "pprint": pprint.pformat,
    "logging": _logged,
    "exception": lambda value: str(ValueError(value)),
    "traceback with locals": _traceback,
    "json with a default": lambda value: json.dumps({"value": value}, default=str),
}


@pytest.mark.parametrize("show", SHOWING.values(), ids=SHOWING)
@pytest.mark.parametrize("value", [VALUE, ITEM], ids=["value", "item"])
def test_no_way_to_show_a_value_shows_it(show: Callable[[object], str], value: object) -> None:
    shown = show(value)
    assert CANARY not in shown
    assert SHOWN in shown


@pytest.mark.parametrize("spec", ["", "s", ">40", "x", "!r"])
def test_no_format_specification_shows_a_value(spec: str) -> None:
    assert format(VALUE, spec) == SHOWN


HANDING_OUT: dict[str, Callable[[object], object]] = {
    "pickle": pickle.dumps,
    "oldest pickle": lambda value: pickle.dumps(value, protocol=0),
    "copy": lambda value: copy.copy(value) if isinstance(value, Confidential) else copy.deepcopy(value),
    "deepcopy": copy.deepcopy,
    "json": json.dumps,
    "msgspec": msgspec.json.encode,
    "vars": vars,
    "asdict": dataclasses.asdict,  # type: ignore[dict-item]
    "bytes": bytes,  # type: ignore[dict-item]  # that it does not fit is the point
    "iteration": list,  # type: ignore[dict-item]
    "hash": hash,
}


@pytest.mark.parametrize("hand_out", HANDING_OUT.values(), ids=HANDING_OUT)
@pytest.mark.parametrize("value", [VALUE, ITEM], ids=["value", "item"])
def test_no_serialiser_takes_a_value(hand_out: Callable[[object], object], value: object) -> None:
    with pytest.raises(TypeError) as refused:
        hand_out(value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (Confidential(b"a"), Confidential(b"a"), True),
        (Confidential(b"a"), Confidential(b"b"), False),
        (Confidential(b"a"), Confidential(b"aa"), False),
        (Confidential(b"a"), b"a", False),
        (Confidential(SHOWN.encode()), SHOWN, False),
        (Confidential(b""), None, False),
    ],
)
def test_values_are_equal_if_their_bytes_are(left: Confidential, right: object, *, equal: bool) -> None:
    assert (left == right) is equal
    assert (left != right) is not equal


def test_values_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return left == right

    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert Confidential(b"a") != Confidential(b"b")
    assert compared == [(b"a", b"b")]


def test_the_length_counts_bytes_an_empty_value_is_false_and_revealing_gives_the_bytes_unchanged() -> None:
    contents = (b"", b"a", "é".encode(), b"\x00\xff\n")
    values = [Confidential(content) for content in contents]
    assert [(len(value), bool(value)) for value in values] == [(0, False), (1, True), (2, True), (3, True)]
    assert [value.reveal() for value in values] == list(contents)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", b""),
        (" no\ntrimming\r\n", b" no\ntrimming\r\n"),
        ("Passwörter 😄", "Passwörter 😄".encode()),
        ("\ud83d\ude04", "😄".encode()),  # a surrogate pair is one character
        ("a\ud83db", "a\ufffdb".encode()),  # a lone surrogate is what Go's decoder makes of it
        ("\ude04", "\ufffd".encode()),
    ],
)
def test_text_becomes_the_bytes_that_the_official_operator_writes(text: str, expected: bytes) -> None:
    assert Confidential.of_text(text).reveal() == expected


@given(st.text(st.characters()))
@example("\ud83d")
def test_any_text_becomes_bytes_and_ordinary_text_its_utf_8(text: str) -> None:
    value = Confidential.of_text(text)
    if not any("\ud800" <= character <= "\udfff" for character in text):
        assert value.reveal() == text.encode()
    assert len(value.reveal().decode()) == len(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


@given(st.lists(st.binary(max_size=12), max_size=4), st.lists(st.binary(max_size=12), max_size=4))
@example([b"ab", b""], [b"a", b"b"])
@example([b""], [])
def test_values_fed_to_a_digest_keep_their_borders(left: list[bytes], right: list[bytes]) -> None:
    def digest(values: list[bytes]) -> str:
        absorbing = hashlib.sha256()
        for value in values:
            Confidential(value).feed(absorbing)
        return absorbing.hexdigest()

    assert (digest(left) == digest(right)) is (left == right)
