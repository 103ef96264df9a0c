"""The verdict on a run of mutants: the score, and the survivors that the list does not excuse."""

import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LEAST = 90.0
"""Percent of the mutants, excused ones included, that a test has to notice."""


@dataclass(frozen=True)
class Change:
    """One small change of the code: its place, and the lines before and after, without their indentation."""

    where: str
    before: str
    after: str

    def as_toml(self) -> str:
        """The entry that excuses it, with the reason left open."""
        return f"[[survivor]]\nwhere = '{self.where}'\nbefore = '''{self.before}'''\nafter = '''{self.after}'''\nwhy = \"\"\n"


@dataclass(frozen=True)
class Mutant:
    """A change that was tried, and whether a test noticed it."""

    module: str
    change: Change
    noticed: bool


def excused(page: Path) -> dict[Change, str]:
    """The changes that no test has to notice, each with the reason."""
    entries = tomllib.loads(page.read_text())["survivor"]
    return {Change(entry["where"], entry["before"], entry["after"]): entry["why"] for entry in entries}


def table(mutants: Sequence[Mutant]) -> Iterator[str]:
    """The score of each module, and of all together."""
    tried = Counter(mutant.module for mutant in mutants)
    noticed = Counter(mutant.module for mutant in mutants if mutant.noticed)
    yield f"{'module':<40}{'mutants':>8}{'survive':>8}{'score':>8}"
    for module in sorted(tried):
        yield _row(module, tried[module], noticed[module])
    yield _row("all", tried.total(), noticed.total())


def _row(name: str, tried: int, noticed: int) -> str:
    return f"{name:<40}{tried:>8}{tried - noticed:>8}{score(tried, noticed):>7.1f}%"


def score(tried: int, noticed: int) -> float:
    """Percent of the mutants that a test noticed."""
    return 100 * noticed / tried if tried else 100.0


def complaints(mutants: Sequence[Mutant], excuses: Collection[Change], *, whole: bool) -> Iterator[str]:
    """Whatever fails the run; an excuse is held to be needed only by a run of all modules."""
    survivors = {mutant.change for mutant in mutants if not mutant.noticed}
    for change in sorted(survivors - set(excuses), key=lambda change: change.where):
        yield f"survives, and is not listed; write a test, or list it with the reason:\n{change.as_toml()}"
    if whole:
        yield from (
            f"listed, and does not survive; take it off the list:\n{change.as_toml()}" for change in excuses if change not in survivors
        )
        reached = score(len(mutants), sum(mutant.noticed for mutant in mutants))
        if reached < LEAST:
            yield f"the score is {reached:.1f} %, and at least {LEAST:.0f} % is asked for"
