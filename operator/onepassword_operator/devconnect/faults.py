"""Fault rules: decides which request is answered wrongly, how, and whether the API port listens at all."""

import asyncio
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Protocol, Self


class FaultError(ValueError):
    """A rule that cannot be read; the message names the member and the remedy."""


class Action(enum.Enum):
    """What happens instead of the right answer."""

    STATUS = "status"
    HANG = "hang"
    SLOW = "slow"
    RESET = "reset"
    TRUNCATE = "truncate"
    HTML = "html"
    GARBAGE = "garbage"
    REDIRECT = "redirect"
    DOWN = "down"


_NUMBERS: Final = frozenset({"status", "delay_seconds", "times", "every"})
_NEEDED: Final = {Action.STATUS: "status", Action.REDIRECT: "location"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """One rule: an action, its details, and which requests it hits (every `/v1` request unless narrowed).

    `route` is a templated route such as `GET /v1/vaults/:uuid/items`, `path` a part of the real path, `times` limits the rule to the first
    n matching requests, `every` to each n-th. `delay_seconds` is the pause before the fault; for `slow` it is the time the body takes.
    """

    action: Action
    status: int | None = None
    message: str | None = None
    retry_after: float | str | None = None
    delay_seconds: float | None = None
    location: str | None = None
    method: str | None = None
    route: str | None = None
    path: str | None = None
    times: int | None = None
    every: int | None = None

    @classmethod
    def parse(cls, given: object) -> Self:
        """Read one rule from JSON, or raise FaultError."""
        if not isinstance(given, Mapping):
            raise FaultError("a rule must be an object")
        known = {field.name for field in fields(cls)}
        unknown = set(given) - known
        if unknown:
            raise FaultError(f"unknown members {', '.join(sorted(map(str, unknown)))}: use {', '.join(sorted(known))}")
        actions = {action.value: action for action in Action}
        if given.get("action") not in actions:
            raise FaultError(f"action must be one of {', '.join(actions)}")
        for name in known - {"action"}:
            _check_member(name, given.get(name))
        rule = cls(**{**given, "action": actions[given["action"]]})
        needed = _NEEDED.get(rule.action)
        if needed is not None and getattr(rule, needed) is None:
            raise FaultError(f"action {rule.action.value} needs {needed}")
        return rule

    def show(self) -> dict[str, Any]:
        """Write the rule as the JSON it is read from."""
        members = ((field.name, getattr(self, field.name)) for field in fields(self) if field.name != "action")
        return {"action": self.action.value, **{name: value for name, value in members if value is not None}}

    def matches(self, *, route: str, path: str) -> bool:
        """Tell whether a request is one of the rule's; health endpoints are, only if the rule names a route or a path."""
        if self.route is None and self.path is None and not path.startswith("/v1"):
            return False
        return (
            (self.method is None or route.startswith(f"{self.method.upper()} "))
            and (self.route is None or self.route == route)
            and (self.path is None or self.path in path)
        )


@dataclass(slots=True, kw_only=True)
class _Armed:
    rule: FaultRule
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
    """The rules in force; the first one that fires for a request wins."""

    def __init__(self, gate: Gate) -> None:
        self.latency_seconds = 0.0
        self._armed: list[_Armed] = []
        self._gate: Final = gate
        self._changing: Final = asyncio.Lock()

    async def replace(self, rules: Sequence[FaultRule | Mapping[str, Any]]) -> None:
        """Put these rules in force instead of all others; returns once the API port listens, or no longer does."""
        parsed = [rule if isinstance(rule, FaultRule) else FaultRule.parse(rule) for rule in rules]
        async with self._changing:
            self._armed = [_Armed(rule=rule) for rule in parsed]
            if any(rule.action is Action.DOWN for rule in parsed):
                await self._gate.refuse()
            else:
                await self._gate.listen()

    async def clear(self) -> None:
        """Answer rightly again."""
        await self.replace(())

    def take(self, *, route: str, path: str) -> FaultRule | None:
        """Return the rule that hits this request and count it, or None."""
        for armed in self._armed:
            if armed.rule.action is not Action.DOWN and armed.rule.matches(route=route, path=path) and armed.fires():
                return armed.rule
        return None

    def show(self) -> list[dict[str, Any]]:
        """List the rules with how many requests each matched and hit."""
        return [{**armed.rule.show(), "matched": armed.matched, "fired": armed.fired} for armed in self._armed]


def _check_member(name: str, value: object) -> None:
    if value is None:
        return
    if name == "retry_after":
        if not isinstance(value, str | int | float):
            raise FaultError("retry_after must be seconds or a text")
    elif name in _NUMBERS:
        whole = name != "delay_seconds"
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or value < (1 if whole else 0):
            raise FaultError(f"{name} must be a {'whole ' if whole else ''}number{' from 1' if whole else ''}")
    elif not isinstance(value, str):
        raise FaultError(f"{name} must be a text")
