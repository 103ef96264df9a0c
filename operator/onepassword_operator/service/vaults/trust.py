"""Whether polls may rely on the vault list: not if it hides changes that an item list shows.

A change that arrives between the two lists is not hidden. So a suspicion that an item list raises
is judged at the next poll, by a vault list that was read after it. Lists without a change prove
nothing.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from onepassword_operator.model.item import Vault
from onepassword_operator.ports import Meter

SHOWN_CHANGES: Final = 3
"""Changes in a row that the vault list has to show, of each vault whose change it had hidden."""

_log = logging.getLogger(__name__)


class PollTrust:
    """The trust in the vault list of one credential."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lost = False
        self._hidden: set[str] = set()
        """Vaults whose last hidden change was not yet followed by enough shown ones."""
        self._shown: Counter[str] = Counter()
        """By vault, the lists with a shown change since the last hidden one of any vault."""
        self._suspects: dict[str, tuple[int, object]] = {}

    def lost(self) -> bool:
        """Whether polls have to list the items of every used vault."""
        return self._lost

    def note_list(self, vault_id: str, *, changes: int, moved: bool, fingerprint: object) -> None:
        """Note a vault's list, however late it came.

        Args:
            vault_id: the vault.
            changes: items that differ from the list before.
            moved: whether the vault list had shown the vault changed since that list.
            fingerprint: the vault's, from before the list.
        """
        if changes and moved:
            self._shown[vault_id] += 1
        elif changes:
            self._suspects[vault_id] = (changes, fingerprint)

    def judge(self, vaults: Mapping[str, Vault], *, followed: Collection[str]) -> None:
        """Decide by a new vault list whether the changes listed before it had been hidden."""
        suspects, self._suspects = self._suspects, {}
        hidden = {
            vault_id: changes
            for vault_id, (changes, fingerprint) in suspects.items()
            if vault_id in vaults and vaults[vault_id].fingerprint == fingerprint
        }
        if hidden:
            self._meter.resync_found(sum(hidden.values()))
            self._shown.clear()
        self._hidden = {v for v in self._hidden | hidden.keys() if self._shown[v] < SHOWN_CHANGES}
        # A vault that nobody follows can't show anything, so the others have to.
        unproven = self._lost and self._shown.total() < SHOWN_CHANGES
        self._note(
            lost=bool(hidden) or unproven or not self._hidden.isdisjoint(followed),
            changes=sum(hidden.values()),
        )

    def _note(self, *, lost: bool, changes: int) -> None:
        if lost and not self._lost:
            _log.warning(
                "the vault list hides changes; polling by item lists until it has shown %d changes"
                " in a row",
                SHOWN_CHANGES,
                extra={"changes": changes},
            )
        if self._lost and not lost:
            _log.info("the vault list shows every change again; polling by the vault list")
        self._lost = lost
