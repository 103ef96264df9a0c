"""From settings to an ItemSource: today Connect, one credential, paced."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from onepassword_operator.backends.connect import ConnectSource, Observer
from onepassword_operator.backends.pacing import PacedSource
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.ports import Clock


@contextlib.asynccontextmanager
async def connect_source(
    *, host: str, token: Confidential, user_agent: str, observer: Observer, clock: Clock, denied_probe_seconds: float
) -> AsyncIterator[PacedSource]:
    """An open source for one Connect server and token."""
    async with ConnectSource(host=host, token=token, user_agent=user_agent, observer=observer) as source:
        yield PacedSource(source, clock, denied_probe_seconds=denied_probe_seconds)
