"""How long ago 1Password confirmed each vault, and the error to report if that is too long."""

from __future__ import annotations

from collections.abc import Iterable

from onepassword_operator.model.errors import (
    BackendDeniedError,
    BackendError,
    BackendUnavailableError,
)
from onepassword_operator.ports import Clock


class Freshness:
    """Time and error of each vault's last polls.

    The poller writes it; every reconcile checks it before it reports Ready.
    """

    def __init__(self, clock: Clock, *, staleness_seconds: float) -> None:
        self._clock = clock
        self._staleness_seconds = staleness_seconds
        self._confirmed: dict[str, float] = {}
        self._failures: dict[str, BackendError] = {}
        self._failure: BackendError | None = None
        self._reported: dict[str, str] = {}

    def note_confirmed(self, *vaults: str) -> None:
        """Note that a poll confirmed these vaults."""
        now = self._clock.monotonic()
        # Reconciles since the last poll may have reported trouble, and must take it back.
        self._reported |= {v: reason for v, reason in self._reasons(vaults).items() if reason}
        self._failure = None
        for vault_id in vaults:
            self._confirmed[vault_id] = now
            self._failures.pop(vault_id, None)

    def note_failure(self, error: BackendError, *, vault_id: str | None = None) -> None:
        """Note that a poll failed, as a whole or for one vault."""
        if vault_id is None:
            self._failure = error
        else:
            self._failures[vault_id] = error

    def trouble(self, vault_id: str) -> BackendError | None:
        """Return the error to report on the Secrets of a vault; None if there is nothing to report.

        A refusal is reported at once, an outage only beyond the staleness limit.
        """
        if isinstance(self._failure, BackendDeniedError):
            return self._failure
        own = self._failures.get(vault_id)
        if own is not None and not isinstance(own, BackendUnavailableError):
            return own
        age = self.age_seconds(vault_id)
        if age <= self._staleness_seconds:
            return None
        cause = own or self._failure
        return BackendUnavailableError(
            f"1Password has not confirmed this item for more than {self._staleness_seconds:.0f} s;"
            " the Secret stays as it was" + (f": {cause}" if cause else "")
        )

    def stale_for(self, seconds_failing: float) -> bool:
        """Whether the failure of a single item has lasted beyond the staleness limit."""
        return seconds_failing > self._staleness_seconds

    def age_seconds(self, vault_id: str) -> float:
        """Return the seconds since the vault was confirmed, at first since it was asked for."""
        now = self._clock.monotonic()
        return now - self._confirmed.setdefault(vault_id, now)

    def take_changed(self, vaults: Iterable[str]) -> list[str]:
        """Return the vaults whose trouble began, ended or changed since the last call."""
        former, self._reported = self._reported, self._reasons(vaults)
        return [v for v, reason in self._reported.items() if former.get(v, "") != reason]

    def _reasons(self, vaults: Iterable[str]) -> dict[str, str]:
        return {v: trouble.reason if (trouble := self.trouble(v)) else "" for v in vaults}
