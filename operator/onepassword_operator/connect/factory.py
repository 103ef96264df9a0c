"""Settings → an ItemSource: one Connect server and credential, limited and guarded."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from typing import Protocol

from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.breaker import CircuitBreaker
from onepassword_operator.connect.budget import Budget
from onepassword_operator.connect.client import ConnectSource
from onepassword_operator.net.proxy import DIRECT, Route
from onepassword_operator.ports import Clock


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Timeouts for a Connect server, in seconds, and the limit of requests a minute."""

    timeout_seconds: float
    denied_probe_seconds: float
    requests_per_minute: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Connect server's URL and the route to it."""

    host: str
    way: Route = DIRECT


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """An open connection: guarded for the use-cases, and bare for checks of the server itself."""

    guarded: CircuitBreaker
    bare: ConnectSource
    budget: Budget


class ConnectMeter(Protocol):
    """Counts requests to Connect for the operator's own metrics."""

    def connect_request(self, route: str, code: int, seconds: float, /) -> None:
        """Count a request that ended with this status code (0: no answer) after so many seconds."""

    def connect_retry(self, route: str, /) -> None:
        """Count a retry."""


@contextlib.asynccontextmanager
async def connect_source(
    server: Server,
    *,
    token: ConnectToken,
    user_agent: str,
    meter: ConnectMeter,
    clock: Clock,
    limits: Limits,
) -> AsyncIterator[Connected]:
    """Open the connection pool to one Connect server; closes it on exit."""
    budget = Budget(limits.requests_per_minute, clock)
    async with ConnectSource(
        host=server.host,
        way=server.way,
        token=token,
        user_agent=user_agent,
        observer=meter.connect_request,
        retried=meter.connect_retry,
        turn=budget.turn,
        timeout_seconds=limits.timeout_seconds,
    ) as source:
        guarded = CircuitBreaker(
            source,
            clock,
            denied_probe_seconds=limits.denied_probe_seconds,
            credential=token.generation,
        )
        yield Connected(guarded=guarded, bare=source, budget=budget)
