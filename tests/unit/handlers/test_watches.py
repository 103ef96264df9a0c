"""kopf is run again when a watch ends, and what was missed is swept up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import kopf
import pytest

from fakes.clock import FakeClock
from onepassword_operator.handlers.watches import CALM_SECONDS, Watches


class Script:
    """kopf.operator as the test wants it: one behaviour per run; the last one returns as after a signal."""

    def __init__(self, *runs: Callable[[], None]) -> None:
        self.runs = list(runs)
        self.given: list[dict[str, Any]] = []

    async def operator(self, **given: Any) -> None:
        self.given.append(given)
        given["ready_flag"].set()
        await asyncio.sleep(0)
        if self.runs:
            self.runs.pop(0)()


class Failed(Exception):  # noqa: N818
    status = 503


def fail() -> None:
    raise Failed("what the server said")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        if seconds:
            found.append(seconds)
        await sleep(0)

    monkeypatch.setattr("asyncio.sleep", pause)
    return found


def make(happened: list[str], clock: FakeClock, namespaces: tuple[str, ...] = ()) -> Watches:
    async def resumed() -> None:
        happened.append("swept")

    return Watches(
        registry=kopf.OperatorRegistry, namespaces=namespaces, started=lambda: happened.append("started"), resumed=resumed, clock=clock
    )


async def test_a_watch_that_ends_is_started_again_and_what_was_missed_is_swept(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    script, happened = Script(fail, fail), list[str]()
    monkeypatch.setattr(kopf, "operator", script.operator)
    await make(happened, FakeClock()).run()
    assert happened == ["started", "swept", "started", "swept", "started"]
    assert pauses == [0.75, 1.5]
    assert "what the server said" not in caplog.text


async def test_watches_that_lived_for_a_while_are_started_again_soon(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()

    def fail_late() -> None:
        clock.advance(CALM_SECONDS + 1)
        fail()

    script = Script(fail, fail, fail_late)
    monkeypatch.setattr(kopf, "operator", script.operator)
    await make([], clock).run()
    assert pauses == [0.75, 1.5, 0.75]


async def test_pauses_have_an_end(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kopf, "operator", Script(*[fail] * 9).operator)
    await make([], FakeClock()).run()
    assert pauses[-1] == 22.5  # 30 s, spread


@pytest.mark.parametrize(("namespaces", "clusterwide"), [((), True), (("a", "b"), False)])
async def test_namespaces_are_watched_one_by_one_or_all_together(
    monkeypatch: pytest.MonkeyPatch, namespaces: tuple[str, ...], clusterwide: object
) -> None:
    script = Script()
    monkeypatch.setattr(kopf, "operator", script.operator)
    await make([], FakeClock(), namespaces).run()
    assert (script.given[0]["clusterwide"], script.given[0]["namespaces"]) == (clusterwide, namespaces)
    assert script.given[0]["standalone"] is True
