"""The composition root: ports and options in, use-cases out.

The program and the fake world of the tests both call it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import ObjectRef, Rendering
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
from onepassword_operator.rules.secret import seal
from onepassword_operator.service.index.index import Index
from onepassword_operator.service.restarts.rate_limiter import RateLimiter
from onepassword_operator.service.restarts.restart_workloads import (
    NamespaceKey,
    RestartReporter,
    RestartWorkloads,
)
from onepassword_operator.service.runtime.fair_share import FairShare
from onepassword_operator.service.runtime.work_queue import WorkQueue
from onepassword_operator.service.secret_sync.content import Contents
from onepassword_operator.service.secret_sync.controller import Controller
from onepassword_operator.service.secret_sync.live_claims import LiveClaims
from onepassword_operator.service.secret_sync.reconcile import Reconcile
from onepassword_operator.service.secret_sync.report import Reporter
from onepassword_operator.service.takeover.finalizers import RemoveFinalizers
from onepassword_operator.service.vaults.catalog import Catalog
from onepassword_operator.service.vaults.freshness import Freshness
from onepassword_operator.service.vaults.item_reads import ItemReads
from onepassword_operator.service.vaults.poller import Poller
from onepassword_operator.service.watch.observe import Observe
from onepassword_operator.service.watch.observe_workloads import ObserveWorkloads
from onepassword_operator.service.watch.resync import Resync
from onepassword_operator.service.watch.secret_scan import ListedSecrets, PatrolledSecrets

K_contra = TypeVar("K_contra", contravariant=True)


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
    interval_seconds: float = 60.0
    staleness_seconds: float = 180.0
    workers: int = 16
    restarts_per_second: float = 0.0
    """0: no limit."""
    secret_round_seconds: float = 0.0
    """Within this time each Secret is read once; 0: Secrets are listed and watched instead."""


class Wakeable(Protocol[K_contra]):
    """Work on a key that somebody else runs, until it succeeds."""

    def wake(self, key: K_contra) -> None:
        """There is something to do for the key."""


class Runtime(Protocol):
    """What runs the work that the use-cases ask for."""

    def new_queue(self, share: FairShare) -> WorkQueue[SecretKey]:
        """The queue of Secrets that need a reconcile."""

    def restart_loop(
        self, restart: RestartWorkloads, queue: WorkQueue[SecretKey]
    ) -> Wakeable[NamespaceKey]:
        """What restarts the workloads of a namespace."""

    def finalizer_loop(self, remove: Callable[[ObjectRef], Awaitable[None]]) -> Wakeable[ObjectRef]:
        """What removes the official operator's finalizer from an object."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What several use-cases work with."""

    index: Index
    share: FairShare
    queue: WorkQueue[SecretKey]
    sealer: seal.Sealer
    catalog: Catalog
    freshness: Freshness
    item_reads: ItemReads


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """All of them, connected; nothing runs yet."""

    shared: Shared
    poller: Poller
    observe: Observe
    observe_workloads: ObserveWorkloads
    resync: Resync
    patrol: PatrolledSecrets | None
    """Where Secrets are not watched: reads each in turn."""
    reconcile: Reconcile
    controller: Controller
    restart: RestartWorkloads
    remove_finalizers: RemoveFinalizers


def wire(ports: Ports, options: Options, *, runtime: Runtime) -> UseCases:
    """Connect the use-cases: constructors only, first those that need nobody."""
    shared = _shared(ports, options, runtime=runtime)
    index, queue, sealer = shared.index, shared.queue, shared.sealer
    restart = _restart(ports, options, shared=shared)
    restarts = runtime.restart_loop(restart, queue)
    remove_finalizers = RemoveFinalizers(
        secrets=ports.secrets, finalizers=ports.finalizers, index=index, queue=queue, sealer=sealer
    )
    remove_finalizer = runtime.finalizer_loop(remove_finalizers.run).wake

    def wake_restarts(namespace: str) -> None:
        restarts.wake(NamespaceKey(namespace))

    observe = Observe(
        index=index,
        queue=queue,
        sealer=sealer,
        wake_restarts=wake_restarts,
        remove_finalizer=remove_finalizer,
    )
    observe_workloads = ObserveWorkloads(
        index=index, queue=queue, observe=observe, remove_finalizer=remove_finalizer
    )
    patrol = _patrol(ports, options, observe=observe, index=index)
    reconcile = _reconcile(ports, options, shared=shared)
    return UseCases(
        shared=shared,
        poller=_poller(ports, shared=shared),
        observe=observe,
        observe_workloads=observe_workloads,
        resync=Resync(
            resources=ports.resources,
            workloads=ports.workloads,
            scan=patrol or ListedSecrets(ports.secrets, observe=observe, index=index),
            observe=observe,
            observe_workloads=observe_workloads,
            index=index,
            queue=queue,
        ),
        patrol=patrol,
        reconcile=reconcile,
        controller=Controller(
            reconcile=reconcile,
            reporter=_reporter(ports, shared=shared),
            index=index,
            freshness=shared.freshness,
            queue=queue,
            clock=ports.clock,
            interval_seconds=options.interval_seconds,
            wake_restarts=wake_restarts,
            remove_finalizer=remove_finalizer,
        ),
        restart=restart,
        remove_finalizers=remove_finalizers,
    )


def _shared(ports: Ports, options: Options, *, runtime: Runtime) -> Shared:
    clock, index = ports.clock, Index(ports.clock)
    share = FairShare(clock, workers=options.workers, winner=index.winner)
    return Shared(
        index=index,
        share=share,
        queue=runtime.new_queue(share),
        sealer=seal.Sealer(rendering=options.rendering, key=seal.derive_key(options.token)),
        catalog=Catalog(ports.items, clock),
        freshness=Freshness(clock, staleness_seconds=options.staleness_seconds),
        item_reads=ItemReads(ports.items, clock),
    )


def _poller(ports: Ports, *, shared: Shared) -> Poller:
    return Poller(
        catalog=shared.catalog,
        index=shared.index,
        freshness=shared.freshness,
        queue=shared.queue,
        meter=ports.meter,
        share=shared.share,
    )


def _reconcile(ports: Ports, options: Options, *, shared: Shared) -> Reconcile:
    contents = Contents(
        catalog=shared.catalog,
        item_reads=shared.item_reads,
        index=shared.index,
        rendering=options.rendering,
        share=shared.share,
    )
    return Reconcile(
        secrets=ports.secrets,
        live_claims=LiveClaims(ports.resources, ports.workloads),
        contents=contents,
        index=shared.index,
        sealer=shared.sealer,
        share=shared.share,
    )


def _reporter(ports: Ports, *, shared: Shared) -> Reporter:
    return Reporter(
        resources=ports.resources,
        events=ports.events,
        meter=ports.meter,
        index=shared.index,
        now=ports.secrets.server_time,
        share=shared.share,
    )


def _restart(ports: Ports, options: Options, *, shared: Shared) -> RestartWorkloads:
    per_second = options.restarts_per_second
    return RestartWorkloads(
        secrets=ports.secrets,
        workloads=ports.workloads,
        reporter=RestartReporter(events=ports.events, meter=ports.meter),
        index=shared.index,
        sealer=shared.sealer,
        clock=ports.clock,
        auto_restart=options.auto_restart,
        limiter=RateLimiter(per_second, ports.clock) if per_second else None,
    )


def _patrol(
    ports: Ports, options: Options, *, observe: Observe, index: Index
) -> PatrolledSecrets | None:
    if not options.secret_round_seconds:
        return None
    seconds = options.secret_round_seconds
    return PatrolledSecrets(
        ports.secrets, observe=observe, index=index, clock=ports.clock, interval_seconds=seconds
    )
