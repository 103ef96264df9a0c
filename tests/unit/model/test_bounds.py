"""How much of what people write is kept."""

from onepassword_operator.model import bounds


def test_a_text_that_is_too_long_is_kept_as_far_as_it_shows() -> None:
    assert bounds.clipped("abc", 3) == "abc"
    assert bounds.clipped("abcdefg", 3) == "abcd"


def test_names_and_values_count() -> None:
    assert bounds.characters({"ab": "c"}, {}, {"d": "", "e": "fg"}) == 7
