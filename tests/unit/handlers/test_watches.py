"""kopf is run again when a watch ends, and each start is told."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import kopf
import pytest

from fakes.calls import failing, given_up
from fakes.clock import FakeClock
from onepassword_operator.handlers import watches
from onepassword_operator.handlers.watches import CALM_SECONDS, Watches, run_kopf
from onepassword_operator.model.errors import ClusterDeniedError
from onepassword_operator.model.workload_kind import KINDS, WorkloadKind
from onepassword_operator.service.index.served_kinds import ServedKinds
from onepassword_operator.service.watch.namespaces import Access, Namespaces


class Script:
    """kopf as the test wants it: one behaviour per run; the last one returns as after a signal."""

    discovered: list[Any] | None = None
    """The resources that kopf finds; None: it never looks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *runs: Callable[[], None]) -> None:
        self.clock, self.runs = FakeClock(), list(runs)
        self.given: list[dict[str, Any]] = []
        self.starts = 0
        self.namespaces = Namespaces([])
        self.kinds = ServedKinds(KINDS.values())
        self.watched: list[list[str]] = []
        monkeypatch.setattr(watches, "run_kopf", self._operator)

    async def _operator(self, **given: Any) -> None:
        self.given.append(given)
        given["ready_flag"].set()
        await asyncio.sleep(0)
        if self.runs:
            self.runs.pop(0)()
        if self.discovered is not None:
            given["insights"].watched_resources.update(self.discovered)
            given["insights"].ready_resources.set()
            await asyncio.wait_for(given["stop_flag"].wait(), 5)

    def _started(self) -> None:
        self.starts += 1

    def watches(self, namespace: str = "") -> Watches:
        self.namespaces = Namespaces([namespace])
        self.namespaces.allow(namespace, Access.LISTS)
        return Watches(
            namespace,
            namespaces=self.namespaces,
            kinds=self.kinds,
            registry=self._registry,
            started=self._started,
            clock=self.clock,
        )

    def _registry(self, kinds: Sequence[WorkloadKind]) -> kopf.OperatorRegistry:
        self.watched.append([kind.kind for kind in kinds])
        return kopf.OperatorRegistry()


class Failed(Exception):  # noqa: N818
    def __init__(self, status: int = 503) -> None:
        super().__init__("what the server said")
        self.status = status
        self.details: dict[str, str] = {}


def fail() -> None:
    raise Failed


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


@pytest.mark.parametrize(("namespace", "expected"), [("", []), ("a", ["a"])])
async def test_namespaces_are_watched_one_by_one_or_all_together(
    monkeypatch: pytest.MonkeyPatch, namespace: str, expected: list[str]
) -> None:
    script = Script(monkeypatch)
    await script.watches(namespace).run()
    (given,) = script.given
    assert (given["clusterwide"], given["namespaces"], given["standalone"]) == (not namespace, expected, True)


@pytest.mark.parametrize(("status", "refused"), [(403, {"ClusterAccessDenied": 1}), (404, {})])
async def test_a_watch_that_is_refused_waits_for_a_resync(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int, refused: dict[str, int]
) -> None:
    def refuse() -> None:
        raise Failed(status)

    script = Script(monkeypatch, refuse)
    watching = asyncio.create_task(script.watches("a").run())
    await asyncio.wait_for(script.namespaces.until_due("a", interval_seconds=600), 5)
    for _ in range(10):
        await asyncio.sleep(0)
    assert (len(script.given), script.namespaces.refused()) == (1, refused)
    assert not [record for record in caplog.records if record.getMessage() == "watches ended, starting them again"]
    script.namespaces.allow("a", Access.LISTS)
    await asyncio.wait_for(watching, 5)
    assert len(script.given) == 2


async def test_watches_that_go_on_are_permitted(pauses: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch)
    script.discovered = [kopf.Resource("onepassword.com", "v1", "onepassworditems")]
    watching = script.watches("a")
    script.namespaces.refuse("a", Access.WATCHES, error=ClusterDeniedError("no"))
    script.namespaces.allow("a", Access.LISTS)
    running = asyncio.create_task(watching.run())
    async with asyncio.timeout(5):
        while script.namespaces.refused():  # noqa: ASYNC110  what is waited for is no event
            await asyncio.sleep(0)
    assert pauses == [watches.PERMITTED_SECONDS]
    await given_up(running)


@pytest.mark.parametrize("earlier", [False, True], ids=["by the watch", "by a resync before"])
async def test_a_kind_whose_watch_is_refused_is_watched_no_more_and_the_rest_at_once_and_again_when_it_may(
    pauses: list[float], monkeypatch: pytest.MonkeyPatch, *, earlier: bool
) -> None:
    def refuse() -> None:
        if earlier:
            script.kinds.refuse("a", KINDS["StatefulSet"], error=ClusterDeniedError("no"))
        failed = Failed(403)
        failed.details = {"group": "apps", "kind": "statefulsets"}
        raise failed

    script = Script(monkeypatch, refuse)
    script.discovered = [kopf.Resource("onepassword.com", "v1", "onepassworditems")]
    running = asyncio.create_task(script.watches("a").run())
    async with asyncio.timeout(5):
        while watches.PERMITTED_SECONDS not in pauses:  # noqa: ASYNC110  what is waited for is no event
            await asyncio.sleep(0)
        assert script.namespaces.refused() == {}
        script.kinds.allow("a", KINDS["StatefulSet"])
        while len(script.given) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
    everything = list(KINDS)
    assert script.watched == [everything, [kind for kind in everything if kind != "StatefulSet"], everything]
    await given_up(running)


async def test_watches_that_began_without_the_crd_end_and_wait_for_a_resync(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(monkeypatch)
    script.discovered = [kopf.Resource("apps", "v1", "deployments")]
    running = asyncio.create_task(script.watches().run())
    await asyncio.wait_for(script.namespaces.until_due("", interval_seconds=600), 5)
    assert (len(script.given), running.done()) == (1, False)
    await given_up(running)


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
    made = Watches(
        "",
        namespaces=Namespaces([]),
        kinds=ServedKinds([]),
        registry=lambda _: kopf.OperatorRegistry(),
        started=lambda: None,
        clock=FakeClock(),
    )
    assert await asyncio.wait_for(made._once(), 10) is None


async def test_each_of_several_kopfs_ends_its_own_tasks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = [Kopf(monkeypatch, fail) for _ in range(2)]
    monkeypatch.setattr(kopf, "spawn_tasks", lambda stage: stage._spawn())
    runs = [asyncio.create_task(run_kopf(stage=stage)) for stage in stages]
    for stage in stages:
        await stage.started.wait()
    stages[0].release.set()
    await failing(Failed, runs[0])
    assert [stage.child.done() for stage in stages] == [True, False]
    await given_up(runs[1])
