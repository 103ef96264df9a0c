"""kopf is run again when a watch ends, and each start is told."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import kopf
import pytest

from fakes.calls import failing, given_up
from fakes.clock import FakeClock
from onepassword_operator.handlers import watches
from onepassword_operator.handlers.watches import CALM_SECONDS, Watches, run_kopf


class Script:
    """kopf as the test wants it: one behaviour per run; the last one returns as after a signal."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *runs: Callable[[], None]) -> None:
        self.clock, self.runs = FakeClock(), list(runs)
        self.given: list[dict[str, Any]] = []
        self.starts = 0
        monkeypatch.setattr(watches, "run_kopf", self._operator)

    async def _operator(self, **given: Any) -> None:
        self.given.append(given)
        given["ready_flag"].set()
        await asyncio.sleep(0)
        if self.runs:
            self.runs.pop(0)()

    def _started(self) -> None:
        self.starts += 1

    def watches(self, *namespaces: str) -> Watches:
        return Watches(registry=kopf.OperatorRegistry, namespaces=namespaces, started=self._started, clock=self.clock)


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


async def test_a_watch_that_ends_is_started_again_and_each_start_is_told(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(monkeypatch, fail, fail)
    await script.watches().run()
    assert (script.starts, pauses) == (3, [0.75, 1.5])
    assert "what the server said" not in caplog.text


async def test_watches_that_lived_for_a_while_are_started_again_soon(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_late() -> None:
        script.clock.advance(CALM_SECONDS + 1)
        fail()

    script = Script(monkeypatch, fail, fail, fail_late)
    await script.watches().run()
    assert pauses == [0.75, 1.5, 0.75]


async def test_pauses_have_an_end(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    await Script(monkeypatch, *[fail] * 9).watches().run()
    assert pauses[-1] == 22.5  # 30 s, spread


@pytest.mark.parametrize("namespaces", [(), ("a", "b")])
async def test_namespaces_are_watched_one_by_one_or_all_together(monkeypatch: pytest.MonkeyPatch, namespaces: tuple[str, ...]) -> None:
    script = Script(monkeypatch)
    await script.watches(*namespaces).run()
    (given,) = script.given
    assert (given["clusterwide"], given["namespaces"], given["standalone"]) == (not namespaces, namespaces, True)


async def forever() -> None:
    await asyncio.Event().wait()


class Kopf:
    """kopf.spawn_tasks: a root task that starts another one, and ends as the test wants it."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, end: Callable[[], None], child: Callable[[], Coroutine[Any, Any, None]] = forever
    ) -> None:
        self.started, self.release = asyncio.Event(), asyncio.Event()
        self._end, self._child = end, child
        monkeypatch.setattr(kopf, "spawn_tasks", self._spawn)

    async def run(self) -> tuple[asyncio.Task[None], asyncio.Task[None]]:
        """Run kopf until its child has started; returns both."""
        watching = asyncio.create_task(run_kopf())
        await self.started.wait()
        return watching, self.child

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
    watching, child = await stage.run()
    ours = asyncio.create_task(forever())
    stage.release.set()
    await failing(Failed, watching)
    assert (child.cancelled(), ours.done()) == (True, False)
    await given_up(ours)


async def test_a_task_of_kopfs_that_does_not_go_holds_up_nothing(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(watches, "END_SECONDS", 0.01)
    free = asyncio.Event()

    async def stubborn() -> None:
        while not free.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await free.wait()

    stage = Kopf(monkeypatch, lambda: None, stubborn)
    watching, child = await stage.run()
    stage.release.set()
    await watching
    assert [record.__dict__["task"] for record in caplog.records] == ["child"]
    free.set()
    await child


async def test_who_cancels_the_watches_ends_kopf_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    watching, child = await Kopf(monkeypatch, fail).run()
    await given_up(watching)
    assert child.cancelled()


async def test_a_user_without_a_name_is_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a pod whose user is in no passwd file."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 65532")

    async def run(tasks: list[asyncio.Task[None]], **_: Any) -> Any:
        await given_up(*tasks)
        return set(), set()

    monkeypatch.setattr("getpass.getuser", nobody)
    monkeypatch.setattr(watches.asyncio, "wait", run)  # type: ignore[attr-defined]
    made = Watches(registry=kopf.OperatorRegistry, namespaces=(), started=lambda: None, clock=FakeClock())
    assert await asyncio.wait_for(made._once(), 10) == ""
