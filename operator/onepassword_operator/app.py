"""The loops that drive the use-cases, their start and their stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
import time
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from onepassword_operator import __version__, gauges, memory
from onepassword_operator.cluster import credentials
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.client import base_url
from onepassword_operator.connect.factory import Connected, Limits, Server, connect_source
from onepassword_operator.connect.server_watch import ServerWatch
from onepassword_operator.edges import USER_AGENT, Parts, SystemClock, build, elect
from onepassword_operator.handlers.registry import build_registry
from onepassword_operator.handlers.watches import Watches
from onepassword_operator.model.errors import (
    BackendError,
    ClusterAbsentError,
    ClusterError,
    InternalError,
    OperatorError,
)
from onepassword_operator.net.proxy import route_to
from onepassword_operator.net.tls import TlsFiles
from onepassword_operator.service.runtime.leader_election import Election
from onepassword_operator.service.runtime.slots import Slots
from onepassword_operator.service.runtime.supervisor import Supervisor
from onepassword_operator.service.watch.crd import Crd
from onepassword_operator.service.watch.namespaces import Access
from onepassword_operator.service.watch.secret_scan import PatrolledSecrets
from onepassword_operator.settings.schema import Settings
from onepassword_operator.settings.values import bind_address
from onepassword_operator.telemetry import probes
from onepassword_operator.telemetry.metrics import Metrics
from onepassword_operator.telemetry.serving_certificate import serving_tls

RESTART_LOOPS: Final = 4
SECOND_RESYNC_SECONDS: Final = 10.0
LONGEST_RESYNC_PAUSE_SECONDS: Final = 30.0
RESYNCS_AT_ONCE: Final = 4
FIRST_LISTS_SECONDS: Final = 15.0
"""How long a start waits for slow namespaces once others are listed."""
OUTAGE_POLL_SECONDS: Final = 15.0
SERVER_CHECK_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class StopSignal:
    """Notes SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self.given = asyncio.Event()

    def listen(self) -> None:
        """Replace the process's handlers of both signals."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.given.set)


class Operator:
    """The tasks that drive the use-cases."""

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        *,
        api: KubernetesApi,
        stop: StopSignal,
        watch: ServerWatch,
        election: Election,
    ) -> None:
        self._settings = settings
        self._election = election
        self._watch_server = watch
        self._parts = parts
        self._use_cases = parts.use_cases
        self._api = api
        self._stop = stop
        self._namespaces = parts.use_cases.shared.namespaces
        self._synced = False
        self._crd = Crd(parts.resources.is_served)
        self._resyncs = Slots(RESYNCS_AT_ONCE, slow=len(self._namespaces.names))
        self._tasks = Supervisor(parts.clock)

    def unhealthy(self) -> str:
        """Return the problem that fails /healthz; empty if there is none."""
        return self._tasks.trouble()

    def unready(self) -> str:
        """Return the problem that fails /readyz: no CRD or no first LIST.

        1Password's state is a condition and a metric, never readiness; nor is a single namespace's.
        """
        if self._synced and not self._crd.missing:
            return ""
        return "waiting for the OnePasswordItem CRD and the first complete LISTs"

    async def run(self) -> None:
        """Run until cancelled, or until a supervised task fails."""
        self._tasks.start("heartbeat", self._tasks.heartbeat)
        await self._crd.wait()
        for namespace in self._namespaces.names:
            name = namespace or "all"
            self._tasks.start(f"resyncs-{name}", partial(self._resync_forever, namespace))
            self._tasks.start(f"watches-{name}", partial(self._watch, namespace))
            self._tasks.start(f"kinds-{name}", partial(self._use_cases.find_kinds.run, namespace))
            if patrol := self._use_cases.patrol:
                self._tasks.start(f"patrol-{name}", partial(self._patrol, namespace, patrol))
        if self._parts.secret_watcher:
            self._tasks.start("secret-watch", self._parts.secret_watcher.run)
        self._tasks.start("leadership", self._lead)
        await self._tasks.first_end()

    async def stop(self) -> None:
        """End everything; the lease last, because the next leader may write at once."""
        self._use_cases.shared.queue.close()
        self._use_cases.restarts.close()
        self._use_cases.finalizers.close()
        await self._tasks.stop()
        self._use_cases.poller.close()
        await self._parts.events.flush()
        await self._election.release()

    async def _lead(self) -> None:
        # A standby has listed everything and watches it, so all that there is to do waits in its
        # queues.
        await self._first_lists()
        led_until = await self._election.acquire()
        # A refresh leaves no trace but an Event. One that the former leader still owed long after
        # it was asked for shows in the status.
        unreported_seconds = (
            self._settings.staleness_limit_seconds + self._settings.polling_interval
        )
        self._use_cases.shared.index.drop_refreshes(before=led_until - unreported_seconds)
        for number in range(self._use_cases.workers.loops):
            self._tasks.start(f"worker-{number}", self._use_cases.workers.run)
        for number in range(RESTART_LOOPS):
            self._tasks.start(f"restarts-{number}", self._use_cases.restarts.run)
            self._tasks.start(f"releases-{number}", self._use_cases.finalizers.run)
        self._tasks.start("events", self._parts.events.run)
        self._tasks.start("poller", self._poll_forever)
        self._tasks.start("server-watch", self._watch_server_forever)
        await self._election.renew()

    async def _first_lists(self) -> None:
        """Return when a namespace is listed, and each other one too, refused, or slow."""
        await self._namespaces.any_listed.wait()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LISTS_SECONDS):
                await self._namespaces.all_tried.wait()
        self._synced = True
        if slow := self._namespaces.untried():
            _log.warning("namespace not listed yet", extra={"namespaces": slow})
        count = len(self._use_cases.shared.index.claims)
        _log.info("resources and Secrets listed", extra={"resources": count})

    async def _watch(self, namespace: str) -> None:
        watches = Watches(
            namespace,
            namespaces=self._namespaces,
            kinds=self._use_cases.shared.index.kinds,
            registry=lambda kinds: build_registry(
                observe=self._use_cases.observe,
                observe_workloads=self._use_cases.observe_workloads,
                rendering=self._parts.rendering,
                server=self._api.server,
                new_session=self._api.new_session,
                kinds=kinds,
            ),
            started=partial(self._watching, namespace),
            clock=self._parts.clock,
        )
        await watches.run()
        self._stop.given.set()
        await asyncio.Event().wait()

    def _watching(self, namespace: str) -> None:
        # kopf installs its own signal handlers when it starts. They would stop the watches before
        # the work has ended, so ours replace them.
        self._stop.listen()
        # Only another LIST shows changes between the former LIST and the start of the watches,
        # whenever they start.
        self._namespaces.resync_in(namespace, seconds=SECOND_RESYNC_SECONDS)

    async def _patrol(self, namespace: str, patrol: PatrolledSecrets) -> None:
        while True:
            await self._namespaces.until_listed(namespace)
            await patrol.patrol(namespace)

    async def _poll_forever(self) -> None:
        interval = float(self._settings.polling_interval)
        next_full = time.monotonic() + self._settings.resync_seconds
        reported = ""
        while True:
            started = time.monotonic()
            full = started >= next_full
            trouble = await self._use_cases.poller.poll(full=full)
            if full:
                next_full = started + self._settings.resync_seconds
            if not self._use_cases.shared.first_poll.is_set():
                self._wake_pending()
                self._use_cases.shared.first_poll.set()
            reported = _report_poll(trouble, reported)
            pause = min(interval, OUTAGE_POLL_SECONDS) if trouble else interval
            pause *= 0.9 + 0.1 * random.random()  # noqa: S311  jitter, guards nothing
            due = min(started + pause, next_full)
            await asyncio.sleep(max(due - time.monotonic(), 0.05))

    async def _watch_server_forever(self) -> None:
        # Before the first poll no request shows whether the server is up.
        await self._use_cases.shared.first_poll.wait()
        while True:
            well = await self._watch_server.check()
            await asyncio.sleep(self._settings.resync_seconds if well else SERVER_CHECK_SECONDS)

    async def _resync_forever(self, namespace: str) -> None:
        interval, failures = self._settings.resync_seconds, 0
        while True:
            if await self._resync_once(namespace):
                failures = 0
                memory.keep_what_is_there()
                await self._namespaces.until_due(namespace, interval_seconds=interval)
            else:
                failures += 1
                pause = min(2.0 ** min(failures, 16), LONGEST_RESYNC_PAUSE_SECONDS)
                await asyncio.sleep(min(pause, interval))

    async def _resync_once(self, namespace: str) -> bool:
        try:
            async with self._resyncs.slot() as slot:
                slot.start()  # a namespace whose LISTs hang holds up no other
                await self._use_cases.resync.run(namespace)
        except ClusterError as error:
            absent = isinstance(error, ClusterAbsentError)
            if not (absent and await self._crd.wait()):
                self._namespaces.refuse(namespace, Access.LISTS, error=error)
            return False
        finally:
            self._wake_pending()
        self._namespaces.allow(namespace, Access.LISTS)
        return True

    def _wake_pending(self) -> None:
        for namespace in self._use_cases.shared.index.states.pending_namespaces():
            self._use_cases.rollouts.wake(namespace)


async def run(settings: Settings) -> int:
    """Run the operator until a signal; the exit code: 0 after a signal, 1 after a failure."""
    memory.collect_less_often()
    memory.set_aside_less_for_tls()
    metrics = Metrics(version=__version__)
    access = credentials.load(settings.kubeconfig or None, os.environ)
    stop = StopSignal()
    stop.listen()
    _announce(settings)
    to_cluster = route_to(access.server, settings.proxies)
    token = ConnectToken(settings.connect_credential)
    async with contextlib.AsyncExitStack() as stack:
        connected = await stack.enter_async_context(
            _connection(settings, token=token, metrics=metrics)
        )
        election = await stack.enter_async_context(
            elect(settings, access, way=to_cluster, metrics=metrics)
        )
        api = KubernetesApi(
            access,
            user_agent=USER_AGENT,
            observer=metrics.kubernetes_request,
            way=to_cluster,
            seconds_left=election.seconds_left,
        )
        await stack.enter_async_context(api)
        source = connected.guarded
        parts = build(settings, api=api, source=source, token=token.token, metrics=metrics)
        gauges.expose(
            metrics,
            use_cases=parts.use_cases,
            events=parts.events,
            connected=connected,
            token=token,
            election=election,
        )
        watch = ServerWatch(connected.bare, token, reported=metrics.connect_version, now=time.time)
        operator = Operator(settings, parts, api=api, stop=stop, watch=watch, election=election)
        await stack.enter_async_context(_probes(settings, operator))
        await stack.enter_async_context(_exposition(settings, metrics))
        return await _until(stop, operator)


def _announce(settings: Settings) -> None:
    for warning in settings.warnings():
        _log.warning(warning)
    _log.info(
        "starting",
        extra={
            "version": __version__,
            "connect": base_url(settings.connect_host),
            "namespaces": list(settings.namespaces) or "all",
            "poll": settings.polling_interval,
        },
    )


def _connection(
    settings: Settings, *, token: ConnectToken, metrics: Metrics
) -> AbstractAsyncContextManager[Connected]:
    tls = TlsFiles(
        file=settings.ssl_cert_file,
        directories=settings.ssl_cert_dir,
        identity=settings.connect_identity,
    )
    way = route_to(settings.connect_host, settings.proxies, tls=tls.context)
    return connect_source(
        Server(host=settings.connect_host, way=way),
        token=token,
        user_agent=USER_AGENT,
        meter=metrics,
        clock=SystemClock(),
        limits=Limits(
            timeout_seconds=settings.connect_timeout_seconds,
            denied_probe_seconds=settings.denied_probe_seconds,
            requests_per_minute=settings.connect_requests_per_minute,
        ),
    )


def _probes(settings: Settings, operator: Operator) -> AbstractAsyncContextManager[None]:
    pages = {
        "/healthz": probes.probe(operator.unhealthy),
        "/readyz": probes.probe(operator.unready),
    }
    address = bind_address(settings.health_probe_bind_address)
    return probes.serve(address, pages, flag="--health-probe-bind-address")


def _exposition(settings: Settings, metrics: Metrics) -> AbstractAsyncContextManager[None]:
    pages = {"/metrics": probes.exposition(metrics.render, metrics.content_type)}
    tls = serving_tls(settings.metrics_certificate)
    address = bind_address(settings.metrics_bind_address)
    return probes.serve(address, pages, flag="--metrics-bind-address", tls=tls)


def _note_leftover(loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
    del loop
    _log.debug(
        "left behind by the stop",
        extra={"detail": context.get("message"), "error": type(context.get("exception")).__name__},
    )


async def _until(stop: StopSignal, operator: Operator) -> int:
    running = asyncio.create_task(operator.run(), name="operator")
    stopping = asyncio.create_task(stop.given.wait(), name="signals")
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    code = 0
    if running.done():
        code = 1
        failure = None if running.cancelled() else running.exception()
        if failure and not isinstance(failure, OperatorError):
            failure = InternalError.of(failure)
        _log.error("stopping after a failure", exc_info=failure)
    # A task of kopf's that is cancelled while it starts may end with an error that nobody reads.
    asyncio.get_running_loop().set_exception_handler(_note_leftover)
    stopping.cancel()
    running.cancel()
    await operator.stop()
    await asyncio.gather(running, stopping, return_exceptions=True)
    _log.info("stopped", extra={"code": code})
    return code


def _report_poll(trouble: BackendError | None, reported: str) -> str:
    # Warns of each trouble once while it lasts; returns what was reported.
    if trouble is None:
        if reported:
            _log.info("1Password answers polls again")
        return ""
    level = logging.DEBUG if str(trouble) == reported else logging.WARNING
    _log.log(level, "poll failed", extra={"reason": trouble.reason, "detail": str(trouble)})
    return str(trouble)
