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
        """Return what was decided last; empty if nothing was."""
        return self._decided.get(key, Decided("", frozenset()))

    def decide(self, key: SecretKey, winner: str, *, sharing: Iterable[str], alone: bool) -> None:
        """Set the winner and all who share its item; drop both if the claim is alone."""
        if alone:
            self._decided.pop(key, None)
        else:
            self._decided[key] = Decided(winner, frozenset({winner, *sharing}))

    def forget(self, key: SecretKey) -> None:
        """Drop a Secret that nobody asks for any more."""
        self._decided.pop(key, None)
