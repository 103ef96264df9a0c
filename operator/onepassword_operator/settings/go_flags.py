"""Go's flag syntax: arguments → values and problems. It does not know the meaning of the flags.

It reads what Go's `flag` package reads, and goes on after a problem to report all of them at once.
An argument that is no flag is a
problem here, not in Go: Go stops reading there, so `--leader-elect false` turns election on and
ignores all flags after it.
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
    """The known flags, by their names without dashes."""

    booleans: Collection[str]
    valued: Collection[str]


@dataclasses.dataclass(slots=True, kw_only=True)
class Parsed:
    """The result of reading arguments."""

    values: dict[str, str] = dataclasses.field(default_factory=dict)
    """Values by flag. A bare boolean is `true`; the last value of a repeated flag counts."""
    problems: list[str] = dataclasses.field(default_factory=list)
    """Problems in the order of the arguments. None quotes an argument that is no flag: it could be
    a token.
    """
    asks_for_help: bool = False


def parse(arguments: Sequence[str], known: Known) -> Parsed:
    """Read arguments; never raises."""
    parsed, rest, before = Parsed(), list(arguments), ""
    while rest:
        argument = rest.pop(0)
        if argument == "--":
            if rest:
                parsed.problems.append(
                    f"{_ordinal(arguments, rest)} follows --, which ends the flags; remove it"
                )
            break
        # a lone dash is no flag in Go either
        if len(argument) < 2 or not argument.startswith("-"):  # noqa: PLR2004
            parsed.problems.append(
                _stray(argument, before, where=_ordinal(arguments, [argument, *rest]))
            )
            before = ""
            continue
        before = _flag(argument, rest, known=known, parsed=parsed)
    return parsed


def _flag(argument: str, rest: list[str], *, known: Known, parsed: Parsed) -> str:
    """Read one flag and its value.

    Return the name of a boolean without a value, because the next argument may be meant for it.
    """
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
            # Most likely the value of the unknown flag, so a second problem would not help.
            rest.pop(0)
    return ""


def _nearest(name: str, known: Known) -> str:
    close = difflib.get_close_matches(
        name.lower().replace("_", "-"), sorted({*known.booleans, *known.valued}), n=1, cutoff=0.7
    )
    return f"did you mean --{close[0]}? See --help" if close else "see --help"


def _stray(argument: str, boolean: str, *, where: str) -> str:
    if boolean and argument in BOOLEANS:
        return (
            f"--{boolean} {argument}: a boolean takes its value after an equals sign: "
            f"--{boolean}={argument}"
        )
    return (
        f"{where} is no flag, and the operator takes flags only; "
        "write a flag's value as --flag=VALUE; see --help"
    )


def _ordinal(arguments: Sequence[str], rest: Sequence[str]) -> str:
    return f"argument {len(arguments) - len(rest) + 1}"
