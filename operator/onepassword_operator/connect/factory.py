"""From settings to an ItemSource: today Connect, one credential, paced."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator

from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.breaker import PacedSource
from onepassword_operator.connect.budget import Budget
from onepassword_operator.connect.client import ConnectSource, Observer
from onepassword_operator.net.proxy import DIRECT, Route
from onepassword_operator.ports import Clock


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient to be with a Connect server, in seconds, and how many requests it may cost."""

    timeout_seconds: float
    denied_probe_seconds: float
    requests_per_minute: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Connect server and the way to it."""

    host: str
    way: Route = DIRECT


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """An open connection: the paced source for the use-cases, and the bare one for looks at the server itself."""

    paced: PacedSource
    bare: ConnectSource
    budget: Budget


@contextlib.asynccontextmanager
async def connect_source(
    server: Server, *, token: ConnectToken, user_agent: str, observer: Observer, clock: Clock, pace: Pace
) -> AsyncIterator[Connected]:
    """An open source for one Connect server and token."""
    async with ConnectSource(
        host=server.host, way=server.way, token=token, user_agent=user_agent, observer=observer, timeout_seconds=pace.timeout_seconds
    ) as source:
        paced = PacedSource(source, clock, denied_probe_seconds=pace.denied_probe_seconds, credential=token.generation)
        source.turn = (budget := Budget(pace.requests_per_minute, clock)).turn
        yield Connected(paced=paced, bare=source, budget=budget)
