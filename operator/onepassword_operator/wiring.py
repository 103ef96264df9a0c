"""The use-cases wired to their edges: what `app.py` runs."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime
import os
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Final

from onepassword_operator import __version__
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.credentials import ClusterAccess
from onepassword_operator.cluster.event_log import KubernetesEvents
from onepassword_operator.cluster.event_sender import About, EventSender
from onepassword_operator.cluster.finalizers import KubernetesFinalizers
from onepassword_operator.cluster.lease import KubernetesLease, home_namespace
from onepassword_operator.cluster.resource_store import KubernetesItems
from onepassword_operator.cluster.secret_store import KubernetesSecrets
from onepassword_operator.cluster.secret_watch import KubernetesSecretWatch
from onepassword_operator.cluster.workload_store import KubernetesWorkloads
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.factory import Connected
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.lease import Timing
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Rendering, Source
from onepassword_operator.net.proxy import Route
from onepassword_operator.ports import ItemSource
from onepassword_operator.rules import seal
from onepassword_operator.service.index.followed import FollowIndex
from onepassword_operator.service.restarts.rate_limiter import Pace
from onepassword_operator.service.restarts.restart_workloads import Place, RestartReporter, RestartWorkloads, Rollouts
from onepassword_operator.service.runtime.fair_share import FairShare
from onepassword_operator.service.runtime.leader_election import Election, Leadership, Unopposed
from onepassword_operator.service.runtime.retry_loop import RetryLoop
from onepassword_operator.service.runtime.work_queue import WorkQueue
from onepassword_operator.service.runtime.workers import Workers
from onepassword_operator.service.secret_sync.content import FetchContent
from onepassword_operator.service.secret_sync.controller import Reconcile
from onepassword_operator.service.secret_sync.live_claims import LiveClaims
from onepassword_operator.service.secret_sync.reconcile import SyncSecret
from onepassword_operator.service.secret_sync.report import Reporter
from onepassword_operator.service.takeover.finalizers import ReleaseObjects
from onepassword_operator.service.vaults.catalog import Catalog
from onepassword_operator.service.vaults.freshness import SourceHealth
from onepassword_operator.service.vaults.item_reads import ReadItem
from onepassword_operator.service.vaults.poller import PollVaults
from onepassword_operator.service.watch.observe import Observe
from onepassword_operator.service.watch.observe_workloads import ObserveWorkloads
from onepassword_operator.service.watch.resync import Sweep
from onepassword_operator.service.watch.secret_news import SecretNews
from onepassword_operator.service.watch.secret_scan import ListedSecrets, PatrolledSecrets
from onepassword_operator.service.watch.secret_watch import WatchSecrets
from onepassword_operator.settings.schema import Settings
from onepassword_operator.telemetry.metrics import Metrics

USER_AGENT: Final = f"onepassword-operator/{__version__}"
EVENNESS: Final = 0.95
"""Restarts leave at this part of the pace that is set: they arrive less evenly than they leave, and no second may see more."""


class SystemClock:
    """The machine's clock and dice."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def jitter(self) -> float:
        """A number from 0 to 1."""
        return random.random()  # noqa: S311  spreads load, guards nothing


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The Kubernetes API, as the ports see it."""

    secrets: KubernetesSecrets
    items: KubernetesItems
    workloads: KubernetesWorkloads
    finalizers: KubernetesFinalizers
    events: KubernetesEvents
    sender: EventSender

    @classmethod
    def over(cls, api: KubernetesApi, settings: Settings, *, rendering: Rendering, clock: SystemClock, metrics: Metrics) -> Stores:
        """All of them over one connection."""
        sender = EventSender(api, clock=clock, new_name=_event_name, instance=os.uname().nodename, dropped=metrics.events_dropped)
        return cls(
            secrets=KubernetesSecrets(api, namespaces=settings.namespaces),
            items=KubernetesItems(api, rendering=rendering, namespaces=settings.namespaces),
            workloads=KubernetesWorkloads(api, namespaces=settings.namespaces),
            finalizers=KubernetesFinalizers(api),
            events=KubernetesEvents(sender, new_name=_event_name, clock=clock, now=api.server_time),
            sender=sender,
        )


def _event_name(about: About) -> str:
    return f"{about.name[:200].rstrip('.-')}.{uuid.uuid4().hex[:16]}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the loops of `app.py` drive."""

    clock: SystemClock
    rendering: Rendering
    items: KubernetesItems
    index: FollowIndex
    queue: WorkQueue[SecretKey]
    poll: PollVaults
    observe: Observe
    observe_workloads: ObserveWorkloads
    sweep: Sweep
    patrol: PatrolledSecrets | None
    """Where Secrets are not watched: goes round over them."""
    watch_secrets: WatchSecrets | None
    """Where they are."""
    reconcile: Reconcile
    workers: Workers[SecretKey]
    restarts: RetryLoop[Place]
    releases: RetryLoop[Source]
    events: EventSender
    first_poll: asyncio.Event
    """Set when 1Password has been asked for the first time: no pass runs before."""


@contextlib.asynccontextmanager
async def elect(settings: Settings, access: ClusterAccess, *, way: Route, metrics: Metrics) -> AsyncIterator[Election]:
    """The election that the settings ask for, over a connection of its own, so that bulk writes never delay a renewal."""
    if not settings.leader_elect:
        yield Unopposed()
        return
    namespace = home_namespace(settings.leader_election_namespace, os.environ, context=access.namespace)
    async with KubernetesApi(access, user_agent=USER_AGENT, observer=metrics.kubernetes_request, way=way) as api:
        lease = KubernetesLease(api, namespace=namespace)
        identity = f"{os.uname().nodename}_{uuid.uuid4()}"
        election = Leadership(lease, identity=identity, timing=Timing(), clock=SystemClock(), now=_lease_time)
        yield election


def _lease_time() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What the use-cases stand on."""

    clock: SystemClock
    rendering: Rendering
    sealer: seal.Sealer
    stores: Stores
    index: FollowIndex
    share: FairShare
    queue: WorkQueue[SecretKey]
    metrics: Metrics


def _ground(settings: Settings, *, api: KubernetesApi, token: Confidential, metrics: Metrics) -> _Ground:
    clock = SystemClock()
    rendering = Rendering(allow_empty_values=settings.allow_empty_values, copy_annotations=settings.enable_annotations)
    index = FollowIndex(clock)
    share = FairShare(clock, workers=settings.workers, ruler=index.ruler)
    return _Ground(
        clock=clock,
        rendering=rendering,
        sealer=seal.Sealer(rendering=rendering, key=seal.derive_key(token)),
        stores=Stores.over(api, settings, rendering=rendering, clock=clock, metrics=metrics),
        index=index,
        share=share,
        queue=WorkQueue[SecretKey](share=share),
        metrics=metrics,
    )


def wire(settings: Settings, *, api: KubernetesApi, source: ItemSource, token: Confidential, metrics: Metrics) -> Parts:
    """Build everything; nothing runs yet. Seals are keyed from the token of the start, whatever replaces it later."""
    ground, first_poll = _ground(settings, api=api, token=token, metrics=metrics), asyncio.Event()
    stores, index, queue, clock = ground.stores, ground.index, ground.queue, ground.clock
    catalog, health = Catalog(source, clock), SourceHealth(clock, staleness_seconds=settings.staleness_limit_seconds)
    observe = Observe(index=index, queue=queue, sealer=ground.sealer)
    release = ReleaseObjects(secrets=stores.secrets, finalizers=stores.finalizers, index=index, queue=queue, sealer=ground.sealer)
    releases: RetryLoop[Source] = RetryLoop(release.run, clock=clock)
    observe_workloads = ObserveWorkloads(index=index, queue=queue, observe=observe, release=releases.wake)
    restart = _restart_pass(stores, settings, index=index, sealer=ground.sealer, clock=clock, metrics=metrics)
    patrol = _patrol(stores, settings, observe=observe, index=index, clock=clock)
    reconcile = _reconcile(ground, source, catalog=catalog, health=health, now=api.server_time)
    parts = Parts(
        clock=clock,
        rendering=ground.rendering,
        items=stores.items,
        index=index,
        queue=queue,
        poll=PollVaults(catalog=catalog, index=index, health=health, queue=queue, meter=metrics, share=ground.share),
        observe=observe,
        observe_workloads=observe_workloads,
        patrol=patrol,
        watch_secrets=_secret_watch(api, settings, news=SecretNews(stores.secrets, observe=observe, index=index, clock=clock)),
        sweep=Sweep(
            stores=(stores.items, stores.workloads),
            look=patrol or ListedSecrets(stores.secrets, observe=observe, index=index),
            observe=observe,
            observe_workloads=observe_workloads,
            index=index,
            queue=queue,
        ),
        reconcile=reconcile,
        workers=Workers(queue, reconcile.run, count=settings.workers, begin=first_poll),
        restarts=RetryLoop(Rollouts(restart, secrets_queue=queue, first_poll=first_poll).run, clock=clock),
        releases=releases,
        events=stores.sender,
        first_poll=first_poll,
    )
    _connect(parts, float(settings.polling_interval))
    _expose(parts, metrics)
    return parts


def _reconcile(ground: _Ground, source: ItemSource, *, catalog: Catalog, health: SourceHealth, now: Callable[[], str]) -> Reconcile:
    stores, index, share, read_item = ground.stores, ground.index, ground.share, ReadItem(source, ground.clock)
    fetch = FetchContent(catalog=catalog, read_item=read_item, index=index, rendering=ground.rendering, share=share)
    live_claims = LiveClaims(stores.items, stores.workloads)
    return Reconcile(
        sync=SyncSecret(secrets=stores.secrets, live_claims=live_claims, fetch=fetch, index=index, sealer=ground.sealer, share=share),
        reporter=Reporter(claim_store=stores.items, events=stores.events, meter=ground.metrics, index=index, now=now, share=share),
        index=index,
        health=health,
        queue=ground.queue,
        clock=ground.clock,
    )


def _patrol(stores: Stores, settings: Settings, *, observe: Observe, index: FollowIndex, clock: SystemClock) -> PatrolledSecrets | None:
    if settings.watches_secrets:
        return None
    return PatrolledSecrets(stores.secrets, observe=observe, index=index, clock=clock, interval_seconds=settings.sweep_seconds)


def _secret_watch(api: KubernetesApi, settings: Settings, *, news: SecretNews) -> WatchSecrets | None:
    if not settings.watches_secrets:
        return None
    clock = SystemClock()
    edge = KubernetesSecretWatch(api, jitter=clock.jitter)
    return WatchSecrets(edge, news=news, namespaces=settings.namespaces, clock=clock)


def _restart_pass(
    stores: Stores, settings: Settings, *, index: FollowIndex, sealer: seal.Sealer, clock: SystemClock, metrics: Metrics
) -> RestartWorkloads:
    reporter = RestartReporter(events=stores.events, meter=metrics)
    restart = RestartWorkloads(
        secrets=stores.secrets, workloads=stores.workloads, reporter=reporter, index=index, sealer=sealer, clock=clock
    )
    restart.auto_restart = settings.auto_restart
    restart.pace = Pace(settings.restarts_per_second * EVENNESS, clock)
    return restart


def _connect(parts: Parts, interval_seconds: float) -> None:
    parts.reconcile.interval_seconds = parts.restarts.interval_seconds = parts.releases.interval_seconds = interval_seconds
    parts.reconcile.wake_restarts = parts.observe.wake_restarts = lambda namespace: parts.restarts.wake(Place(namespace))
    parts.reconcile.release = parts.observe.release = parts.releases.wake


def _expose(parts: Parts, metrics: Metrics) -> None:
    metrics.observe("queue_depth", "Secrets waiting for their turn or being worked on.", read=parts.queue.depth)
    metrics.observe("retries_waiting", "Secrets waiting for the time of their next try.", read=parts.queue.delayed)
    metrics.observe(
        "polls_by_item_lists", "1 while the vault list is not believed, and every poll lists items.", read=parts.poll.trust.lost
    )
    metrics.observe(
        "items_listed_older", "Items that 1Password lists at an older version than before, or not at all.", read=parts.poll.count_doubts
    )
    metrics.observe("events_waiting", "Kubernetes Events that wait to be posted.", read=parts.events.waiting)
    metrics.observe("pending_restarts", "Secrets whose users are still to be restarted.", read=parts.index.count_pending)


def expose_connect(metrics: Metrics, connected: Connected, *, token: ConnectToken) -> None:
    """What the metrics say of the source."""
    connected.bare.retried = metrics.connect_retry
    metrics.observe("connect_calls_in_flight", "Calls to Connect under way.", read=connected.paced.in_flight)
    metrics.observe("connect_budget_waiting", "Requests to Connect that wait for their minute.", read=connected.budget.waiting)
    metrics.observe("connect_circuit_open", "1 while calls to Connect fail at once with what was last seen.", read=connected.paced.is_open)
    metrics.observe(
        "connect_token_expiry_timestamp_seconds",
        "When the Connect token expires (Unix time); 0 if it does not say.",
        read=lambda: token.expires_at() or 0,
    )
