"""Waits for the CRD, at the start and whenever it has been deleted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from onepassword_operator.model.errors import ClusterError

CHECK_SECONDS: Final = 2.0
_MISSING: Final = (
    "the cluster does not serve onepassworditems.onepassword.com; "
    "apply the CRD: kubectl apply -f crds/"
)

_log = logging.getLogger(__name__)


class Crd:
    """Whether the cluster serves OnePasswordItems, as far as somebody has asked."""

    def __init__(self, is_served: Callable[[], Awaitable[bool]]) -> None:
        self._is_served = is_served
        self._one_by_one = asyncio.Lock()
        self._losses = 0
        self.missing = False

    async def wait(self) -> bool:
        """Return when the CRD is served; True if it was missing since the call."""
        losses = self._losses
        async with self._one_by_one:
            reported = ""
            while trouble := await self._trouble():
                if not self.missing:
                    self._losses += 1
                self.missing = True
                if trouble != reported:
                    _log.error("not ready", extra={"detail": trouble})
                    reported = trouble
                await asyncio.sleep(CHECK_SECONDS)
            if self.missing:
                _log.info("the CRD is served")
            self.missing = False
        return self._losses > losses

    async def _trouble(self) -> str:
        try:
            return "" if await self._is_served() else _MISSING
        except ClusterError as error:
            return str(error)
