"""Leader election: one of several replicas reads 1Password and writes.

The others watch and stand by. The leader renews the lease every two seconds. If it could not for
ten, it stops writing at that moment, even while a request hangs, and the process ends: another
replica may lead five seconds later.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import math
from collections.abc import Callable
from typing import Final, Protocol

from onepassword_operator.model.errors import ClusterConflictError, ClusterError
from onepassword_operator.model.lease import HeldLease, LeaseRecord
from onepassword_operator.ports import Clock, LeaseStore
from onepassword_operator.rules import lease
from onepassword_operator.rules.lease import Timing

_JITTER: Final = 0.2

_log = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class _Seen:
    """The lease as last read, and the time since which its record is unchanged."""

    held: HeldLease | None
    since: float


class Election(Protocol):
    """Acquires, renews and releases leadership, as client-go does."""

    def seconds_left(self) -> float:
        """Return for how long this replica leads without another renewal; 0 if it does not."""

    async def acquire(self) -> float:
        """Wait until this replica leads.

        Return the monotonic time until which another is known to have led, or minus infinity.
        """

    async def renew(self) -> None:
        """Renew the lease until it is lost; then return."""

    async def release(self) -> None:
        """Release the lease, if it is held."""


class NoElection:
    """`Election` without an election: the only replica always leads."""

    def seconds_left(self) -> float:
        """Return infinity."""
        return math.inf

    async def acquire(self) -> float:
        """Return at once: no other replica has led."""
        return -math.inf

    async def renew(self) -> None:
        """Wait for ever."""
        await asyncio.Event().wait()

    async def release(self) -> None:
        """Do nothing: there is no lease."""


class LeaderElection:
    """`Election` by a Lease, for one replica."""

    def __init__(
        self,
        store: LeaseStore,
        *,
        identity: str,
        timing: Timing,
        clock: Clock,
        now: Callable[[], str],
    ) -> None:
        self._store = store
        self._identity = identity
        self._timing = timing
        self._clock = clock
        self._now = now
        self._seen: _Seen | None = None
        self._deadline: float | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._leading = False
        self._lost = asyncio.Event()
        self._reported = self._awaited = ""
        self._must_read = False
        self._read_at = self._led_elsewhere_until = -math.inf
        self._wrote = False

    def seconds_left(self) -> float:
        """Return for how long this replica leads without another renewal; 0 if it does not.

        Asked before each write, because the process may have been paused for a while.
        """
        if self._deadline is None or self._lost.is_set():
            return 0.0
        return max(self._deadline - self._clock.monotonic(), 0.0)

    async def acquire(self) -> float:
        """Acquire the lease, however long it takes.

        Return the time until which another replica was seen to lead, or minus infinity.
        """
        _log.info("standing by until the lease is free", extra={"identity": self._identity})
        # the lease is on the API server, so nothing here can signal it
        while not await self._attempt():  # noqa: ASYNC110
            await asyncio.sleep(self._timing.retry_seconds * (1.0 + _JITTER * self._clock.jitter()))
        self._leading = True
        _log.info("leading", extra={"identity": self._identity})
        return self._led_elsewhere_until

    async def renew(self) -> None:
        """Renew until the lease is lost; call after `acquire`."""
        renewals = asyncio.create_task(self._renew_forever(), name="lease-renewals")
        try:
            await self._lost.wait()  # returns even while a renewal hangs
        finally:
            renewals.cancel()
        _log.error("leadership lost", extra={"identity": self._identity})

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(self._timing.retry_seconds)
            await self._attempt()

    async def release(self) -> None:
        """Release the lease, so that the next leader need not wait for its expiry; best effort."""
        if self._watchdog:
            self._watchdog.cancel()
        self._deadline = None
        if not self._wrote:
            return
        try:
            async with asyncio.timeout(self._timing.retry_seconds):
                while not await self._released():
                    pass
        except (ClusterError, TimeoutError) as error:
            _log.info(
                "the lease could not be released and will expire",
                extra={"error": type(error).__name__},
            )

    async def _released(self) -> bool:
        # Read the lease again: a renewal that was in flight when the process began to stop may have
        # been written, or may yet be.
        held = await self._store.get()
        if held is None or held.record.holder != self._identity:
            return True
        with contextlib.suppress(ClusterConflictError):
            await self._store.write(lease.released(held.record, now=self._now()), basis=held)
            return True
        return False

    async def _attempt(self) -> bool:
        """Try once to acquire or renew the lease; return whether it is held now."""
        started = self._clock.monotonic()
        try:
            async with asyncio.timeout(self._timing.deadline_seconds / 2):
                held = await self._basis()
                former = held.record if held else None
                if not lease.may_hold(
                    former,
                    self._identity,
                    unchanged_seconds=self._clock.monotonic() - self._since(),
                ):
                    self._check_holder(former)
                    return False
                record = lease.held(former, self._identity, now=self._now(), timing=self._timing)
                self._wrote = True  # from here on the lease may be held, even if no answer comes
                written = await self._store.write(record, basis=held)
        except (ClusterError, TimeoutError) as error:
            self._must_read = True
            self._report(str(error) or "no answer in time")
            return False
        self._seen, self._must_read, self._reported = (
            _Seen(written, self._clock.monotonic()),
            False,
            "",
        )
        self._hold_from(started)
        return not self._lost.is_set()

    async def _basis(self) -> HeldLease | None:
        # The leader wrote the present record itself, unless its last write got no answer. If
        # another replica has written since, the write fails with a conflict.
        if self._leading and self._seen and not self._must_read:
            return self._seen.held
        return await self._read()

    def _report(self, trouble: str) -> None:
        if trouble != self._reported:
            self._reported = trouble
            _log.warning("the lease could not be taken or renewed", extra={"detail": trouble})

    async def _read(self) -> HeldLease | None:
        started = self._clock.monotonic()
        held = await self._store.get()
        if self._seen is None or self._seen.held != held:
            if self._seen and held and held.record.holder not in {"", self._identity}:
                self._led_elsewhere_until = (
                    self._read_at
                )  # renewed at some time since the last read
            self._seen = _Seen(held, self._clock.monotonic())
        self._read_at = started
        return held

    def _since(self) -> float:
        return self._seen.since if self._seen else self._clock.monotonic()

    def _check_holder(self, record: LeaseRecord | None) -> None:
        if self._leading and record:
            _log.error("another replica holds the lease", extra={"holder": record.holder})
            self._lose()
        elif record and record.holder != self._awaited:
            self._awaited = record.holder
            _log.info("another replica leads", extra={"holder": record.holder})

    def _hold_from(self, started: float) -> None:
        # Counted from before the request, as the API server may do.
        self._deadline = started + self._timing.deadline_seconds
        if self._watchdog:
            self._watchdog.cancel()
        left = max(self._deadline - self._clock.monotonic(), 0.0)
        self._watchdog = asyncio.get_running_loop().call_later(left, self._lose)

    def _lose(self) -> None:
        self._deadline = None
        if self._leading:
            self._lost.set()
