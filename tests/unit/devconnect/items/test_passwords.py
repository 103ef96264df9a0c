"""Generated passwords."""

import math
import string

import pytest

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.items import passwords
from onepassword_operator.devconnect.items.field_input import predictable


def generated(recipe: object, *, name: str = "x") -> str:
    return passwords.generate(passwords.read_recipe(recipe), randbelow=predictable(name).randbelow)


def test_without_a_recipe_a_password_has_32_characters_of_all_sets() -> None:
    for name in "abcde":
        password = generated(None, name=name)
        assert len(password) == 32
        for characters in (string.ascii_letters, string.digits, string.punctuation):
            assert set(password) & set(characters)


def test_a_recipe_decides_length_sets_and_excluded_characters() -> None:
    recipe = {"length": 64, "characterSets": ["DIGITS", "letters"], "excludeCharacters": "0123456xyz"}
    password = generated(recipe)
    assert len(password) == 64
    assert set(password) & set("789")
    assert set(password) <= set(string.ascii_letters + "789") - set("xyz")
    assert generated({"length": 1, "characterSets": ["DIGITS", "LETTERS"]}) in string.ascii_letters + string.digits


LENGTHS = [{"length": length} for length in (0, 65, True, "9")]
SETS = [{"characterSets": sets} for sets in (["EMOJI"], ["DIGITS", "DIGITS"], "DIGITS", [1])]
EXCLUDED = [{"characterSets": ["DIGITS"], "excludeCharacters": "0123456789"}, {"excludeCharacters": 5}]


@pytest.mark.parametrize("recipe", [[], *LENGTHS, *SETS, *EXCLUDED])
def test_a_recipe_that_cannot_be_followed_is_a_400(recipe: object) -> None:
    with pytest.raises(ApiError, check=lambda error: error.status == 400):
        passwords.read_recipe(recipe)


def test_entropy_grows_with_length_and_with_the_kinds_of_characters() -> None:
    assert passwords.entropy("a" * 10) == round(10 * math.log2(26), 3)
    assert passwords.entropy("aB1!aB1!aB") > passwords.entropy("aB1aB1aB1a") > passwords.entropy("aaaaaaaaaa")
    assert passwords.entropy("é") > 0
