"""Lines out of pieces."""

import pytest

from onepassword_operator.cluster.lines import Lines


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        pytest.param([b"a\nb\n"], [b"a", b"b"], id="two in one piece"),
        pytest.param([b"a", b"b", b"c\n"], [b"abc"], id="one in three pieces"),
        pytest.param([b"a\nb", b"\n", b"\n"], [b"a", b"b", b""], id="ends in pieces of their own"),
        pytest.param([b"12345\n"], [b"12345"], id="as long as allowed"),
        pytest.param([b"123456\nb\n"], [None, b"b"], id="one too long, in one piece"),
        pytest.param([b"123", b"456", b"789\nb\n"], [None, b"b"], id="one too long, in pieces"),
        pytest.param([b"123456789\n12\n"], [None, b"12"], id="the next one is whole"),
    ],
)
def test_lines_are_whole_and_none_is_longer_than_allowed(pieces: list[bytes], lines: list[bytes | None]) -> None:
    reader = Lines(longest_bytes=5)
    assert [line for piece in pieces for line in reader.feed(piece)] == lines
    assert not reader.open()


@pytest.mark.parametrize("piece", [b"a", b"a\nb", b"123456"])
def test_a_line_without_its_end_is_open(piece: bytes) -> None:
    reader = Lines(longest_bytes=5)
    list(reader.feed(piece))
    assert reader.open()


def test_of_a_line_that_is_too_long_nothing_is_kept() -> None:
    reader = Lines(longest_bytes=5)
    for _ in range(100):
        assert list(reader.feed(b"1234")) == []
        assert len(reader._begun) <= 5
