"""The composition root: settings in, running operator out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
import time
import uuid
from typing import Final

from onepassword_operator import __version__, outbound
from onepassword_operator.backends.factory import Pace, Server, connect_source
from onepassword_operator.cluster import credentials
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.event_log import KubernetesEvents
from onepassword_operator.cluster.item_status import KubernetesItems
from onepassword_operator.cluster.secret_store import KubernetesSecrets
from onepassword_operator.cluster.workload_store import KubernetesWorkloads
from onepassword_operator.handlers.registry import build_registry
from onepassword_operator.handlers.watches import Watches
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import ClusterError
from onepassword_operator.model.target import Rendering
from onepassword_operator.ports import ItemSource
from onepassword_operator.rules import seal
from onepassword_operator.service.catalog import Catalog
from onepassword_operator.service.follow_index import FollowIndex
from onepassword_operator.service.observe import Observe
from onepassword_operator.service.poll_vaults import PollVaults
from onepassword_operator.service.read_item import ReadItem
from onepassword_operator.service.reconcile import Reconcile, Reporter
from onepassword_operator.service.restart_workloads import RestartLoop, RestartWorkloads
from onepassword_operator.service.source_health import SourceHealth
from onepassword_operator.service.supervise import Supervisor
from onepassword_operator.service.sweep import Sweep
from onepassword_operator.service.sync_secret import SyncSecret
from onepassword_operator.service.work_queue import WorkQueue
from onepassword_operator.setting_values import bind_address
from onepassword_operator.settings import Settings
from onepassword_operator.telemetry import probes
from onepassword_operator.telemetry.metrics import Metrics
from onepassword_operator.telemetry.serving_certificate import serving_tls

USER_AGENT: Final = f"onepassword-operator/{__version__}"
RESTART_LOOPS: Final = 4
SECOND_SWEEP_SECONDS: Final = 10.0
CRD_CHECK_SECONDS: Final = 2.0
OUTAGE_POLL_SECONDS: Final = 15.0

_log = logging.getLogger(__name__)


class SystemClock:
    """The machine's clock and dice."""

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    def jitter(self) -> float:
        """A number from 0 to 1."""
        return random.random()  # noqa: S311  spreads load, guards nothing


class StopSignal:
    """SIGTERM or SIGINT, once given."""

    def __init__(self) -> None:
        self.given = asyncio.Event()

    def listen(self) -> None:
        """Have the process's signals come here."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.given.set)


class Operator:
    """The use-cases wired to their edges, and the tasks that drive them."""

    def __init__(self, settings: Settings, *, api: KubernetesApi, source: ItemSource, metrics: Metrics, stop: StopSignal) -> None:
        clock = SystemClock()
        self._settings = settings
        self._api = api
        self._stop = stop
        self._rendering = Rendering(allow_empty_values=settings.allow_empty_values, copy_annotations=settings.enable_annotations)
        token = Confidential.of_text(settings.connect_token.get_secret_value().strip())
        sealer = seal.Sealer(rendering=self._rendering, key=seal.derive_key(token))
        secrets = KubernetesSecrets(api, namespaces=settings.namespaces)
        events = KubernetesEvents(api, unique=lambda: uuid.uuid4().hex[:16], instance=os.uname().nodename)
        self._items = KubernetesItems(api, rendering=self._rendering, namespaces=settings.namespaces)
        self._index, self._queue = FollowIndex(), WorkQueue()
        self._health = SourceHealth(clock, staleness_seconds=settings.staleness_limit_seconds)
        self._read_item = ReadItem(source, clock)
        catalog = Catalog(source, clock)
        self._poll = PollVaults(catalog=catalog, index=self._index, health=self._health, queue=self._queue, meter=metrics)
        self._observe = Observe(index=self._index, queue=self._queue, sealer=sealer)
        self._sweep = Sweep(secrets=secrets, claim_store=self._items, observe=self._observe, index=self._index, queue=self._queue)
        sync = SyncSecret(
            secrets=secrets, claim_store=self._items, catalog=catalog, read_item=self._read_item, index=self._index, sealer=sealer
        )
        reporter = Reporter(claim_store=self._items, events=events, meter=metrics, index=self._index, now=api.server_time)
        self._reconcile = Reconcile(sync=sync, reporter=reporter, index=self._index, health=self._health, queue=self._queue, clock=clock)
        restarts = RestartWorkloads(
            secrets=secrets, workloads=KubernetesWorkloads(api), events=events, meter=metrics, index=self._index, sealer=sealer
        )
        restarts.auto_restart = settings.auto_restart
        self._first_poll = asyncio.Event()
        self._restarts = RestartLoop(restarts=restarts, secrets_queue=self._queue, first_poll=self._first_poll, clock=clock)
        self._reconcile.interval_seconds = self._restarts.interval_seconds = float(settings.polling_interval)
        self._reconcile.wake_restarts = self._observe.wake_restarts = self._restarts.wake
        self._synced = False
        self._tasks, self._clock = Supervisor(clock), clock
        self._watches_started = asyncio.Event()
        metrics.observe("queue_depth", "Secrets waiting for their turn or being worked on.", read=self._queue.depth)
        metrics.observe("retries_waiting", "Secrets waiting for the time of their next try.", read=self._queue.delayed)
        metrics.observe("pending_restarts", "Secrets whose users are still to be restarted.", read=self._index.count_pending)

    def unhealthy(self) -> str:
        """What /healthz complains about."""
        return self._tasks.trouble()

    def unready(self) -> str:
        """What /readyz complains about: no CRD or no first LIST. 1Password's state is a condition and a metric, never readiness."""
        return "" if self._synced else "waiting for the OnePasswordItem CRD and the first complete LISTs"

    async def run(self) -> None:
        """Run until cancelled, or until a supervised task fails."""
        self._tasks.start("heartbeat", self._tasks.heartbeat)
        await self._wait_for_crd()
        await self._first_sweep()
        for number in range(self._settings.workers):
            self._tasks.start(f"worker-{number}", self._work)
        for number in range(RESTART_LOOPS):
            self._tasks.start(f"restarts-{number}", self._restarts.work)
        self._tasks.start("poller", self._poll_forever)
        self._tasks.start("sweeper", self._sweep_forever)
        self._tasks.start("watches", self._watch)
        await self._tasks.first_end()

    async def stop(self) -> None:
        """End everything."""
        self._queue.close()
        self._restarts.close()
        await self._tasks.stop()

    async def _wait_for_crd(self) -> None:
        told = ""
        while True:
            try:
                if await self._items.is_served():
                    return
                trouble = "the cluster does not serve onepassworditems.onepassword.com; apply the CRD: kubectl apply -f crds/"
            except ClusterError as error:
                trouble = str(error)
            if trouble != told:
                _log.error("not ready", extra={"detail": trouble})
                told = trouble
            await asyncio.sleep(CRD_CHECK_SECONDS)

    async def _first_sweep(self) -> None:
        # Nothing is concluded from a part of a LIST, so until all could be read there is nothing to do but to try again.
        attempt = 0
        while not self._synced:
            try:
                await self._sweep.sweep()
                self._synced = True
            except ClusterError as error:
                attempt += 1
                _log.error("not ready", extra={"detail": str(error), "reason": error.reason})
                await asyncio.sleep(min(2.0**attempt, 30.0))
        _log.info("resources and Secrets listed", extra={"resources": len(self._index.claims)})

    async def _watch(self) -> None:
        watches = Watches(
            registry=lambda: build_registry(
                observe=self._observe, rendering=self._rendering, server=self._api.server, new_session=self._api.new_session
            ),
            namespaces=self._settings.namespaces,
            started=self._watching,
            resumed=self._sweep_once,
            clock=self._clock,
        )
        await watches.run()
        self._stop.given.set()
        await asyncio.Event().wait()

    def _watching(self) -> None:
        # kopf installs signal handlers of its own at its start, and would stop the watches before the work has ended.
        self._stop.listen()
        self._watches_started.set()

    async def _work(self) -> None:
        await self._first_poll.wait()
        while True:
            key = await self._queue.take()
            try:
                await self._reconcile.run(key)
            finally:
                self._queue.done(key)

    async def _poll_forever(self) -> None:
        interval = float(self._settings.polling_interval)
        while True:
            started = time.monotonic()
            trouble = await self._poll.poll()
            self._read_item.expire()
            if not self._first_poll.is_set():
                self._wake_pending()
                self._first_poll.set()
            if trouble:
                _log.warning("poll failed", extra={"reason": trouble.reason, "detail": str(trouble)})
            pause = (min(interval, OUTAGE_POLL_SECONDS) if trouble else interval) * (0.9 + 0.1 * random.random())  # noqa: S311  spreads load
            await asyncio.sleep(max(pause - (time.monotonic() - started), 0.05))

    async def _sweep_forever(self) -> None:
        # What came and went between the first LIST and the start of the watches, only another LIST shows.
        await self._watches_started.wait()
        await asyncio.sleep(min(SECOND_SWEEP_SECONDS, self._settings.sweep_seconds))
        await self._sweep_once()
        while True:
            await asyncio.sleep(self._settings.sweep_seconds)
            await self._sweep_once()
            await self._poll.poll(full=True)

    async def _sweep_once(self) -> None:
        try:
            await self._sweep.sweep()
        except ClusterError as error:
            _log.warning("sweep failed", extra={"reason": error.reason, "detail": str(error)})
        self._wake_pending()

    def _wake_pending(self) -> None:
        for namespace in self._index.pending_namespaces():
            self._restarts.wake(namespace)


async def run(settings: Settings) -> int:
    """Run the operator until a signal; the exit code: 0 after a signal, 1 after a failure."""
    metrics = Metrics(version=__version__)
    access = credentials.load(settings.kubeconfig or None, os.environ)
    stop = StopSignal()
    stop.listen()
    for warning in settings.warnings():
        _log.warning(warning)
    _log.info(
        "starting", extra={"version": __version__, "namespaces": list(settings.namespaces) or "all", "poll": settings.polling_interval}
    )
    to_cluster = outbound.route_to(access.server, settings.proxies)
    to_connect = outbound.route_to(settings.connect_host, settings.proxies, tls=outbound.client_tls(directories=settings.ssl_cert_dir))
    async with contextlib.AsyncExitStack() as stack:
        api = await stack.enter_async_context(
            KubernetesApi(access, user_agent=USER_AGENT, observer=metrics.kubernetes_request, way=to_cluster)
        )
        source = await stack.enter_async_context(
            connect_source(
                Server(host=settings.connect_host, way=to_connect),
                token=Confidential.of_text(settings.connect_token.get_secret_value().strip()),
                user_agent=USER_AGENT,
                observer=metrics.connect_request,
                clock=SystemClock(),
                pace=Pace(timeout_seconds=settings.connect_timeout_seconds, denied_probe_seconds=settings.denied_probe_seconds),
            )
        )
        operator = Operator(settings, api=api, source=source, metrics=metrics, stop=stop)
        health = {"/healthz": probes.probe(operator.unhealthy), "/readyz": probes.probe(operator.unready)}
        await stack.enter_async_context(probes.serve(bind_address(settings.health_probe_bind_address), health))
        exposition = {"/metrics": probes.exposition(metrics.render, metrics.content_type)}
        tls = serving_tls(settings.metrics_certificate)
        await stack.enter_async_context(probes.serve(bind_address(settings.metrics_bind_address), exposition, tls=tls))
        return await _until(stop, operator)


async def _until(stop: StopSignal, operator: Operator) -> int:
    running, stopping = asyncio.create_task(operator.run(), name="operator"), asyncio.create_task(stop.given.wait(), name="signals")
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    code = 0
    if running.done():
        code = 1
        _log.error("stopping after a failure", exc_info=running.exception())
    stopping.cancel()
    running.cancel()
    await operator.stop()
    await asyncio.gather(running, stopping, return_exceptions=True)
    _log.info("stopped", extra={"code": code})
    return code
