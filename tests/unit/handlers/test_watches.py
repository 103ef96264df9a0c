"""kopf is run again when a watch ends, and each start is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import kopf
import pytest

from fakes.clock import FakeClock
from onepassword_operator.handlers import watches
from onepassword_operator.handlers.watches import CALM_SECONDS, Watches, run_kopf


class Script:
    """kopf as the test wants it: one behaviour per run; the last one returns as after a signal."""

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
    return Watches(registry=kopf.OperatorRegistry, namespaces=namespaces, started=lambda: happened.append("started"), clock=clock)


async def test_a_watch_that_ends_is_started_again_and_each_start_is_told(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    script, happened = Script(fail, fail), list[str]()
    monkeypatch.setattr(watches, "run_kopf", script.operator)
    await make(happened, FakeClock()).run()
    assert happened == ["started", "started", "started"]
    assert pauses == [0.75, 1.5]
    assert "what the server said" not in caplog.text


async def test_watches_that_lived_for_a_while_are_started_again_soon(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()

    def fail_late() -> None:
        clock.advance(CALM_SECONDS + 1)
        fail()

    script = Script(fail, fail, fail_late)
    monkeypatch.setattr(watches, "run_kopf", script.operator)
    await make([], clock).run()
    assert pauses == [0.75, 1.5, 0.75]


async def test_pauses_have_an_end(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "run_kopf", Script(*[fail] * 9).operator)
    await make([], FakeClock()).run()
    assert pauses[-1] == 22.5  # 30 s, spread


@pytest.mark.parametrize(("namespaces", "clusterwide"), [((), True), (("a", "b"), False)])
async def test_namespaces_are_watched_one_by_one_or_all_together(
    monkeypatch: pytest.MonkeyPatch, namespaces: tuple[str, ...], clusterwide: object
) -> None:
    script = Script()
    monkeypatch.setattr(watches, "run_kopf", script.operator)
    await make([], FakeClock(), namespaces).run()
    assert (script.given[0]["clusterwide"], script.given[0]["namespaces"]) == (clusterwide, namespaces)
    assert script.given[0]["standalone"] is True


async def forever() -> None:
    await asyncio.Event().wait()


class Kopf:
    """kopf.spawn_tasks: a root task that starts another one, and ends as the test wants it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, end: Callable[[], None]) -> None:
        self.started, self.release = asyncio.Event(), asyncio.Event()
        self.child: asyncio.Task[None] | None = None
        self._end, self._child = end, forever
        monkeypatch.setattr(kopf, "spawn_tasks", self._spawn)

    def with_child(self, child: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._child = child

    async def _spawn(self, **_: Any) -> list[asyncio.Task[None]]:
        await asyncio.sleep(0)
        return [asyncio.create_task(self._root()), asyncio.create_task(forever())]

    async def _root(self) -> None:
        self.child = asyncio.create_task(self._child(), name="child")
        self.started.set()
        await self.release.wait()
        self._end()


async def test_work_that_began_after_kopf_goes_on_when_kopf_ends_and_what_kopf_began_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Kopf(monkeypatch, fail)
    watching = asyncio.create_task(run_kopf())
    await stage.started.wait()
    ours = asyncio.create_task(forever())
    stage.release.set()
    with pytest.raises(Failed):
        await watching
    assert stage.child
    assert (stage.child.cancelled(), ours.done()) == (True, False)
    ours.cancel()
    await asyncio.gather(ours, return_exceptions=True)


async def test_a_task_of_kopfs_that_does_not_go_holds_up_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(watches, "END_SECONDS", 0.01)
    free = asyncio.Event()

    async def stubborn() -> None:
        while not free.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await free.wait()

    stage = Kopf(monkeypatch, lambda: None)
    stage.with_child(stubborn)
    watching = asyncio.create_task(run_kopf())
    await stage.started.wait()
    stage.release.set()
    await watching
    assert [record.__dict__["task"] for record in caplog.records] == ["child"]
    free.set()
    assert stage.child
    await stage.child


async def test_who_cancels_the_watches_ends_kopf_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Kopf(monkeypatch, fail)
    watching = asyncio.create_task(run_kopf())
    await stage.started.wait()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert stage.child
    assert stage.child.cancelled()


async def test_a_user_without_a_name_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a pod whose user is in no passwd file."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 65532")

    async def run(tasks: list[asyncio.Task[None]], **_: Any) -> Any:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return set(), set()

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr(watches.asyncio, "wait", run)  # type: ignore[attr-defined]
    happened: list[str] = []
    assert await asyncio.wait_for(make(happened, FakeClock())._once(), 10) == ""
