"""What is told about the Connect server and the token before it hurts, and how often."""

import base64
import json

import pytest

from onepassword_operator.connect import schema
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.asked import Asked
from onepassword_operator.connect.schema import WireHealth
from onepassword_operator.connect.server_watch import ServerWatch
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import BackendUnavailableError

NOW = 1_700_000_000.0
DAY = 86400.0


class Watched:
    """A watch, with everything around it: a server that says what a test puts into its mouth."""

    def __init__(self, answer: dict[str, object] | None = None, *, expiry: float | None = None) -> None:
        claims = base64.urlsafe_b64encode(json.dumps({"exp": expiry}).encode()).rstrip(b"=")
        self.now, self.answer, self.versions = NOW, answer, list[str]()
        token = ConnectToken(Confidential(b"a." + claims + b".c"))
        self.watch = ServerWatch(self, token, reported=self.versions.append, now=lambda: self.now)

    async def health(self) -> WireHealth:
        if self.answer is None:
            raise BackendUnavailableError("no answer")
        return schema.decode_one(WireHealth, json.dumps(self.answer).encode(), asked=Asked("GET /health", "http://x"))


@pytest.fixture(autouse=True)
def _from_info_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


async def test_a_server_that_is_well_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched({"version": "1.8.1"})
    for _ in range(3):
        assert await watched.watch.check()
    assert watched.versions == ["1.8.1"]
    assert said(caplog) == [("INFO", "Connect server")]


@pytest.mark.parametrize(
    ("version", "old"),
    [("1.7.1", True), ("1.7.3", True), ("1.5.10", True), ("1.8.0", False), ("1.8.0-beta", False), ("1.10.0", False), ("2.0.0", False)],
)
async def test_a_version_with_known_faults_is_warned_of(caplog: pytest.LogCaptureFixture, version: str, old: object) -> None:
    watched = Watched({"version": version})
    assert await watched.watch.check()
    assert [record.levelname for record in caplog.records] == ["WARNING" if old else "INFO"]
    assert watched.versions == [version]


@pytest.mark.parametrize("answer", [{}, {"version": None}, {"version": "next"}, {"dependencies": None}, {"dependencies": [None, {}]}])
async def test_a_server_that_does_not_say_is_no_reason_to_warn(caplog: pytest.LogCaptureFixture, answer: dict[str, object]) -> None:
    watched = Watched(answer)
    assert await watched.watch.check()
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert watched.versions == [answer.get("version") or "unknown"]


async def test_parts_that_are_not_active_are_named_and_their_recovery_is_told(caplog: pytest.LogCaptureFixture) -> None:
    parts = [{"service": "sync", "status": "TOKEN_NEEDED"}, {"service": "sqlite", "status": "ACTIVE"}]
    watched = Watched({"version": "1.8.1", "dependencies": parts})
    assert not await watched.watch.check()
    assert not await watched.watch.check()
    (record,) = caplog.records
    assert (record.levelname, record.__dict__["not_active"]) == ("WARNING", {"sync": "TOKEN_NEEDED"})
    parts[0]["status"] = "ACTIVE"
    assert await watched.watch.check()
    assert said(caplog)[1:] == [("INFO", "Connect server")]


async def test_a_server_that_does_not_answer_is_the_polls_to_tell_of(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched()
    assert not await watched.watch.check()
    assert (said(caplog), watched.versions) == ([], [])


@pytest.mark.parametrize(("expiry", "warned"), [(None, False), (NOW + 15 * DAY, False), (NOW + 13 * DAY, True)])
async def test_a_token_that_ends_soon_is_warned_of_once(caplog: pytest.LogCaptureFixture, expiry: float | None, warned: object) -> None:
    watched = Watched(expiry=expiry)
    for _ in range(3):
        await watched.watch.check()
    assert said(caplog) == [("WARNING", "the Connect token expires soon; issue a new one")] * bool(warned)
    if warned:
        assert caplog.records[0].__dict__["days_left"] == 13.0


async def test_and_once_more_when_it_has_ended(caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(expiry=NOW + DAY)
    for _ in range(3):
        await watched.watch.check()
        watched.now += 2 * DAY
    assert [message.split(";")[0] for _, message in said(caplog)] == ["the Connect token expires soon", "the Connect token has expired"]
