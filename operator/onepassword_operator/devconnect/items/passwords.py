"""Generated passwords: reads recipes, makes the value, and estimates its entropy."""

from __future__ import annotations

import dataclasses
import math
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from onepassword_operator.devconnect import json_input
from onepassword_operator.devconnect.errors import bad_request

_SETS: Final[Mapping[str, str]] = {
    "LETTERS": string.ascii_letters,
    "DIGITS": string.digits,
    "SYMBOLS": "!#%)*+,-.:=>?@]^_}~",
}
_CLASSES: Final = (
    string.ascii_lowercase,
    string.ascii_uppercase,
    string.digits,
    string.punctuation,
)
_OTHER_CHARACTERS: Final = 100
_DEFAULT_LENGTH: Final = 32
_MAX_LENGTH: Final = 64

RandBelow = Callable[[int], int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How long a password is and which characters each of its sets offers."""

    length: int
    alphabets: tuple[str, ...]


def read_recipe(given: object) -> Recipe:
    """Read a recipe, or raise 400; the default is 32 characters of all sets."""
    recipe = json_input.mapping({} if given is None else given, "a recipe")
    names = [
        json_input.text(name, "a character set").upper()
        for name in json_input.sequence(recipe.get("characterSets"), "characterSets")
    ]
    if not set(names) <= set(_SETS) or len(set(names)) != len(names):
        raise bad_request(
            "Invalid generator recipe: characterSets holds each of LETTERS, "
            "DIGITS and SYMBOLS at most once"
        )
    excluded = set(json_input.text(recipe.get("excludeCharacters"), "excludeCharacters"))
    alphabets = (
        "".join(character for character in _SETS[name] if character not in excluded)
        for name in names or _SETS
    )
    usable = tuple(alphabet for alphabet in alphabets if alphabet)
    if not usable:
        raise bad_request(
            "Invalid generator recipe: excludeCharacters leaves no character to choose from"
        )
    return Recipe(length=_length(recipe.get("length")), alphabets=usable)


def _length(given: object) -> int:
    if given is None:
        return _DEFAULT_LENGTH
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= _MAX_LENGTH:
        raise bad_request(
            f"Invalid generator recipe: length is a whole number from 1 to {_MAX_LENGTH}"
        )
    return given


def generate(recipe: Recipe, *, randbelow: RandBelow) -> str:
    """Make a password with at least one character of every set, as far as its length allows."""
    everything = "".join(recipe.alphabets)
    chosen = [_pick(alphabet, randbelow) for alphabet in recipe.alphabets[: recipe.length]]
    chosen += [_pick(everything, randbelow) for _ in range(recipe.length - len(chosen))]
    for last in range(len(chosen) - 1, 0, -1):
        other = randbelow(last + 1)
        chosen[last], chosen[other] = chosen[other], chosen[last]
    return "".join(chosen)


def entropy(password: str) -> float:
    """Estimate the bits of a password from its length and the classes of its characters."""
    size = sum(
        len(members) for members in _CLASSES if any(character in members for character in password)
    )
    if any(not character.isascii() or not character.isprintable() for character in password):
        size += _OTHER_CHARACTERS
    return round(len(password) * math.log2(max(size, 2)), 3)


def _pick(alphabet: Sequence[str], randbelow: RandBelow) -> str:
    return alphabet[randbelow(len(alphabet))]
