"""Restarts the users of changed Secrets, exactly once per workload and revision.

That holds even if the process dies in between. No decision comes from memory: the marks are on the
Secrets, and the pod templates record the restarts. A mark is cleared only after a complete live
list, made after the Secret was written, shows that no workload is due any more.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Final, NamedTuple

from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    ClusterAbsentError,
    ClusterConflictError,
    ClusterError,
    ClusterUnavailableError,
)
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.workload import RestartMark, Workload
from onepassword_operator.ports import Clock, EventLog, Meter, SecretStore, WorkloadStore
from onepassword_operator.rules import restart
from onepassword_operator.rules.restart_window import RestartWindow, may_restart_at_once
from onepassword_operator.rules.secret import seal
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.restarts.rate_limiter import RateLimiter
from onepassword_operator.service.restarts.reverted import PATCHES, Reverts
from onepassword_operator.service.runtime.work_queue import Priority, WorkQueue

IDLE_WAIT_SECONDS: Final = 30.0
"""Longest wait of a namespace's restarts for its Secrets to be written, so that several changes
make one rollout.
"""
TRIES: Final = 3
"""Patches in a row of a workload that changes meanwhile, or that a webhook calls a conflict."""
OPENED_SECONDS: Final = 60.0
"""Until restarts are tried that were put off just before the window opened."""
ROUNDS: Final = 4
"""Lists in a row within one run; a namespace that is still not done gets another run."""

_log = logging.getLogger(__name__)


_Due = tuple[Workload, restart.Restart]


class NamespaceKey(NamedTuple):
    """A namespace with Secrets whose users are due for a restart."""

    namespace: str


class RestartReporter:
    """Reports restarts in log, Events and metrics."""

    def __init__(self, *, events: EventLog, meter: Meter) -> None:
        self._events = events
        self._meter = meter

    def restarted(self, workload: Workload, decided: restart.Restart) -> None:
        """Report that the workload was patched."""
        self._meter.restarted()
        _log.info("workload restarted", extra=_fields(workload, decided))
        left = f"; {workload.left_to_do}" if workload.left_to_do else ""
        self._events.restarted(
            workload, f"Restarted for changed Secrets: {', '.join(decided.secrets)}{left}"
        )

    def owed(self, workload: Workload, decided: restart.Restart, *, window: RestartWindow) -> None:
        """Report that a restart waits for the restart window."""
        self._events.owed(
            workload,
            f"Restart for changed Secrets {', '.join(decided.secrets)} waits for the restart "
            f"window {window.text}; the annotation {names.RESTART_AT_ONCE} would not wait",
        )

    def reverted(self, workload: Workload, decided: restart.Restart) -> None:
        """Report that another tool has reverted the patch too often."""
        _log.warning("restarts are reverted", extra=_fields(workload, decided))
        owner = workload.controller
        who = f"{owner}, which controls it, or another tool," if owner else "another tool"
        where = "the pod template" if workload.kind.records_on_template else "it"
        self._events.reverted(
            workload,
            f"Restarted {PATCHES} times within an hour for {', '.join(decided.secrets)}, "
            f"but {who} removes the annotation {names.RESTARTED_FOR} from {where} "
            "each time; configure that tool to ignore the annotation",
        )


class RestartWorkloads:
    """Restarts all workloads of a namespace that are due for any of its pending Secrets."""

    def __init__(
        self,
        *,
        secrets: SecretStore,
        workloads: WorkloadStore,
        reporter: RestartReporter,
        index: Index,
        sealer: seal.Sealer,
        clock: Clock,
        auto_restart: bool,
        window: RestartWindow | None,
        limiter: RateLimiter | None,
    ) -> None:
        """Keep the parameters.

        `auto_restart` is the operator's setting, the last level; without a `limiter` restarts are
        not delayed, and without a `window` none waits for a time of day.
        """
        self._secrets = secrets
        self._workloads = workloads
        self._reporter = reporter
        self._index = index
        self._sealer = sealer
        self._reverts = Reverts(clock)
        self._auto_restart = auto_restart
        self._window = window
        self._limiter = limiter

    async def run(self, namespace: str) -> AsyncIterator[Workload]:
        """Restart a namespace's due workloads, and clear the marks of Secrets without any.

        Each step tries one workload and yields it, so that others have their turn in between.

        Raises:
            ClusterError: a restart failed, or its result is unknown; the marks stay, so that
                another run finishes it.
        """
        if not self._pending(namespace):
            return
        levels = restart.Levels(
            namespace=await self._workloads.namespace_setting(namespace),
            operator=self._auto_restart,
        )
        for number in range(ROUNDS):
            pending = self._pending(namespace)
            due, failure = await self._listed_due(namespace, pending, levels=levels)
            still_due = {name for _, decided in due for name in decided.secrets}
            due = self._without_owed(due, report=number == 0)
            failure = failure or await self._clear_all(
                namespace, [each for each in pending.values() if each.name not in still_due]
            )
            if due:
                failure = None  # the next list shows what is still to be cleared
            for workload, _ in due:
                failure = await self._try(workload, levels=levels) or failure
                yield workload
            if failure:
                raise failure
            if not due:
                return
        raise ClusterUnavailableError(
            f'workloads in namespace "{namespace}" keep changing while they are restarted'
        )

    def seconds_until_open(self, namespace: str) -> float:
        """Return how long the namespace's restarts wait for the window; 0 if none do.

        The window may have opened since they were put off.
        """
        owed = self._window is not None and self._pending(namespace)
        return max(self._closed_seconds(), OPENED_SECONDS) if owed else 0.0

    def _closed_seconds(self) -> float:
        if self._window is None:
            return 0.0
        # The API server's, because a node's clock may be off.
        now = datetime.datetime.fromisoformat(self._secrets.server_time())
        return self._window.seconds_until_open(now)

    def _without_owed(self, due: Sequence[_Due], *, report: bool) -> list[_Due]:
        """Report the restarts that the closed window puts off, and return the others."""
        if self._window is None or not self._closed_seconds():
            return list(due)
        for workload, decided in due if report else ():
            if not may_restart_at_once(workload):
                self._reporter.owed(workload, decided, window=self._window)
        return [each for each in due if may_restart_at_once(each[0])]

    def _is_suspended(self, key: SecretKey) -> bool:
        # Its mark could not be cleared without touching it; when it is resumed, whoever is still
        # due is restarted.
        return any(claim.suspended for claim in self._index.sharing(key))

    async def _listed_due(
        self,
        namespace: str,
        pending: Mapping[str, restart.PendingSecret],
        *,
        levels: restart.Levels,
    ) -> tuple[list[_Due], ClusterError | None]:
        """Return the due workloads, which alone are kept until their turn, and why others may be.

        Those of a kind that can't be listed are not known; no mark may be cleared then.
        """
        listed: list[Workload] = []
        unknown: ClusterError | None = None
        borrowers = True
        for kind in [each for each in self._index.kinds.configured if each.restarts]:
            try:
                listed += await self._workloads.list_namespace(namespace, kind)
            except ClusterAbsentError:
                continue  # the cluster serves no such kind
            except ClusterError as error:
                unknown, borrowers = error, borrowers and not kind.restart_at
        resolved = restart.resolved(listed, borrowers_known=borrowers)
        return self._due(resolved, pending, levels=levels), unknown

    def _due(
        self,
        listed: Sequence[Workload],
        pending: Mapping[str, restart.PendingSecret],
        *,
        levels: restart.Levels,
    ) -> list[_Due]:
        due = []
        for workload in listed:
            decided = restart.decide(workload, pending, levels=levels)
            if decided and self._reverts.allows(workload, decided):
                due.append((workload, decided))
            elif decided and self._reverts.take_unreported(workload, decided):
                self._reporter.reverted(workload, decided)
        return due

    def _pending(
        self, namespace: str, among: Collection[str] | None = None
    ) -> dict[str, restart.PendingSecret]:
        return {
            key.name: restart.PendingSecret(
                name=key.name, mark=mark, auto_restart=self._secret_level(key)
            )
            for key, mark in self._index.states.pending(namespace).items()
            if (among is None or key.name in among) and not self._is_suspended(key)
        }

    def _secret_level(self, key: SecretKey) -> str | None:
        return next(
            (claim.auto_restart for claim in self._index.sharing(key) if claim.auto_restart), None
        )

    async def _try(self, workload: Workload, *, levels: restart.Levels) -> ClusterError | None:
        try:
            await self._restart(workload, levels=levels)
        except ClusterError as error:
            fields = {"object": str(workload.ref)} | error.log_fields
            _log.warning("workload could not be restarted", extra=fields)
            return error
        return None

    async def _restart(self, workload: Workload, *, levels: restart.Levels) -> None:
        current: Workload | None = workload
        tries = 0
        while current and self._decide(current, levels=levels):
            if self._limiter:
                await self._limiter.turn()
            # The newest marks count: they may have moved on since the list, or during the wait.
            decided = self._decide(current, levels=levels)
            if decided is None:
                return
            try:
                await self._workloads.restart(current, decided.record)
            except ClusterConflictError:
                if (tries := tries + 1) == TRIES:
                    raise
                live = await self._workloads.get(workload.ref)
                current = restart.refreshed(live, workload) if live else None
                continue
            except ClusterAbsentError:
                return
            self._reverts.note(current, decided)
            self._reporter.restarted(current, decided)
            return

    def _decide(self, workload: Workload, *, levels: restart.Levels) -> restart.Restart | None:
        if self._closed_seconds() and not may_restart_at_once(workload):
            return None  # the window closed while it waited for its turn
        pending = self._pending(workload.namespace, among=workload.secrets)
        return restart.decide(workload, pending, levels=levels)

    async def _clear_all(
        self, namespace: str, done: Sequence[restart.PendingSecret]
    ) -> ClusterError | None:
        # A Secret that can't be written must not block the restarts for other Secrets.
        failure: ClusterError | None = None
        for pending in done:
            try:
                await self._clear(SecretKey(namespace, pending.name), pending.mark)
            except ClusterAbsentError:
                continue  # gone since it was read: its re-creation sets the mark again
            except ClusterError as error:
                failure = error
        return failure

    async def _clear(self, key: SecretKey, mark: RestartMark) -> None:
        observed = await self._secrets.get(key)
        if (
            observed is None
            or RestartMark.parse(observed.annotations.get(names.RESTART_PENDING)) != mark
        ):
            return
        cleared: dict[str, str | None] = {names.RESTART_PENDING: None}
        if self._sealer.verify(observed) is seal.Verdict.INTACT:
            annotations = {
                name: value
                for name, value in observed.annotations.items()
                if name != names.RESTART_PENDING
            }
            cleared[names.SEAL] = self._sealer.compute(key, annotations, data=observed.data)
        elif not self._index.states.mutation(observed):
            return  # edited by somebody: the repair keeps the mark and starts another run
        written = await self._secrets.annotate(observed, cleared)
        self._index.states.clear_mark(key, written.resource_version)


class Rollouts:
    """Gives namespaces their turns, of one workload each, once their Secrets are written."""

    def __init__(
        self,
        restarts: RestartWorkloads,
        *,
        queue: WorkQueue[NamespaceKey],
        secrets_queue: WorkQueue[SecretKey],
        first_poll: asyncio.Event,
    ) -> None:
        self._restarts = restarts
        self._queue = queue
        self._secrets_queue = secrets_queue
        self._first_poll = first_poll
        self._under_way: dict[NamespaceKey, AsyncIterator[Workload]] = {}

    def wake(self, namespace: str) -> None:
        """Queue a namespace once its Secrets are written, so that many changes are one rollout."""
        key = NamespaceKey(namespace)
        self._queue.add_later(key, Priority.CHANGED, delay_seconds=IDLE_WAIT_SECONDS)
        self._secrets_queue.when_idle(namespace, lambda: self._queue.add(key, Priority.CHANGED))

    async def run(self, key: NamespaceKey) -> bool:
        """Restart one workload of the namespace; return whether there may be more to do.

        Before the first poll nothing is known of any item; after it, all that is pending is woken.

        Raises:
            ClusterError: as `RestartWorkloads.run`.
        """
        if not self._first_poll.is_set():
            return False
        turns = self._under_way.pop(key, None) or self._restarts.run(key.namespace)
        if await anext(turns, None) is None:
            if delay := self._restarts.seconds_until_open(key.namespace):
                self._queue.add_later(key, Priority.CHANGED, delay_seconds=delay)
            return False
        self._under_way[key] = turns
        return True


def _fields(workload: Workload, decided: restart.Restart) -> dict[str, object]:
    return {"object": str(workload.ref), "secrets": list(decided.secrets)}
