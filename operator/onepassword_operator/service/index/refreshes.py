"""Reads of 1Password that the refresh annotation asks for.

In memory only: an unanswered one is asked for again by its annotation.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from onepassword_operator.model.secret import SecretKey
from onepassword_operator.ports import Clock

INTERVAL_SECONDS: Final = 10.0
"""Between two reads that the same resource asks for."""


@dataclasses.dataclass(slots=True)
class _Refresh:
    asked: bool = False
    at: float = 0.0
    not_before: float = float("-inf")


class Refreshes:
    """Requests for reads by Secret, and when the next may be made."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refreshes: dict[SecretKey, _Refresh] = {}

    def ask(self, key: SecretKey) -> float:
        """Note that somebody asks for a read at once; return the seconds until it may be made."""
        refresh = self._refreshes.setdefault(key, _Refresh())
        refresh.asked, refresh.at = True, self._clock.monotonic()
        return self.wait(key)

    def is_asked(self, key: SecretKey) -> bool:
        """Whether a read is asked for, due or not."""
        return key in self._refreshes and self._refreshes[key].asked

    def asked_at(self, key: SecretKey) -> float:
        """Return when somebody asked last, on the monotonic clock."""
        return self._refreshes[key].at if key in self._refreshes else 0.0

    def wait(self, key: SecretKey) -> float:
        """Return the seconds until the read may be made; 0 if none is asked for, or at once."""
        if not self.is_asked(key):
            return 0.0
        return max(self._refreshes[key].not_before - self._clock.monotonic(), 0.0)

    def take(self, key: SecretKey) -> bool:
        """Take the request if a read is due; return whether the caller has to make it."""
        if not self.is_asked(key) or self.wait(key):
            return False
        refresh = self._refreshes[key]
        refresh.asked, refresh.not_before = False, self._clock.monotonic() + INTERVAL_SECONDS
        return True

    def give_back(self, key: SecretKey) -> None:
        """Ask again after a failed read; the next try may make it at once."""
        refresh = self._refreshes.setdefault(key, _Refresh())
        refresh.asked, refresh.not_before = True, self._clock.monotonic()

    def drop(self, *, before: float, answered: Callable[[SecretKey], bool]) -> None:
        """Drop requests from before that time that another leader has answered."""
        for key, refresh in self._refreshes.items():
            if refresh.asked and refresh.at < before and answered(key):
                refresh.asked = False

    def forget(self, key: SecretKey) -> None:
        """Drop a Secret that nobody asks for any more."""
        self._refreshes.pop(key, None)
