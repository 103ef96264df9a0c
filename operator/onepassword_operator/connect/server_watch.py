"""Warns of trouble ahead: an old Connect server, an inactive dependency, an expiring token."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Final, Protocol

from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.schema import WireHealth
from onepassword_operator.model.errors import BackendError

GOOD_VERSION: Final = (1, 8, 0)
"""Before 1.7.2 the first request after a pause may fail; before 1.8.0 some files come wrong."""
EXPIRY_WARNING_SECONDS: Final = 14 * 24 * 3600.0

_VERSION: Final = re.compile(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})")
_log = logging.getLogger(__name__)


class HealthSource(Protocol):
    """A server with a health endpoint."""

    async def health(self) -> WireHealth:
        """Return the server's health; BackendError if it gives no usable answer."""


class ServerWatch:
    """Checks the server's health and the token's expiry; logs a finding once until it changes."""

    def __init__(
        self,
        source: HealthSource,
        token: ConnectToken,
        *,
        reported: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._source = source
        self._token = token
        self._reported = reported
        self._now = now
        self._said: tuple[object, ...] = ()
        self._warned_of: tuple[float, bool] | None = None

    async def check(self) -> bool:
        """Check once; return False if there was no answer or the server is not up yet.

        The poll reports outages.
        """
        self._check_expiry()
        try:
            health = await self._source.health()
        except BackendError:
            return False
        said = (health.version, tuple(sorted(health.troubles.items())))
        if said != self._said:
            self._said = said
            self._reported(health.version or "unknown")
            self._say(health)
        return not health.troubles

    def _say(self, health: WireHealth) -> None:
        fields = {"version": health.version, "not_active": health.troubles or None}
        if _is_old(health.version):
            _log.warning(
                "the Connect server is older than 1.8.0, "
                "where some files and first requests fail; upgrade it",
                extra=fields,
            )
        elif health.troubles:
            _log.warning("the Connect server is not fully up", extra=fields)
        else:
            _log.info("Connect server", extra=fields)

    def _check_expiry(self) -> None:
        expiry = self._token.expires_at()
        if expiry is None or expiry - self._now() > EXPIRY_WARNING_SECONDS:
            return
        left = expiry - self._now()
        if (expiry, left <= 0) == self._warned_of:
            return
        self._warned_of = (expiry, left <= 0)
        said = (
            "the Connect token expires soon; issue a new one"
            if left > 0
            else "the Connect token has expired; issue a new one"
        )
        _log.warning(said, extra={"days_left": round(left / 86400, 1)})


def _is_old(version: str | None) -> bool:
    found = _VERSION.match(version or "")
    return found is not None and tuple(int(part) for part in found.groups()) < GOOD_VERSION
