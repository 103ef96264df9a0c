"""The fault rules in force: decides the fault of a request, of 1Password, and of the port."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from onepassword_operator.devconnect.faults.rules import Action, FaultRule
from onepassword_operator.devconnect.store.visibility import FOR_EVER

NOT_AT_ALL: Final = 0.0


@dataclasses.dataclass(slots=True, kw_only=True)
class _Armed:
    rule: FaultRule
    ends_at: float
    matched: int = 0
    fired: int = 0

    def fires(self) -> bool:
        self.matched += 1
        if self.rule.every is not None and self.matched % self.rule.every:
            return False
        if self.rule.times is not None and self.fired >= self.rule.times:
            return False
        self.fired += 1
        return True


class Gate(Protocol):
    """The listening socket of the API."""

    async def listen(self) -> None:
        """Accept connections; does nothing when it already does."""

    async def refuse(self) -> None:
        """Close the socket and abort all connections; does nothing when it already is closed."""


class Faults:
    """The rules in force; the first one that fires for a request wins.

    `hold` gets the time until which nothing arrives from 1Password.
    """

    def __init__(
        self, gate: Gate, *, hold: Callable[[float], None], clock: Callable[[], float]
    ) -> None:
        self.latency_seconds = 0.0
        self._armed: list[_Armed] = []
        self._gate = gate
        self._hold = hold
        self._clock = clock
        self._changing = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._reopening: asyncio.Task[None] | None = None

    async def replace(self, rules: Sequence[FaultRule | Mapping[str, Any]]) -> None:
        """Put these rules in force instead of all others.

        Returns once the API port listens, or no longer does.
        """
        parsed = [rule if isinstance(rule, FaultRule) else FaultRule.parse(rule) for rule in rules]
        now = self._clock()
        async with self._changing:
            self._armed = [
                _Armed(
                    rule=rule,
                    ends_at=FOR_EVER if rule.for_seconds is None else now + rule.for_seconds,
                )
                for rule in parsed
            ]
            self._hold(
                max(
                    (armed.ends_at for armed in self._armed if armed.rule.action is Action.OFFLINE),
                    default=NOT_AT_ALL,
                )
            )
            await self._move_gate([rule for rule in parsed if rule.action is Action.DOWN])

    async def clear(self) -> None:
        """Remove all rules."""
        await self.replace(())

    async def close(self) -> None:
        """Cancel the timer that reopens the port, or wait for it if it is at work."""
        self._stop_timer()
        if self._reopening is not None:
            await asyncio.wait([self._reopening])

    def take(self, *, route: str, path: str) -> FaultRule | None:
        """Return the rule that hits this request and count it, or None."""
        for armed in self._armed:
            if (
                armed.rule.matches(route=route, path=path)
                and self._clock() < armed.ends_at
                and armed.fires()
            ):
                return armed.rule
        return None

    def is_online(self) -> bool:
        """Tell whether 1Password can be reached."""
        now = self._clock()
        return not any(
            armed.rule.action is Action.OFFLINE and now < armed.ends_at for armed in self._armed
        )

    def show(self) -> list[dict[str, Any]]:
        """List the rules with how many requests each matched and hit."""
        return [
            {**armed.rule.show(), "matched": armed.matched, "fired": armed.fired}
            for armed in self._armed
        ]

    async def _move_gate(self, down: Sequence[FaultRule]) -> None:
        self._stop_timer()
        if not down:
            await self._gate.listen()
            return
        await self._gate.refuse()
        if all(rule.for_seconds is not None for rule in down):
            # A closed port gets no request at which the clock could be checked, so this end needs a
            # timer in real time.
            seconds = max(rule.for_seconds or 0.0 for rule in down)
            self._timer = asyncio.get_running_loop().call_later(seconds, self._start_reopening)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start_reopening(self) -> None:
        self._reopening = asyncio.create_task(self._reopen(self._armed))

    async def _reopen(self, armed: Sequence[_Armed]) -> None:
        async with self._changing:
            if self._armed is armed:
                await self._gate.listen()
