"""Runs kopf for the watches on a namespace, and starts it again when a watch ends.

kopf gives up after its own retries, or at once on an error inside a stream, and 5xx answers of the
API server must not end the process. A resync after each start finds the changes in between. One
watch that fails ends all watches of a kopf, so each namespace has a kopf of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import kopf

# kopf takes insights as a parameter, and exports no class of them.
from kopf._cogs.structs.references import Insights

from onepassword_operator.handlers.memories import NoMemories
from onepassword_operator.handlers.registry import build_settings
from onepassword_operator.model.errors import ClusterDeniedError
from onepassword_operator.model.names import COMPONENT, PLURAL
from onepassword_operator.model.workload_kind import WorkloadKind
from onepassword_operator.ports import Clock
from onepassword_operator.service.index.served_kinds import ServedKinds
from onepassword_operator.service.watch.namespaces import Access, Namespaces

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
END_SECONDS: Final = 5.0
CALM_SECONDS: Final = 60.0
"""Watches that ran for this long do not count as failing in a row."""
PERMITTED_SECONDS: Final = 25.0
"""Watches that ran for this long are permitted: kopf has given up by then on what RBAC forbids."""

_log = logging.getLogger(__name__)


class Offspring:
    """Collects the tasks that are created within a block, and all their descendants.

    They are known by their context, which a task inherits from its creator.
    """

    _within: Final[contextvars.ContextVar[weakref.WeakSet[asyncio.Task[Any]] | None]] = (
        contextvars.ContextVar("offspring", default=None)
    )

    def __init__(self) -> None:
        self._tasks: weakref.WeakSet[asyncio.Task[Any]] = weakref.WeakSet()

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """Collect the tasks that are created in this block."""
        loop = asyncio.get_running_loop()
        loop.set_task_factory(self._create)
        token = self._within.set(self._tasks)
        try:
            yield
        finally:
            self._within.reset(token)

    @classmethod
    def _create(
        cls, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
        if (siblings := cls._within.get()) is not None:
            siblings.add(task)
        return task

    async def end(self) -> None:
        """Cancel the remaining tasks, wait a while, and log the name of each that does not stop."""
        left = {task for task in self._tasks if not task.done()}
        for task in left:
            task.cancel()
        if left:
            ended, stubborn = await asyncio.wait(left, timeout=END_SECONDS)
            for task in ended:
                # asyncio would log an exception that is never read
                task.cancelled() or task.exception()
            for task in stubborn:
                _log.warning(
                    "a task of kopf's did not stop in time", extra={"task": task.get_name()}
                )


async def run_kopf(**options: Any) -> None:
    """Run `kopf.operator`, and end its remaining tasks afterwards.

    When a watch has failed, kopf itself cancels all tasks that began after it, ours too, because it
    can't tell whose they are; and it waits for ever for a task of its own that does not stop.
    """
    tasks = Offspring()
    try:
        with tasks.noted():
            roots = await kopf.spawn_tasks(**options)
        ended, _ = await asyncio.wait(roots, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await tasks.end()
    for task in ended:
        task.result()


class Watches:
    """Runs kopf for a namespace, and starts it again after a pause that grows with failures."""

    def __init__(
        self,
        namespace: str,
        *,
        namespaces: Namespaces,
        kinds: ServedKinds,
        registry: Callable[[Sequence[WorkloadKind]], kopf.OperatorRegistry],
        started: Callable[[], None],
        clock: Clock,
    ) -> None:
        """Keep the parameters; an empty namespace means all namespaces."""
        self._namespace = namespace
        self._namespaces = namespaces
        self._kinds = kinds
        self._registry = registry
        self._started = started
        self._clock = clock

    async def run(self) -> None:
        """Watch until cancelled, whenever the namespace can be listed.

        It returns only if kopf caught a signal before `started` took the signals back.
        """
        failures = 0
        while True:
            await self._namespaces.until_listed(self._namespace)
            began = self._clock.monotonic()
            failed = await self._once()
            if not failed:
                return
            if isinstance(failed, _OtherKindsError):
                continue
            failures = 1 if self._clock.monotonic() - began > CALM_SECONDS else failures + 1
            pause = min(
                FIRST_PAUSE_SECONDS * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE_SECONDS
            ) * (0.5 + self._clock.jitter() / 2)
            self._report(failed, pause)
            await asyncio.sleep(pause)

    def _report(self, failed: Exception, pause: float) -> None:
        status = getattr(failed, "status", None)
        if status == 403 and (kind := self._refused_kind(failed)):  # noqa: PLR2004
            error = ClusterDeniedError(
                f"watch {kind.plural}: RBAC does not allow it; grant it to the operator's service "
                "account, as the chart does"
            )
            self._kinds.refuse(self._namespace, kind, error=error)
        elif status == 403:  # noqa: PLR2004
            error = ClusterDeniedError(
                f"watch {PLURAL} or workloads: RBAC does not allow it; "
                "grant the operator's service account list and watch on both"
            )
            self._namespaces.refuse(self._namespace, Access.WATCHES, error=error)
        elif status == 404:  # noqa: PLR2004
            self._namespaces.doubt(self._namespace)  # the resync finds what is absent, and tells
        else:
            # kopf's errors have no common base; the text is the server's
            what = f"{type(failed).__name__} {status or ''}".strip()
            fields = {"namespace": self._namespace or None, "error": what}
            _log.warning(
                "watches ended, starting them again", extra=fields | {"pause": round(pause, 1)}
            )

    def _refused_kind(self, failed: Exception) -> WorkloadKind | None:
        # The API server names the collection that it refused.
        details = getattr(failed, "details", None) or {}
        kinds = self._kinds.configured
        return next((each for each in kinds if each.plural == details.get("kind")), None)

    async def _once(self) -> Exception | None:
        ready, stop, insights = asyncio.Event(), asyncio.Event(), Insights()
        kinds = self._kinds.of(self._namespace)
        following = asyncio.create_task(
            self._follow(ready, insights, kinds=kinds, stop=stop), name="watches-started"
        )
        try:
            await run_kopf(
                registry=self._registry(kinds),
                settings=build_settings(),
                memories=NoMemories(),
                insights=insights,
                clusterwide=not self._namespace,
                namespaces=[self._namespace] if self._namespace else [],
                standalone=True,
                # by default kopf asks for the user's name, and a pod's user may have none
                identity=COMPONENT,
                ready_flag=ready,
                stop_flag=stop,
            )
        except Exception as error:  # noqa: BLE001
            return error
        finally:
            following.cancel()
        return following.result() if stop.is_set() else None

    async def _follow(
        self,
        ready: asyncio.Event,
        insights: Insights,
        *,
        kinds: Sequence[WorkloadKind],
        stop: asyncio.Event,
    ) -> Exception:
        """Stop kopf once it watches anything else than it should, and return the reason."""
        await ready.wait()
        self._started()
        await insights.ready_resources.wait()
        error: Exception = _UnservedError()  # without the CRD, kopf would run on, and not watch it
        if any(resource.plural == PLURAL for resource in insights.watched_resources):
            await asyncio.sleep(PERMITTED_SECONDS)
            self._namespaces.allow(self._namespace, Access.WATCHES)
            await self._kinds.until_other_than(kinds, self._namespace)
            error = _OtherKindsError()
        stop.set()
        return error


class _UnservedError(Exception):
    """Discovery lacks a resource, so kopf can't watch it."""

    status = 404


class _OtherKindsError(Exception):
    """Other kinds of workloads are served than are watched."""
