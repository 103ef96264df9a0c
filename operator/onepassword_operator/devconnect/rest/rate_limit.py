"""Rate limit of an account, per minute and hour: decides how many seconds a request must wait."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from onepassword_operator.devconnect.behaviour import Behaviour

_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclasses.dataclass(slots=True)
class _Count:
    window: int = -1
    requests: int = 0

    def add(self, window: int) -> int:
        if window != self.window:
            self.window, self.requests = window, 0
        self.requests += 1
        return self.requests


class RateLimit:
    """The limits of the Events API, from `Behaviour`.

    A window is a minute or an hour of the clock.
    """

    def __init__(self, *, clock: Callable[[], float], behaviour: Behaviour) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._minute = _Count()
        self._hour = _Count()

    def take(self) -> int | None:
        """Count a request; return the seconds to wait if it exceeds a limit, else None."""
        now = int(self._clock())
        limits = (
            (self._minute, _MINUTE, self._behaviour.events_per_minute),
            (self._hour, _HOUR, self._behaviour.events_per_hour),
        )
        waits = [
            length - now % length
            for count, length, most in limits
            if count.add(now // length) > most
        ]
        return max(waits, default=None)
