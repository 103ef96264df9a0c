"""An ItemSource in front of another: caps concurrency, honours waits that were asked for, and breaks the circuit when nothing works.

The vault list is the probe. While the circuit is open, other calls fail at once with what was last seen; the vault list still goes out, at
the poller's pace after outages, and at the configured pace after a refused token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from onepassword_operator.model.errors import (
    BackendAnswerError,
    BackendDeniedError,
    BackendError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ItemLookupError,
)
from onepassword_operator.model.item import Item, ItemSummary, Vault
from onepassword_operator.ports import Clock, ItemSource

CONCURRENCY: Final = 8
FAILURES_TO_OPEN: Final = 3
"""Calls in a row without an answer (each has already been retried) until the circuit opens."""

_T = TypeVar("_T")


class PacedSource:
    """One credential's budget."""

    def __init__(self, source: ItemSource, clock: Clock, *, denied_probe_seconds: float, credential: Callable[[], int] = lambda: 0) -> None:
        self._source = source
        self._clock = clock
        self._denied_probe_seconds = denied_probe_seconds
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._failures = 0
        self._open: BackendError | None = None
        self._probe_at = 0.0
        self._credential = credential
        self._refused_credential = 0
        self._in_flight = 0

    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    def is_open(self) -> bool:
        """Whether the circuit is open: calls fail at once with what was last seen."""
        return self._open is not None

    async def list_vaults(self) -> Sequence[Vault]:
        """The vault list; also the probe that closes an open circuit."""
        self._notice_new_credential()
        if self._open and self._clock.monotonic() < self._probe_at:
            raise self._open.with_traceback(None)
        return await self._call(self._source.list_vaults)

    async def list_items(self, vault_id: str) -> Sequence[ItemSummary]:
        """A vault's items."""
        return await self._guarded(lambda: self._source.list_items(vault_id))

    async def get_item(self, vault_id: str, item_id: str) -> Item:
        """An item with its files."""
        return await self._guarded(lambda: self._source.get_item(vault_id, item_id))

    async def _guarded(self, call: Callable[[], Awaitable[_T]]) -> _T:
        async with self._slots:
            # Asked only now: what was waiting for a slot when the circuit opened must not go out either.
            self._notice_new_credential()
            if self._open:
                raise self._open.with_traceback(None)  # raised again and again, it would keep every frame it has passed
            return await self._judged(call)

    async def _call(self, call: Callable[[], Awaitable[_T]]) -> _T:
        async with self._slots:
            return await self._judged(call)

    def _notice_new_credential(self) -> None:
        # The file of a refused token holds another one now: that is the cause ended, and no reason to wait.
        if isinstance(self._open, BackendDeniedError) and self._credential() != self._refused_credential:
            self._open = None

    async def _judged(self, call: Callable[[], Awaitable[_T]]) -> _T:
        self._in_flight += 1
        credential = self._credential()
        try:
            return await self._counted(call, credential)
        finally:
            self._in_flight -= 1

    async def _counted(self, call: Callable[[], Awaitable[_T]], credential: int) -> _T:
        try:
            result = await call()
        except BackendDeniedError as error:
            self._refused_credential = credential
            self._break(error, self._denied_probe_seconds)
            raise
        except BackendRateLimitedError as error:
            self._break(error, error.delay_seconds)
            raise
        except BackendUnavailableError as error:
            self._failures += 1
            if self._failures >= FAILURES_TO_OPEN:
                self._break(error, error.delay_seconds or 0.0)
            raise
        except (ItemLookupError, BackendForbiddenError, BackendAnswerError):
            self._failures = 0  # whatever it says, it is an answer
            raise
        self._failures = 0
        if self._clock.monotonic() >= self._probe_at:  # a call that was on its way before the wait was asked for does not end it
            self._open = None
        return result

    def _break(self, error: BackendError, pause_seconds: float) -> None:
        self._open = error
        self._probe_at = self._clock.monotonic() + pause_seconds
