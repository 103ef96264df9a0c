"""How long ago 1Password confirmed each vault, and what resources on it are told when that was too long ago."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onepassword_operator.model.errors import BackendDeniedError, BackendError, BackendUnavailableError
from onepassword_operator.ports import Clock


class Freshness:
    """The poll reports here; every pass over a Secret asks here before it says that all is well."""

    def __init__(self, clock: Clock, *, staleness_seconds: float) -> None:
        self._clock = clock
        self._staleness_seconds = staleness_seconds
        self._confirmed: dict[str, float] = {}
        self._failures: dict[str, BackendError] = {}
        self._failure: BackendError | None = None

    def confirmed(self, vaults: Iterable[str]) -> None:
        """A poll found these vaults current."""
        now = self._clock.monotonic()
        self._failure = None
        for vault_id in vaults:
            self._confirmed[vault_id] = now
            self._failures.pop(vault_id, None)

    def failed(self, error: BackendError, *, vault_id: str | None = None) -> None:
        """A poll failed, altogether or for one vault."""
        if vault_id is None:
            self._failure = error
        else:
            self._failures[vault_id] = error

    def trouble(self, vault_id: str) -> BackendError | None:
        """What to say about Secrets on this vault although they are as last read; None while all is well or a blip is young."""
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
            f"1Password has not confirmed this item for more than {self._staleness_seconds:.0f} s; the Secret stays as it was"
            + (f": {cause}" if cause else "")
        )

    def stale_for(self, seconds_failing: float) -> bool:
        """Whether a single item's own trouble has lasted too long to be called a blip."""
        return seconds_failing > self._staleness_seconds

    def age_seconds(self, vault_id: str) -> float:
        """Seconds since the vault was last confirmed; of one that no poll has confirmed yet, since it was first asked about."""
        now = self._clock.monotonic()
        return now - self._confirmed.setdefault(vault_id, now)

    def signature(self, vaults: Iterable[str]) -> Mapping[str, str]:
        """Per vault, the reason of its trouble; two signatures tell which resources are owed a new status."""
        return {vault_id: trouble.reason if (trouble := self.trouble(vault_id)) else "" for vault_id in vaults}
