"""JSON to bytes and back."""

from dataclasses import dataclass

import pytest

from onepassword_operator.devconnect import json_codec

LONG = [b"18446744073709551616", b'{"a":[-9223372036854775809]}', b'[{"a":1' + b"0" * 400 + b"}]"]


@dataclass
class Sample:
    """A record."""

    name: str
    tags: tuple[str, ...]


def test_a_record_is_written_as_an_object() -> None:
    assert json_codec.encode({"a": Sample(name="é", tags=("x",)), "b": None}) == '{"a":{"name":"é","tags":["x"]},"b":null}'.encode()


@pytest.mark.parametrize("written", [b'{"a":[1,null,"\\u00e9"]}', '{"a":[1,null,"é"]}'])
def test_a_document_is_read(written: bytes | str) -> None:
    assert json_codec.decode(written) == {"a": [1, None, "é"]}


def test_long_numbers_are_read_as_far_as_64_bits_go() -> None:
    written = b'[18446744073709551615,-9223372036854775808,"99999999999999999999",0.12345678901234567890]'
    assert json_codec.decode(written) == [2**64 - 1, -(2**63), "9" * 20, 0.12345678901234567890]


@pytest.mark.parametrize("written", [b"", b"canary", b'"\xff"', b"[" * 100_000, b'"\\ud83d"', b"NaN", b"1e999", b"[] []", *LONG])
def test_what_is_no_document_gives_one_error_that_quotes_nothing(written: bytes) -> None:
    with pytest.raises(json_codec.NotJsonError) as caught:
        json_codec.decode(written)
    assert str(caught.value) == "not a JSON document"
