"""A scripted Connect server and a client of it that loses no time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from fakes.scripted_server import Server
from onepassword_operator.connect import answers
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.client import ConnectSource
from onepassword_operator.model.confidential import Confidential

TOKEN = "fake-connect-token"


@dataclass
class Observed:
    """What the source told its observer."""

    requests: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, route: str, code: int, seconds: float) -> None:
        assert seconds >= 0
        self.requests.append((route, code))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "FIRST_PAUSE_SECONDS", 0.0)


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
async def source(server: Server, observed: Observed) -> AsyncIterator[ConnectSource]:
    async with ConnectSource(
        host=server.url, token=ConnectToken(Confidential(TOKEN.encode())), user_agent="operator-test/1", observer=observed
    ) as opened:
        yield opened
