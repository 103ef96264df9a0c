"""An ItemSource in front of another: caps concurrency, honours waits that were asked for, and breaks the circuit when nothing works.

The vault list is the probe, because it proves the token as well, which `/health` does not. While the circuit is open, other calls fail at
once with what was last seen; the vault list still goes out, but however many ask for it, only now and then: every few seconds after an
outage, at the configured pace after a refused token. A cold server, and one item that can't be read, are no outage; a vault that is refused
while the vault list is not, is no refused token.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from onepassword_operator.model.errors import (
    BackendDeniedError,
    BackendError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ItemLookupError,
    OperatorError,
    RefusedError,
)
from onepassword_operator.model.item import Item, ItemSummary, Vault
from onepassword_operator.ports import Clock, ItemSource
from onepassword_operator.service.runtime.seats import PATIENCE_SECONDS, Seats

CONCURRENCY: Final = 10
"""Reads of items. Lists and the poll never wait behind them: what they show is what the reads are for."""
LISTS_AT_ONCE: Final = 2
"""Item lists may be the largest of all replies, and memory has to hold them."""
FAILURES_TO_OPEN: Final = 3
"""Calls in a row without an answer (each has already been retried) until the circuit opens."""
PROBE_SECONDS: Final = 3.0
"""Between a probe that failed and the next one."""
COLD_SECONDS: Final = 120.0
"""How long after the first call a server that has never answered in full may say that it is not ready yet."""

_PROBE: Final = "vaults"

_T = TypeVar("_T")


class CircuitBreaker:
    """One credential's budget."""

    def __init__(self, source: ItemSource, clock: Clock, *, denied_probe_seconds: float, credential: Callable[[], int] = lambda: 0) -> None:
        self._source = source
        self._clock = clock
        self._denied_probe_seconds = denied_probe_seconds
        self._items = Seats(CONCURRENCY, overdue=2 * CONCURRENCY)
        self._lists = Seats(LISTS_AT_ONCE, overdue=LISTS_AT_ONCE)
        self._slow_lists = Seats(LISTS_AT_ONCE, overdue=0)
        self._slow: set[str] = set()
        """Vaults whose last list failed or took long: they wait for each other, and for nobody else."""
        self._failed: list[str] = []
        self._cold_until: float | None = None
        self._open: BackendError | None = None
        self._last: BackendError | None = None
        self._probe_at = 0.0
        self._credential = credential
        self._refused_credential = 0
        self._in_flight = 0
        self._doubting = asyncio.Lock()
        self._doubted_at = -PROBE_SECONDS

    def in_flight(self) -> int:
        """Calls under way."""
        return self._in_flight

    def is_open(self) -> bool:
        """Whether the circuit is open: calls fail at once with what was last seen."""
        return self._refusal() is not None

    def _refusal(self) -> BackendError | None:
        # A pause that Connect asked for ends by itself; after an outage and after a refused token the probe has to come through first.
        asked_for = self._open is not None and self._open.delay_seconds is not None
        return None if asked_for and self._clock.monotonic() >= self._probe_at else self._open

    async def list_vaults(self) -> Sequence[Vault]:
        """The vault list; also the probe that closes an open circuit."""
        self._notice_new_credential()
        if self._last and self._clock.monotonic() < self._probe_at:
            raise self._last.with_traceback(None)
        return await self._judged(self._source.list_vaults, _PROBE)

    async def list_items(self, vault_id: str) -> Sequence[ItemSummary]:
        """A vault's items."""
        seats = self._slow_lists if vault_id in self._slow else self._lists
        return await self._guarded(lambda: self._timed_list(vault_id), vault_id, seats=seats)

    async def _timed_list(self, vault_id: str) -> Sequence[ItemSummary]:
        began, slow = self._clock.monotonic(), True
        try:
            listed = await self._source.list_items(vault_id)
            slow = self._clock.monotonic() - began > PATIENCE_SECONDS
        finally:
            (self._slow.add if slow else self._slow.discard)(vault_id)
        return listed

    async def get_item(self, vault_id: str, item_id: str) -> Item:
        """An item with its files."""
        return await self._guarded(lambda: self._source.get_item(vault_id, item_id), item_id, seats=self._items)

    async def _guarded(self, call: Callable[[], Awaitable[_T]], target: str, *, seats: Seats) -> _T:
        async with seats.seat() as seat:
            seat.start()
            # Asked only now: what was waiting for a slot when the circuit opened must not go out either.
            self._notice_new_credential()
            if refusal := self._refusal():
                raise refusal.with_traceback(None)  # raised again and again, it would keep every frame it has passed
            try:
                return await self._judged(call, target)
            except BackendDeniedError:
                await self._doubt_token()
                raise

    async def _doubt_token(self) -> None:
        # Whether it is the token or one vault that is refused, the vault list knows; one look serves all who were refused together.
        async with self._doubting:
            if self._open is None and self._clock.monotonic() >= self._doubted_at + PROBE_SECONDS:
                self._doubted_at = self._clock.monotonic()
                with contextlib.suppress(OperatorError):
                    await self._judged(self._source.list_vaults, _PROBE)

    def _notice_new_credential(self) -> None:
        # The file of a refused token holds another one now: that is the cause ended, and no reason to wait.
        if isinstance(self._open, BackendDeniedError) and self._credential() != self._refused_credential:
            self._open = self._last = None
            self._probe_at = 0.0

    async def _judged(self, call: Callable[[], Awaitable[_T]], target: str) -> _T:
        self._in_flight += 1
        credential = self._credential()
        if self._cold_until is None:
            self._cold_until = self._clock.monotonic() + COLD_SECONDS
        try:
            result = await call()
        except (BackendError, ItemLookupError, RefusedError) as error:
            self._note(error, target, credential=credential)
            raise
        finally:
            self._in_flight -= 1
        self._failed.clear()
        self._cold_until = 0.0
        if self._clock.monotonic() >= self._probe_at:  # a call that was on its way before the wait was asked for does not end it
            self._open = self._last = None
        return result

    def _note(self, error: OperatorError, target: str, *, credential: int) -> None:
        match error:
            case BackendDeniedError() if target == _PROBE:
                self._refused_credential = credential
                self._break(error, self._denied_probe_seconds)
            case BackendRateLimitedError():
                self._break(error, error.delay_seconds)
            case BackendUnavailableError():
                self._note_outage(error, target)
            case _:
                self._failed.clear()  # whatever it says, it is an answer

    def _note_outage(self, error: BackendUnavailableError, target: str) -> None:
        if error.delay_seconds is not None:
            self._break(error, error.delay_seconds)
        elif error.warming_up and self._clock.monotonic() < (self._cold_until or 0.0):
            self._pause(error, PROBE_SECONDS)  # it will be there soon, and nothing is known yet that could be done without it
        elif not (error.of_one_item and target in self._failed):
            self._failed = [*self._failed, target][-FAILURES_TO_OPEN:]
            if len(self._failed) == FAILURES_TO_OPEN:
                self._break(error, PROBE_SECONDS)

    def _break(self, error: BackendError, pause_seconds: float) -> None:
        self._open = error
        self._pause(error, pause_seconds)

    def _pause(self, error: BackendError, seconds: float) -> None:
        self._last = error
        self._probe_at = max(self._probe_at, self._clock.monotonic() + seconds)
