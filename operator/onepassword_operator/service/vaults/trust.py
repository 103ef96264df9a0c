"""Whether polls may rely on the vault list: not if it hides changes that an item list shows.

A change that arrives between the two lists is not hidden. So a suspicion that an item list raises
is judged at the next poll, by a vault list that was read after it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final

from onepassword_operator.model.item import Vault
from onepassword_operator.ports import Meter

CLEAN_RESYNCS: Final = 3
"""Resyncs in a row without a hidden change until the vault list is trusted again."""

_log = logging.getLogger(__name__)


class PollTrust:
    """The trust in the vault list of one credential."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lost = False
        self._missed = False
        self._clean = 0
        self._suspects: dict[str, tuple[int, object]] = {}
        self._awaited: set[str] | None = None
        """Vaults whose lists the resync under way still lacks; None while there is no resync."""

    def lost(self) -> bool:
        """Whether polls have to list the items of every used vault."""
        return self._lost

    def begin_resync(self, vaults: Iterable[str]) -> None:
        """Note that a resync lists these vaults."""
        self._awaited = set(vaults)

    def note_list(self, vault_id: str, *, changes: int, fingerprint: object) -> None:
        """Note a vault's list, however late it came.

        Args:
            vault_id: the vault.
            changes: items that differ from the list before although the vault list had shown the
                vault unchanged.
            fingerprint: the vault's, from before the list.
        """
        if changes:
            self._suspects[vault_id] = (changes, fingerprint)
        if self._awaited:
            self._awaited.discard(vault_id)

    def note_failure(self, vault_id: str) -> None:
        """Note that a vault could not be listed: a resync without its list proves nothing."""
        if self._awaited and vault_id in self._awaited:
            self._awaited = None

    def judge(self, vaults: Mapping[str, Vault]) -> None:
        """Decide by a new vault list whether the changes listed before it had been hidden."""
        suspects, self._suspects = self._suspects, {}
        hidden = sum(
            changes
            for vault_id, (changes, fingerprint) in suspects.items()
            if vault_id in vaults and vaults[vault_id].fingerprint == fingerprint
        )
        if hidden:
            self._lose(hidden)
        if self._awaited is not None and not self._awaited:
            self._awaited = None
            self._note_resync()

    def _lose(self, hidden: int) -> None:
        self._meter.resync_found(hidden)
        self._missed = True
        if not self._lost:
            self._lost = True
            _log.warning(
                "the vault list hides changes; polling by item lists until %d resyncs in a row"
                " find no hidden change",
                CLEAN_RESYNCS,
                extra={"changes": hidden},
            )

    def _note_resync(self) -> None:
        # Hidden changes that polls found since the last resync count as well.
        missed, self._missed = self._missed, False
        if missed or not self._lost:
            self._clean = 0
            return
        self._clean += 1
        if self._clean == CLEAN_RESYNCS:
            self._lost, self._clean = False, 0
            _log.info("the vault list shows every change again; polling by the vault list")
