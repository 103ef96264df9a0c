"""The connection to 1Password: decides when the first sync is complete, and the state in /health.

The first valid bearer token unlocks a server and starts its first sync. Requests wait for it, up to
a timeout.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Mapping
from typing import Final

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.items.records import Json

SERVICES: Final = ("sqlite", "sync", "1Password", "account_data")
TIMEOUT_SECONDS: Final = 10.0


class State(enum.Enum):
    """Progress of the first sync."""

    LOCKED = "locked"
    SYNCING = "syncing"
    SYNCED = "synced"


_STATUSES: Final[Mapping[State, Mapping[str, str]]] = {
    State.LOCKED: {
        "sync": "TOKEN_NEEDED",
        "1Password": "UNINITIALIZED",
        "account_data": "NOT_SYNCED",
    },
    State.SYNCING: {"account_data": "NOT_SYNCED"},
    State.SYNCED: {},
}
_MESSAGES: Final[Mapping[tuple[str, str], str]] = {
    ("sqlite", "ACTIVE"): "Connected to ~/1password.sqlite",
    ("1Password", "UNINITIALIZED"): "Make a request with a valid bearer token to initialize",
}


class Upstream:
    """The state of the first sync; by default it takes no time at all."""

    def __init__(self, *, reachable: Callable[[], bool]) -> None:
        self.state = State.LOCKED
        self.overrides: dict[str, str] = {}
        self._reachable = reachable
        self._sync_seconds: float | None = 0.0
        self._timeout_seconds = TIMEOUT_SECONDS
        self._done = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def restart(
        self, *, sync_seconds: float | None = 0.0, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        """Act as a server that has just started.

        Its first sync takes `sync_seconds`; if None, it ends with `finish`.
        """
        self.close()
        self.state = State.LOCKED
        self._done = asyncio.Event()
        self._sync_seconds, self._timeout_seconds = sync_seconds, timeout_seconds

    def finish(self) -> None:
        """Complete the first sync."""
        self.state = State.SYNCED
        self._done.set()

    def unlock(self) -> None:
        """Note a valid token: the first one starts the sync."""
        if self.state is not State.LOCKED or not self._reachable():
            return
        self.state = State.SYNCING
        if self._sync_seconds == 0:
            self.finish()
        elif self._sync_seconds is not None:
            self._timer = asyncio.get_running_loop().call_later(self._sync_seconds, self.finish)

    async def ready(self) -> None:
        """Wait for the first sync, or raise a real server's error if it can't be completed."""
        if self.state is State.SYNCED:
            return
        self.unlock()
        if self.state is State.LOCKED:
            raise ApiError(500, "failed to initiate, review service logs for details")
        try:
            await asyncio.wait_for(self._done.wait(), self._timeout_seconds)
        except TimeoutError:
            raise ApiError(
                408, "sync did not complete within timeout, please retry the request"
            ) from None

    def dependencies(self) -> list[Json]:
        """List the services of /health with their status."""
        statuses = dict.fromkeys(SERVICES, "ACTIVE") | dict(_STATUSES[self.state]) | self.overrides
        return [_dependency(service, status) for service, status in statuses.items()]

    def close(self) -> None:
        """Cancel a running sync."""
        if self._timer is not None:
            self._timer.cancel()


def _dependency(service: str, status: str) -> Json:
    message = _MESSAGES.get((service, status))
    return {"service": service, "status": status} | ({"message": message} if message else {})
