"""Whether the cheap poll may be believed: a vault whose items change while the vault list stands still says that it may not."""

from __future__ import annotations

import logging
from typing import Final

from onepassword_operator.ports import Meter

CLEAN_RESYNCS: Final = 3
"""Resyncs in a row without a miss, after which the vault list is believed again."""

_log = logging.getLogger(__name__)


class PollTrust:
    """One credential's record: what its vault list hid, and how long ago."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._lost = False
        self._missed = False
        self._clean = 0

    def lost(self) -> bool:
        """Whether polls have to list the items of every followed vault."""
        return self._lost

    def missed(self, count: int) -> None:
        """Items changed in vaults that the vault list shows unchanged, before and after."""
        self._meter.resync_found(count)
        self._missed = True
        if not self._lost:
            self._lost = True
            _log.warning(
                "the vault list does not show every change; polling by item lists until %d resyncs in a row find none that it hides",
                CLEAN_RESYNCS,
                extra={"changes": count},
            )

    def resynced(self) -> None:
        """Every followed vault was listed by a resync; what polls found since the last one counts as well."""
        missed, self._missed = self._missed, False
        if missed or not self._lost:
            self._clean = 0
            return
        self._clean += 1
        if self._clean == CLEAN_RESYNCS:
            self._lost, self._clean = False, 0
            _log.info("the vault list shows every change again; polling by it")
