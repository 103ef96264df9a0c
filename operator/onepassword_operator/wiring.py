"""The composition root: ports and options in, use-cases out.

The program and the fake world of the tests both call it.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Protocol, Self

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import ObjectRef, Rendering
from onepassword_operator.model.workload_kind import DEPLOYMENT, WorkloadKind
from onepassword_operator.ports import (
    Clock,
    EventLog,
    FinalizerStore,
    ItemSource,
    Meter,
    ResourceStore,
    SecretStore,
    WorkloadStore,
)
from onepassword_operator.rules.restart_window import RestartWindow
from onepassword_operator.rules.secret import seal
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.restarts.rate_limiter import RESERVE, RateLimiter
from onepassword_operator.service.restarts.restart_workloads import (
    NamespaceKey,
    RestartReporter,
    RestartWorkloads,
    Rollouts,
)
from onepassword_operator.service.runtime.fair_share import FairShare
from onepassword_operator.service.runtime.internal_errors import InternalErrors
from onepassword_operator.service.runtime.retry_loop import RetryLoop
from onepassword_operator.service.runtime.work_queue import K, Limits, WorkQueue
from onepassword_operator.service.runtime.workers import Workers
from onepassword_operator.service.secret_sync.content import Contents
from onepassword_operator.service.secret_sync.controller import Controller
from onepassword_operator.service.secret_sync.live_claims import LiveClaims
from onepassword_operator.service.secret_sync.pins import Pins
from onepassword_operator.service.secret_sync.reconcile import Reconcile
from onepassword_operator.service.secret_sync.renders import Renders
from onepassword_operator.service.secret_sync.report import Reporter
from onepassword_operator.service.takeover.finalizers import RemoveFinalizers
from onepassword_operator.service.vaults.catalog import Catalog
from onepassword_operator.service.vaults.freshness import Freshness
from onepassword_operator.service.vaults.item_reads import ItemReads
from onepassword_operator.service.vaults.poller import Poller
from onepassword_operator.service.watch.find_kinds import FindKinds
from onepassword_operator.service.watch.namespaces import Namespaces
from onepassword_operator.service.watch.observe import Observe
from onepassword_operator.service.watch.observe_workloads import ObserveWorkloads
from onepassword_operator.service.watch.resync import Resync
from onepassword_operator.service.watch.secret_scan import ListedSecrets, PatrolledSecrets
from onepassword_operator.settings.schema import Settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The world as the use-cases see it."""

    items: ItemSource
    secrets: SecretStore
    resources: ResourceStore
    workloads: WorkloadStore
    finalizers: FinalizerStore
    events: EventLog
    meter: Meter
    clock: Clock


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The settings that decide how the use-cases behave. Times are in seconds."""

    rendering: Rendering
    token: Confidential
    """Seals are keyed from it: the token of the start, whatever replaces it later."""
    auto_restart: bool = False
    restart_on_content: bool = False
    interval_seconds: float = 60.0
    staleness_seconds: float = 180.0
    workers: int = 16
    restarts_per_second: float = 0.0
    """0 sets no limit."""
    namespaces: tuple[str, ...] = ()
    """The watched ones; none means all namespaces."""
    workload_kinds: tuple[WorkloadKind, ...] = (DEPLOYMENT,)
    """The watched ones."""
    restart_window: RestartWindow | None = None
    """None: workloads restart at any time."""
    secret_round_seconds: float = 0.0
    """Within this time each Secret is read once; 0: Secrets are listed and watched instead."""

    @classmethod
    def of(cls, settings: Settings, *, token: Confidential) -> Self:
        """Take from the settings whatever a use-case depends on."""
        return cls(
            rendering=Rendering(
                allow_empty_values=settings.allow_empty_values,
                copy_annotations=settings.enable_annotations,
            ),
            token=token,
            auto_restart=settings.auto_restart,
            restart_on_content=settings.restart_on == "content",
            interval_seconds=float(settings.polling_interval),
            staleness_seconds=settings.staleness_limit_seconds,
            workers=settings.workers,
            restarts_per_second=settings.restarts_per_second,
            namespaces=settings.namespaces,
            workload_kinds=settings.kinds,
            restart_window=settings.window,
            secret_round_seconds=0.0 if settings.watches_secrets else settings.resync_seconds,
        )


class NewQueue(Protocol):
    """Makes a work queue: `WorkQueue` itself, or in the fake world one by the test's clock."""

    def __call__(self, *, limits: Limits[K] | None = None) -> WorkQueue[K]:
        """Return an empty queue."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """The parts that several use-cases share."""

    index: Index
    namespaces: Namespaces
    limits: FairShare
    queue: WorkQueue[SecretKey]
    """Secrets that need a reconcile."""
    first_poll: asyncio.Event
    """Set after the first poll, because before it nothing is known of any item."""
    sealer: seal.Sealer
    catalog: Catalog
    freshness: Freshness
    item_reads: ItemReads


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """All use-cases, connected; nothing runs yet."""

    shared: Shared
    poller: Poller
    observe: Observe
    observe_workloads: ObserveWorkloads
    resync: Resync
    find_kinds: FindKinds
    patrol: PatrolledSecrets | None
    """Reads each Secret in turn; None if Secrets are watched."""
    reconcile: Reconcile
    controller: Controller
    workers: Workers[SecretKey]
    restart: RestartWorkloads
    rollouts: Rollouts
    restarts: RetryLoop[NamespaceKey]
    """Restarts workloads, of each namespace one in turn."""
    remove_finalizers: RemoveFinalizers
    finalizers: RetryLoop[ObjectRef]
    """Removes the official operator's finalizer from an object."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Wake:
    restarts: Callable[[str], None]
    finalizer: Callable[[ObjectRef], None]


def wire(ports: Ports, options: Options, *, new_queue: NewQueue) -> UseCases:
    """Connect the use-cases by constructors only: the work, then its callers."""
    shared = _shared(ports, options, new_queue=new_queue)
    restart = _restart(ports, options, shared=shared)
    namespaces: WorkQueue[NamespaceKey] = new_queue()
    rollouts = Rollouts(
        restart, queue=namespaces, secrets_queue=shared.queue, first_poll=shared.first_poll
    )
    restarts = _loop(ports, options, shared=shared, work=rollouts.run, queue=namespaces)
    remove_finalizers = _remove_finalizers(ports, shared=shared)
    finalizers: RetryLoop[ObjectRef] = _loop(
        ports, options, shared=shared, work=remove_finalizers.run, queue=new_queue()
    )
    wake = _Wake(restarts=rollouts.wake, finalizer=finalizers.wake)
    reconcile = _reconcile(ports, options, shared=shared)
    controller = _controller(ports, options, shared=shared, reconcile=reconcile, wake=wake)
    observe, observe_workloads = _observe(ports, shared=shared, wake=wake)
    patrol = _patrol(ports, options, observe=observe, index=shared.index)
    return UseCases(
        shared=shared,
        poller=_poller(ports, shared=shared),
        observe=observe,
        observe_workloads=observe_workloads,
        resync=Resync(
            resources=ports.resources,
            workloads=ports.workloads,
            scan=patrol or ListedSecrets(ports.secrets, observe=observe, index=shared.index),
            observe=observe,
            observe_workloads=observe_workloads,
            index=shared.index,
            queue=shared.queue,
        ),
        find_kinds=FindKinds(
            ports.workloads,
            kinds=shared.index.kinds,
            namespaces=shared.namespaces,
            clock=ports.clock,
        ),
        patrol=patrol,
        reconcile=reconcile,
        controller=controller,
        workers=_workers(ports, options, shared=shared, controller=controller),
        restart=restart,
        rollouts=rollouts,
        restarts=restarts,
        remove_finalizers=remove_finalizers,
        finalizers=finalizers,
    )


def _loop(
    ports: Ports,
    options: Options,
    *,
    shared: Shared,
    work: Callable[[K], Awaitable[bool | None]],
    queue: WorkQueue[K],
) -> RetryLoop[K]:
    return RetryLoop(
        work,
        queue=queue,
        clock=ports.clock,
        errors=InternalErrors(
            ports.clock, ports.meter, namespaces=shared.index.claims.count_namespaces
        ),
        interval_seconds=options.interval_seconds,
    )


def _shared(ports: Ports, options: Options, *, new_queue: NewQueue) -> Shared:
    clock, index = ports.clock, Index(ports.clock, kinds=options.workload_kinds)
    limits = FairShare(clock, workers=options.workers, winner=index.winner)
    return Shared(
        index=index,
        namespaces=Namespaces(options.namespaces),
        limits=limits,
        queue=new_queue(limits=limits),
        first_poll=asyncio.Event(),
        sealer=seal.Sealer(rendering=options.rendering, key=seal.derive_key(options.token)),
        catalog=Catalog(ports.items, clock),
        freshness=Freshness(clock, staleness_seconds=options.staleness_seconds),
        item_reads=ItemReads(ports.items, clock),
    )


def _restart(ports: Ports, options: Options, *, shared: Shared) -> RestartWorkloads:
    per_second = options.restarts_per_second * (1.0 - RESERVE)
    return RestartWorkloads(
        secrets=ports.secrets,
        workloads=ports.workloads,
        reporter=RestartReporter(events=ports.events, meter=ports.meter),
        index=shared.index,
        sealer=shared.sealer,
        clock=ports.clock,
        auto_restart=options.auto_restart,
        window=options.restart_window,
        limiter=RateLimiter(per_second, ports.clock) if per_second else None,
    )


def _remove_finalizers(ports: Ports, *, shared: Shared) -> RemoveFinalizers:
    return RemoveFinalizers(
        secrets=ports.secrets,
        finalizers=ports.finalizers,
        index=shared.index,
        queue=shared.queue,
        sealer=shared.sealer,
    )


def _reconcile(ports: Ports, options: Options, *, shared: Shared) -> Reconcile:
    renders = Renders(options.rendering)
    pins = Pins(
        catalog=shared.catalog,
        item_reads=shared.item_reads,
        index=shared.index,
        renders=renders,
        limits=shared.limits,
    )
    contents = Contents(
        catalog=shared.catalog,
        item_reads=shared.item_reads,
        index=shared.index,
        renders=renders,
        limits=shared.limits,
    )
    return Reconcile(
        secrets=ports.secrets,
        live_claims=LiveClaims(ports.resources, ports.workloads),
        pins=pins,
        contents=contents,
        index=shared.index,
        sealer=shared.sealer,
        limits=shared.limits,
        restart_on_content=options.restart_on_content,
    )


def _controller(
    ports: Ports, options: Options, *, shared: Shared, reconcile: Reconcile, wake: _Wake
) -> Controller:
    reporter = Reporter(
        resources=ports.resources,
        events=ports.events,
        meter=ports.meter,
        index=shared.index,
        now=ports.secrets.server_time,
        limits=shared.limits,
    )
    return Controller(
        reconcile=reconcile,
        reporter=reporter,
        index=shared.index,
        freshness=shared.freshness,
        queue=shared.queue,
        clock=ports.clock,
        interval_seconds=options.interval_seconds,
        wake_restarts=wake.restarts,
        remove_finalizer=wake.finalizer,
    )


def _workers(
    ports: Ports, options: Options, *, shared: Shared, controller: Controller
) -> Workers[SecretKey]:
    return Workers(
        shared.queue,
        controller.run,
        count=options.workers,
        begin=shared.first_poll,
        errors=InternalErrors(
            ports.clock,
            ports.meter,
            report=controller.report_bug,
            # An item that leads to a bug does so for all of its Secrets.
            subject=lambda key: winner.recipe if (winner := shared.index.winner(key)) else key,
            namespaces=shared.index.claims.count_namespaces,
        ),
    )


def _observe(ports: Ports, *, shared: Shared, wake: _Wake) -> tuple[Observe, ObserveWorkloads]:
    observe = Observe(
        index=shared.index,
        queue=shared.queue,
        sealer=shared.sealer,
        events=ports.events,
        wake_restarts=wake.restarts,
        remove_finalizer=wake.finalizer,
        begun=shared.first_poll.is_set,
    )
    workloads = ObserveWorkloads(
        index=shared.index, queue=shared.queue, observe=observe, remove_finalizer=wake.finalizer
    )
    return observe, workloads


def _patrol(
    ports: Ports, options: Options, *, observe: Observe, index: Index
) -> PatrolledSecrets | None:
    if not options.secret_round_seconds:
        return None
    seconds = options.secret_round_seconds
    return PatrolledSecrets(
        ports.secrets, observe=observe, index=index, clock=ports.clock, interval_seconds=seconds
    )


def _poller(ports: Ports, *, shared: Shared) -> Poller:
    return Poller(
        catalog=shared.catalog,
        index=shared.index,
        freshness=shared.freshness,
        queue=shared.queue,
        meter=ports.meter,
        limits=shared.limits,
    )
