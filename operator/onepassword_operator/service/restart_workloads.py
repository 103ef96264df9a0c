"""Restarts the users of changed Secrets, exactly once per workload and revision, however often this process dies on the way.

Nothing is decided from memory: the marks are on the Secrets, what was done is on the pod templates, and a mark goes only after a complete
live list, made after the Secret was written, shows that nobody is due any more.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterAbsentError, ClusterConflictError, ClusterError, ClusterUnavailableError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.workload import RestartMark, Workload
from onepassword_operator.ports import Clock, EventLog, Meter, SecretStore, WorkloadStore
from onepassword_operator.rules import restart, retry, seal
from onepassword_operator.service.follow_index import FollowIndex
from onepassword_operator.service.work_queue import Priority, WorkQueue

IDLE_WAIT_SECONDS: Final = 30.0
"""How long a namespace's restarts wait for its Secrets to be written, so that several changes are one rollout."""
ROUNDS: Final = 4
"""Lists in a row within one pass; a namespace that is still not done gets another pass."""

_log = logging.getLogger(__name__)


class RestartWorkloads:
    """One pass per namespace, which gathers all its pending Secrets."""

    def __init__(
        self, *, secrets: SecretStore, workloads: WorkloadStore, events: EventLog, meter: Meter, index: FollowIndex, sealer: seal.Sealer
    ) -> None:
        self._secrets = secrets
        self._workloads = workloads
        self._events = events
        self._meter = meter
        self._index = index
        self._sealer = sealer
        self.auto_restart = False

    async def run(self, namespace: str) -> None:
        """One pass.

        Raises:
            ClusterError: something is left to do, or unknown; the marks keep it.
        """
        marks = self._index.pending(namespace)
        if not marks:
            return
        levels = restart.Levels(namespace=await self._workloads.namespace_setting(namespace), operator=self.auto_restart)
        for _ in range(ROUNDS):
            pending = self._pending(marks)
            listed = await self._workloads.list_namespace(namespace)
            due = [(workload, decided) for workload in listed if (decided := restart.decide(workload, pending, levels=levels))]
            still_due = {name for _, decided in due for name in decided.secrets}
            for key in [key for key in marks if key.name not in still_due]:
                await self._clear(key, marks.pop(key))
            if not due:
                return
            await self._restart_all(due, pending, levels=levels)
        raise ClusterUnavailableError(f'workloads in namespace "{namespace}" keep changing while they are restarted')

    def _pending(self, marks: Mapping[SecretKey, RestartMark]) -> dict[str, restart.PendingSecret]:
        return {
            key.name: restart.PendingSecret(
                name=key.name, mark=mark, auto_restart=claim.auto_restart if (claim := self._index.claims.get(key)) else None
            )
            for key, mark in marks.items()
        }

    async def _restart_all(
        self, due: Sequence[tuple[Workload, restart.Restart]], pending: Mapping[str, restart.PendingSecret], *, levels: restart.Levels
    ) -> None:
        failure: ClusterError | None = None
        for workload, _ in due:
            try:
                await self._restart(workload, pending, levels=levels)
            except ClusterError as error:
                failure = error
                _log.warning(
                    "workload could not be restarted",
                    extra={"workload": f"{workload.namespace}/{workload.name}", "reason": error.reason, "detail": str(error)},
                )
        if failure:
            raise failure

    async def _restart(self, workload: Workload, pending: Mapping[str, restart.PendingSecret], *, levels: restart.Levels) -> None:
        current: Workload | None = workload
        while current and (decided := restart.decide(current, pending, levels=levels)):
            try:
                await self._workloads.annotate_template(current, dict(decided.template_annotations))
            except ClusterConflictError:
                current = await self._workloads.get(workload.namespace, workload.name)
                continue
            except ClusterAbsentError:
                return
            self._meter.restarted()
            _log.info("workload restarted", extra={"workload": f"{workload.namespace}/{workload.name}", "secrets": list(decided.secrets)})
            await self._events.restarted(current, f"Restarted for changed Secrets: {', '.join(decided.secrets)}")
            return

    async def _clear(self, key: SecretKey, mark: RestartMark) -> None:
        observed = await self._secrets.get(key)
        if observed is None or RestartMark.parse(observed.annotations.get(names.RESTART_PENDING)) != mark:
            return
        if self._sealer.verify(observed) is not seal.Verdict.INTACT:
            return  # edited by somebody: the repair keeps the mark, and wakes us again
        annotations = {name: value for name, value in observed.annotations.items() if name != names.RESTART_PENDING}
        sealed = self._sealer.compute(key, annotations, data=observed.data)
        written = await self._secrets.annotate(observed, {names.RESTART_PENDING: None, names.SEAL: sealed})
        record = self._index.followed.get(key)
        if record and record.resource_version < int(written.resource_version):  # else a newer write, with a mark of its own, is known
            record.mark, record.resource_version = None, int(written.resource_version)


class RestartLoop:
    """Takes namespaces one after another; several of these run side by side, never two on one namespace."""

    def __init__(self, *, restarts: RestartWorkloads, secrets_queue: WorkQueue, first_poll: asyncio.Event, clock: Clock) -> None:
        self._restarts = restarts
        self._secrets_queue = secrets_queue
        self._first_poll = first_poll
        self._clock = clock
        self._namespaces = WorkQueue()
        self._attempts: dict[str, int] = {}
        self.interval_seconds = 60.0

    def wake(self, namespace: str) -> None:
        """A Secret of this namespace carries a mark."""
        self._namespaces.add(SecretKey(namespace, ""), Priority.CHANGED)

    async def work(self) -> None:
        """Run passes until cancelled."""
        await self._first_poll.wait()
        while True:
            key = await self._namespaces.take()
            try:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._secrets_queue.namespace_idle(key.namespace), IDLE_WAIT_SECONDS)
                await self._restarts.run(key.namespace)
                self._attempts.pop(key.namespace, None)
            except ClusterError as error:
                attempt = self._attempts[key.namespace] = self._attempts.get(key.namespace, 0) + 1
                delay = retry.delay_seconds(error, attempt=attempt, interval_seconds=self.interval_seconds, jitter=self._clock.jitter())
                self._namespaces.done(key)
                self._namespaces.add_later(key, Priority.CHANGED, delay_seconds=delay if delay is not None else self.interval_seconds)
                continue
            self._namespaces.done(key)

    def close(self) -> None:
        """Drop the timers."""
        self._namespaces.close()
