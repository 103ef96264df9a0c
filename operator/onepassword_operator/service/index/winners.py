"""Which claim decides each Secret that several objects ask for, as the last reconcile found.

In memory only: the next finds it again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from onepassword_operator.model.secret import SecretKey


class Decided(NamedTuple):
    """The winner's uid, and the uids of all who share its item, the winner included."""

    winner: str
    sharing: frozenset[str]


class Winners:
    """Winners by Secret; a Secret that one object asks for takes no memory."""

    def __init__(self) -> None:
        self._decided: dict[SecretKey, Decided] = {}

    def of(self, key: SecretKey) -> Decided:
        """What was decided last; empty if nothing was."""
        return self._decided.get(key, Decided("", frozenset()))

    def decide(self, key: SecretKey, winner: str, *, sharing: Iterable[str], alone: bool) -> None:
        """The winner, and all who share its item; nothing is kept of a claim that is alone."""
        if alone:
            self._decided.pop(key, None)
        else:
            self._decided[key] = Decided(winner, frozenset({winner, *sharing}))

    def forget(self, key: SecretKey) -> None:
        """Nobody asks for the Secret any more."""
        self._decided.pop(key, None)
