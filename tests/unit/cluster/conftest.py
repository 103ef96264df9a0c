"""A scripted API server and a client of it that loses no time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from fakes.scripted_server import Server
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.credentials import ClusterAccess, FixedToken


@dataclass
class Observed:
    """What the client told its observer."""

    requests: list[tuple[str, str, int]] = field(default_factory=list)

    def __call__(self, verb: str, resource: str, code: int) -> None:
        self.requests.append((verb, resource, code))


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.random", lambda: 0.0)


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
async def api(server: Server, observed: Observed) -> AsyncIterator[KubernetesApi]:
    access = ClusterAccess(server=server.url, ssl_context=None, token=FixedToken(token="fake-kubernetes-token"))
    async with KubernetesApi(access, user_agent="operator-test/1", observer=observed) as opened:
        yield opened
