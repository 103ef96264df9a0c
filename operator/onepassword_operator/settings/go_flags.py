"""Go's flag syntax: arguments in, values and problems out. Knows nothing of what the flags mean.

It reads what Go's `flag` package reads, and goes on after a problem to tell all of them at once. One thing that Go lets pass is a problem
here: an argument that is no flag. Go stops reading there, so with `--leader-elect false` election is on and all that follows is lost.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Collection, Sequence
from typing import Final

from onepassword_operator.settings.values import BOOLEANS

_HELP: Final = ("h", "help")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The flags that there are, by their names without dashes."""

    booleans: Collection[str]
    valued: Collection[str]


@dataclasses.dataclass(slots=True, kw_only=True)
class Parsed:
    """What the arguments say."""

    values: dict[str, str] = dataclasses.field(default_factory=dict)
    """By flag; a bare boolean is `true`, and of a repeated flag the last value counts."""
    problems: list[str] = dataclasses.field(default_factory=list)
    """In the order of the arguments; none repeats an argument that is no flag, because that could be a token."""
    asks_for_help: bool = False


def parse(arguments: Sequence[str], known: Known) -> Parsed:
    """Read the arguments."""
    parsed, rest, before = Parsed(), list(arguments), ""
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            if rest:
                parsed.problems.append(f"{_ordinal(arguments, rest)} follows --, which ends the flags; the operator takes nothing else")
            break
        if len(argument) < 2 or not argument.startswith("-"):  # noqa: PLR2004  a lone dash is no flag in Go either
            parsed.problems.append(_stray(argument, before, where=_ordinal(arguments, [argument, *rest])))
            before = ""
            continue
        before = _flag(argument, rest, known=known, parsed=parsed)
    return parsed


def _flag(argument: str, rest: list[str], *, known: Known, parsed: Parsed) -> str:
    """Take in one flag, and its value from what follows; returns the name of a boolean without a value, which one may be meant for."""
    name, equals, value = argument.removeprefix("-").removeprefix("-").partition("=")
    if not name or name.startswith("-"):
        parsed.problems.append(f"bad flag syntax: {argument.partition('=')[0]}; see --help")
    elif name in known.booleans:
        parsed.values[name] = value if equals else "true"
        return "" if equals else name
    elif name in known.valued:
        if equals or rest:
            parsed.values[name] = value if equals else rest.pop(0)
        else:
            parsed.problems.append(f"flag needs an argument: -{name}; write --{name}=VALUE")
    elif name in _HELP:
        parsed.asks_for_help = True
    else:
        parsed.problems.append(f"flag provided but not defined: -{name}; {_nearest(name, known)}")
        if not equals and rest and not rest[0].startswith("-"):
            rest.pop(0)  # most likely its value; nothing is gained by a second complaint
    return ""


def _nearest(name: str, known: Known) -> str:
    close = difflib.get_close_matches(name.lower().replace("_", "-"), sorted({*known.booleans, *known.valued}), n=1, cutoff=0.7)
    return f"did you mean --{close[0]}? See --help" if close else "see --help"


def _stray(argument: str, boolean: str, *, where: str) -> str:
    if boolean and argument in BOOLEANS:
        return f"--{boolean} {argument}: a boolean takes its value after an equals sign: --{boolean}={argument}"
    return f"{where} is no flag, and the operator takes nothing else; a flag's value is written --flag=VALUE; see --help"


def _ordinal(arguments: Sequence[str], rest: Sequence[str]) -> str:
    return f"argument {len(arguments) - len(rest) + 1}"
