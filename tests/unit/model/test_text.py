"""How messages show the texts of users."""

import pytest

from onepassword_operator.model.errors import ItemNotFoundError
from onepassword_operator.model.text import one_line, visible


@pytest.mark.parametrize(
    ("text", "line", "seen"),
    [
        ("a b", "a b", "a b"),
        ("a\nb\r\t", r"a\nb\r\t", r"a\nb\r\t"),
        ("a\u2028b\x85\x1b[31m", r"a\u2028b\x85\x1b[31m", "a\\u2028b\\x85\x1b[31m"),
        ("5\u00a0kg\u3000", "5\u00a0kg\u3000", r"5\xa0kg\u3000"),
        ("Größe 👩\u200d👧", "Größe 👩\u200d👧", "Größe 👩\u200d👧"),
    ],
)
def test_what_breaks_a_line_is_escaped_and_other_white_space_on_request(text: str, line: str, seen: str) -> None:
    assert (one_line(text), visible(text)) == (line, seen)


def test_no_message_of_an_error_has_a_line_break() -> None:
    assert str(ItemNotFoundError("a\nb")) == r"a\nb"
