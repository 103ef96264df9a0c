"""Fault rules, read from the admin port's JSON: decides which requests a rule can hit."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, Final, Self

from onepassword_operator.devconnect.rest import routing


class FaultError(ValueError):
    """An unreadable rule; the message names the member and the remedy."""


class Action(enum.Enum):
    """The fault that replaces the correct answer."""

    STATUS = "status"
    HANG = "hang"
    SLOW = "slow"
    RESET = "reset"
    TRUNCATE = "truncate"
    WRONG_LENGTH = "wrong-length"
    HTML = "html"
    GARBAGE = "garbage"
    REDIRECT = "redirect"
    CONFLICT = "conflict"
    UNSYNCED_FILE = "unsynced-file"
    OFFLINE = "offline"
    DOWN = "down"


_WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_WHOLE: Final = frozenset({"status", "times", "every"})
_SECONDS: Final = frozenset({"delay_seconds", "for_seconds"})
_LEAST_STATUS: Final = 200  # a lower status is not a final answer
_LARGEST_STATUS: Final = 599
_NEEDED: Final = {Action.STATUS: "status", Action.REDIRECT: "location"}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """An action, its details, and the requests that it hits: every `/v1` request unless narrowed.

    `route` is a templated route such as `GET /v1/vaults/:uuid/items`, `path` a part of the real
    path, `times` limits the rule to the first n matching requests, `every` to each n-th,
    `for_seconds` to a while. `delay_seconds` is the pause before the fault; for `slow` it is the
    time the body takes. `conflict` and `offline` hit writes only, `unsynced-file` contents of
    files.
    """

    action: Action
    status: int | None = None
    message: str | None = None
    retry_after: float | str | None = None
    delay_seconds: float | None = None
    for_seconds: float | None = None
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
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = set(given) - known
        if unknown:
            raise FaultError(
                f"unknown members {', '.join(sorted(map(str, unknown)))}: "
                f"use {', '.join(sorted(known))}"
            )
        actions = {action.value: action for action in Action}
        if not isinstance(given.get("action"), str) or given["action"] not in actions:
            raise FaultError(f"action must be one of {', '.join(actions)}")
        for name in known - {"action"}:
            _check_member(name, given.get(name))
        rule = cls(**{**given, "action": actions[given["action"]]})
        if rule.status is not None and not _LEAST_STATUS <= rule.status <= _LARGEST_STATUS:
            raise FaultError(f"status must be from {_LEAST_STATUS} to {_LARGEST_STATUS}")
        needed = _NEEDED.get(rule.action)
        if needed is not None and getattr(rule, needed) is None:
            raise FaultError(f"action {rule.action.value} needs {needed}")
        return rule

    def show(self) -> dict[str, Any]:
        """Write the rule as the JSON it is read from."""
        members = (
            (field.name, getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.name != "action"
        )
        return {
            "action": self.action.value,
            **{name: value for name, value in members if value is not None},
        }

    def matches(self, *, route: str, path: str) -> bool:
        """Tell whether the rule applies to a request.

        It applies to health endpoints only if it names a route or a path.
        """
        if self.route is None and self.path is None and not path.startswith("/v1"):
            return False
        return (
            _is_in_reach(self.action, route)
            and (self.method is None or route.startswith(f"{self.method.upper()} "))
            and (self.route is None or self.route == route)
            and (self.path is None or self.path in path)
        )


def _is_in_reach(action: Action, route: str) -> bool:
    if action in {Action.CONFLICT, Action.OFFLINE}:
        return route.partition(" ")[0] in _WRITES
    if action is Action.UNSYNCED_FILE:
        return route == f"GET {routing.CONTENT}"
    return action is not Action.DOWN


def _check_member(name: str, value: object) -> None:
    if value is None:
        return
    if name in _WHOLE:
        form = "a whole number from 1"
        usable = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    elif name in _SECONDS:
        form = "a number of seconds"
        usable = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
    else:
        form = "a text of one line"
        numbers = int | float if name == "retry_after" else str
        usable = isinstance(value, str | numbers) and str(value).isprintable()
    if not usable:
        raise FaultError(f"{name} must be {form}")
