"""A circuit breaker around an ItemSource: limits calls, keeps delays, and stops in an outage.

The vault list is the probe, because it proves the token as well, which `/health` does not. While
the circuit is open, all other calls fail at once with the last error. The probe goes out every few
seconds after an outage, and at the configured interval after a refused token, however many callers
ask for it. A server that is still starting is no outage, and neither is one unreadable item. A
refused vault is no refused token as long as the vault list works.
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
from onepassword_operator.service.runtime.slots import SLOW_SECONDS, Slots

CONCURRENCY: Final = 10
"""Item reads in flight. Lists have limits of their own, so that they never wait for reads."""
LISTS_AT_ONCE: Final = 2
"""Item lists in flight: they can be the largest of all replies, and memory has to hold them."""
SLOW_REMEMBERED: Final = 1_000
"""Vaults known to be slow, at most: any path may name one that does not exist."""
FAILURES_TO_OPEN: Final = 3
"""Failed calls in a row that open the circuit; each of them has been retried by the client."""
PROBE_SECONDS: Final = 3.0
"""Seconds from a failed probe to the next one."""
COLD_SECONDS: Final = 120.0
"""How long after the first call a server that has never answered may still be starting."""

_PROBE: Final = "vaults"

_T = TypeVar("_T")


class CircuitBreaker:
    """An `ItemSource` over another one, for one credential; it raises the errors of that one."""

    def __init__(
        self,
        source: ItemSource,
        clock: Clock,
        *,
        denied_probe_seconds: float,
        credential: Callable[[], int] = lambda: 0,
    ) -> None:
        self._source = source
        self._clock = clock
        self._denied_probe_seconds = denied_probe_seconds
        self._items = Slots(CONCURRENCY, slow=2 * CONCURRENCY)
        self._lists = Slots(LISTS_AT_ONCE, slow=LISTS_AT_ONCE)
        self._slow_lists = Slots(LISTS_AT_ONCE, slow=0)
        self._slow: dict[str, None] = {}
        """Vaults whose last list failed or was slow: slots of their own keep others free."""
        self._failed: list[str] = []
        self._cold_until: float | None = None
        self._open: BackendError | None = None
        self._last: BackendError | None = None
        self._probe_at = 0.0
        self._credential = credential
        self._refused_credential = 0
        self._in_flight = 0
        self._probing = asyncio.Lock()
        self._token_checked_at = -PROBE_SECONDS

    def in_flight(self) -> int:
        """Return the number of calls in flight."""
        return self._in_flight

    def is_open(self) -> bool:
        """Whether the circuit is open, so that calls fail at once with the last error."""
        return self._refusal() is not None

    def _refusal(self) -> BackendError | None:
        # A delay that Connect asked for ends by itself. After an outage or a refused token the
        # probe has to succeed first.
        asked_for = self._open is not None and self._open.delay_seconds is not None
        return None if asked_for and self._clock.monotonic() >= self._probe_at else self._open

    async def list_vaults(self) -> Sequence[Vault]:
        """List the vaults; also the probe that closes an open circuit."""
        self._notice_new_credential()
        if self._last and self._clock.monotonic() < self._probe_at:
            raise self._last.anew()
        return await self._judged(self._source.list_vaults, _PROBE)

    async def list_items(self, vault_id: str) -> Sequence[ItemSummary]:
        """List a vault's items."""
        slots = self._slow_lists if vault_id in self._slow else self._lists
        return await self._guarded(lambda: self._timed_list(vault_id), vault_id, slots=slots)

    async def _timed_list(self, vault_id: str) -> Sequence[ItemSummary]:
        began, slow = self._clock.monotonic(), True
        try:
            listed = await self._source.list_items(vault_id)
            slow = self._clock.monotonic() - began > SLOW_SECONDS
        finally:
            self._slow.pop(vault_id, None)
            if slow:
                self._slow[vault_id] = None
            if len(self._slow) > SLOW_REMEMBERED:
                del self._slow[next(iter(self._slow))]
        return listed

    async def get_item(self, vault_id: str, item_id: str) -> Item:
        """Read an item with its files."""
        return await self._guarded(
            lambda: self._source.get_item(vault_id, item_id), item_id, slots=self._items
        )

    async def _guarded(self, call: Callable[[], Awaitable[_T]], target: str, *, slots: Slots) -> _T:
        async with slots.slot() as slot:
            slot.start()
            # Checked after the wait for a slot: the circuit may have opened meanwhile.
            self._notice_new_credential()
            await self._probe_if_due()
            if refusal := self._refusal():
                # one instance is raised many times, and each time would add its frames
                raise refusal.anew()
            try:
                return await self._judged(call, target)
            except BackendDeniedError:
                await self._check_token()
                raise

    async def _probe_if_due(self) -> None:
        # Between two polls nobody else would find out that the outage has ended, or was one of a
        # few items only. One probe serves all; the others fail at once meanwhile.
        if self._refusal() is None or self._probing.locked():
            return
        async with self._probing:
            with contextlib.suppress(OperatorError):
                await self.list_vaults()

    async def _check_token(self) -> None:
        # The vault list tells a refused token from a refused vault. One list serves all calls that
        # were refused together.
        async with self._probing:
            if (
                self._open is None
                and self._clock.monotonic() >= self._token_checked_at + PROBE_SECONDS
            ):
                self._token_checked_at = self._clock.monotonic()
                with contextlib.suppress(OperatorError):
                    await self._judged(self._source.list_vaults, _PROBE)

    def _notice_new_credential(self) -> None:
        # The token file has a new token, so there is no reason to wait any longer.
        refused = isinstance(self._open, BackendDeniedError)
        if refused and self._credential() != self._refused_credential:
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
        # A call that was sent before Connect asked for a delay does not end the delay.
        if self._clock.monotonic() >= self._probe_at:
            self._open = self._last = None
        return result

    def _note(self, error: OperatorError, target: str, *, credential: int) -> None:
        match error:
            case BackendDeniedError() if target == _PROBE:
                self._refused_credential = credential
                self._break(error, self._denied_probe_seconds)
            case BackendRateLimitedError(delay_seconds=pause) if pause is not None:
                self._break(error, pause)
            case BackendUnavailableError():
                self._note_outage(error, target)
            case _:
                self._failed.clear()  # any answer ends an outage

    def _note_outage(self, error: BackendUnavailableError, target: str) -> None:
        if error.delay_seconds is not None:
            self._break(error, error.delay_seconds)
        elif error.warming_up and self._clock.monotonic() < (self._cold_until or 0.0):
            # The server will be up soon, and without it nothing can be done yet.
            self._pause(error, PROBE_SECONDS)
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
