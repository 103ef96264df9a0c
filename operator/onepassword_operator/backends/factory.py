"""From settings to an ItemSource: today Connect, one credential, paced."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator

from onepassword_operator.backends.connect import ConnectSource, Observer
from onepassword_operator.backends.pacing import PacedSource
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.outbound import DIRECT, Route
from onepassword_operator.ports import Clock


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How patient to be with a Connect server, in seconds."""

    timeout_seconds: float
    denied_probe_seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A Connect server and the way to it."""

    host: str
    way: Route = DIRECT


@contextlib.asynccontextmanager
async def connect_source(
    server: Server, *, token: Confidential, user_agent: str, observer: Observer, clock: Clock, pace: Pace
) -> AsyncIterator[PacedSource]:
    """An open source for one Connect server and token."""
    async with ConnectSource(
        host=server.host, way=server.way, token=token, user_agent=user_agent, observer=observer, timeout_seconds=pace.timeout_seconds
    ) as source:
        yield PacedSource(source, clock, denied_probe_seconds=pace.denied_probe_seconds)
