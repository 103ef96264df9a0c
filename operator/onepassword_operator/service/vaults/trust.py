"""Whether polls may rely on the vault list: not after items have changed in a vault that the vault list shows unchanged."""

from __future__ import annotations

import logging
from typing import Final

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

    def lost(self) -> bool:
        """Whether polls have to list the items of every used vault."""
        return self._lost

    def missed(self, count: int) -> None:
        """Note changes of items in vaults that the vault list shows unchanged, before and after."""
        self._meter.resync_found(count)
        self._missed = True
        if not self._lost:
            self._lost = True
            _log.warning(
                "the vault list hides changes; polling by item lists until %d resyncs in a row find no hidden change",
                CLEAN_RESYNCS,
                extra={"changes": count},
            )

    def resynced(self) -> None:
        """Note that a resync has listed every used vault.

        Hidden changes that polls found since the last resync count as well.
        """
        missed, self._missed = self._missed, False
        if missed or not self._lost:
            self._clean = 0
            return
        self._clean += 1
        if self._clean == CLEAN_RESYNCS:
            self._lost, self._clean = False, 0
            _log.info("the vault list shows every change again; polling by the vault list")
