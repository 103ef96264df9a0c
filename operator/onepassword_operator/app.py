"""Settings in, running operator out: the loops that drive the use-cases, and their beginning and end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import random
import signal
import time
from collections.abc import Mapping
from typing import Final

from onepassword_operator import __version__, memory
from onepassword_operator.cluster import credentials
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.connect.access_token import ConnectToken
from onepassword_operator.connect.factory import Limits, Server, connect_source
from onepassword_operator.connect.server_watch import ServerWatch
from onepassword_operator.edges import USER_AGENT, Parts, SystemClock, build, elect, expose_connect
from onepassword_operator.handlers.registry import build_registry
from onepassword_operator.handlers.watches import Watches
from onepassword_operator.model.errors import ClusterError
from onepassword_operator.net.proxy import route_to
from onepassword_operator.net.tls import TlsFiles
from onepassword_operator.service.restarts.restart_workloads import NamespaceKey
from onepassword_operator.service.runtime.leader_election import Election
from onepassword_operator.service.runtime.supervisor import Supervisor
from onepassword_operator.settings.schema import Settings
from onepassword_operator.settings.values import bind_address
from onepassword_operator.telemetry import probes
from onepassword_operator.telemetry.metrics import Metrics
from onepassword_operator.telemetry.serving_certificate import serving_tls

RESTART_LOOPS: Final = 4
SECOND_RESYNC_SECONDS: Final = 10.0
RESYNC_RETRY_SECONDS: Final = 15.0
CRD_CHECK_SECONDS: Final = 2.0
OUTAGE_POLL_SECONDS: Final = 15.0
SERVER_CHECK_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


class StopSignal:
    """SIGTERM or SIGINT, once given."""

    def __init__(self) -> None:
        self.given = asyncio.Event()

    def listen(self) -> None:
        """Have the process's signals come here."""
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
        self._api = api
        self._stop = stop
        self._synced = False
        self._tasks = Supervisor(parts.clock)
        self._watches_started = asyncio.Event()

    def unhealthy(self) -> str:
        """What /healthz complains about."""
        return self._tasks.trouble()

    def unready(self) -> str:
        """What /readyz complains about: no CRD or no first LIST.

        1Password's state is a condition and a metric, never readiness.
        """
        return (
            ""
            if self._synced
            else "waiting for the OnePasswordItem CRD and the first complete LISTs"
        )

    async def run(self) -> None:
        """Run until cancelled, or until a supervised task fails."""
        self._tasks.start("heartbeat", self._tasks.heartbeat)
        await self._wait_for_crd()
        await self._first_resync()
        self._tasks.start("resyncer", self._resync_forever)
        self._tasks.start("watches", self._watch)
        if self._parts.secret_watcher:
            self._tasks.start("secret-watch", self._parts.secret_watcher.run)
        if self._parts.use_cases.patrol:
            self._tasks.start("patrol", self._parts.use_cases.patrol.run)
        self._tasks.start("leadership", self._lead)
        await self._tasks.first_end()

    async def stop(self) -> None:
        """End everything; the lease last, because whoever has it next may write at once."""
        self._parts.use_cases.shared.queue.close()
        self._parts.use_cases.restarts.close()
        self._parts.use_cases.finalizers.close()
        await self._tasks.stop()
        self._parts.use_cases.poller.close()
        await self._parts.events.flush()
        await self._election.release()

    async def _lead(self) -> None:
        # What stands by has listed and watches everything, so that it takes over with what it
        # knows: all of it still waits in the queues.
        led_until = await self._election.campaign()
        # A refresh leaves no trace but an Event. One that the former leader still owed long after
        # it was asked for shows in the status.
        self._parts.use_cases.shared.index.drop_refreshes(
            before=led_until
            - self._settings.staleness_limit_seconds
            - self._settings.polling_interval
        )
        for number in range(self._parts.use_cases.workers.loops):
            self._tasks.start(f"worker-{number}", self._parts.use_cases.workers.run)
        for number in range(RESTART_LOOPS):
            self._tasks.start(f"restarts-{number}", self._parts.use_cases.restarts.run)
            self._tasks.start(f"releases-{number}", self._parts.use_cases.finalizers.run)
        self._tasks.start("events", self._parts.events.run)
        self._tasks.start("poller", self._poll_forever)
        self._tasks.start("server-watch", self._watch_server_forever)
        await self._election.keep()

    async def _wait_for_crd(self) -> None:
        reported = ""
        while True:
            try:
                if await self._parts.resources.is_served():
                    return
                trouble = "the cluster does not serve onepassworditems.onepassword.com; apply the CRD: kubectl apply -f crds/"
            except ClusterError as error:
                trouble = str(error)
            if trouble != reported:
                _log.error("not ready", extra={"detail": trouble})
                reported = trouble
            await asyncio.sleep(CRD_CHECK_SECONDS)

    async def _first_resync(self) -> None:
        # Nothing is concluded from a part of a LIST, so until all could be read there is nothing to
        # do but to try again.
        attempt = 0
        while not self._synced:
            try:
                await self._parts.use_cases.resync.run()
                self._synced = True
            except ClusterError as error:
                attempt += 1
                _log.error("not ready", extra={"detail": str(error), "reason": error.reason})
                await asyncio.sleep(min(2.0 ** min(attempt, 16), 30.0))
        _log.info(
            "resources and Secrets listed",
            extra={"resources": len(self._parts.use_cases.shared.index.claims)},
        )

    async def _watch(self) -> None:
        watches = Watches(
            registry=lambda: build_registry(
                observe=self._parts.use_cases.observe,
                observe_workloads=self._parts.use_cases.observe_workloads,
                rendering=self._parts.rendering,
                server=self._api.server,
                new_session=self._api.new_session,
            ),
            namespaces=self._settings.namespaces,
            started=self._watching,
            clock=self._parts.clock,
        )
        await watches.run()
        self._stop.given.set()
        await asyncio.Event().wait()

    def _watching(self) -> None:
        # kopf installs signal handlers of its own at its start, and would stop the watches before
        # the work has ended.
        self._stop.listen()
        self._watches_started.set()

    async def _poll_forever(self) -> None:
        interval = float(self._settings.polling_interval)
        while True:
            started = time.monotonic()
            trouble = await self._parts.use_cases.poller.poll()
            if not self._parts.use_cases.shared.first_poll.is_set():
                self._wake_pending()
                self._parts.use_cases.shared.first_poll.set()
            if trouble:
                _log.warning(
                    "poll failed", extra={"reason": trouble.reason, "detail": str(trouble)}
                )
            pause = (min(interval, OUTAGE_POLL_SECONDS) if trouble else interval) * (
                0.9 + 0.1 * random.random()  # noqa: S311  jitter, guards nothing
            )
            await asyncio.sleep(max(pause - (time.monotonic() - started), 0.05))

    async def _watch_server_forever(self) -> None:
        await (
            self._parts.use_cases.shared.first_poll.wait()
        )  # a server that nobody has asked for anything yet is not up, and that is no news
        while True:
            well = await self._watch_server.check()
            await asyncio.sleep(self._settings.resync_seconds if well else SERVER_CHECK_SECONDS)

    async def _resync_forever(self) -> None:
        while True:
            # What came and went between a LIST and the start of the watches, only another LIST
            # shows; whenever they start.
            began = await self._watches_begin(within_seconds=self._settings.resync_seconds)
            if began:
                await asyncio.sleep(min(SECOND_RESYNC_SECONDS, self._settings.resync_seconds))
            # what is waited for is on the API server
            while not await self._resync_once():  # noqa: ASYNC110
                await asyncio.sleep(min(RESYNC_RETRY_SECONDS, self._settings.resync_seconds))
            memory.keep_what_is_there()
            if (
                not began and self._parts.use_cases.shared.first_poll.is_set()
            ):  # otherwise this replica stands by, and asks 1Password for nothing
                await self._parts.use_cases.poller.poll(full=True)

    async def _watches_begin(self, *, within_seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._watches_started.wait(), within_seconds)
        began = self._watches_started.is_set()
        self._watches_started.clear()
        return began

    async def _resync_once(self) -> bool:
        try:
            await self._parts.use_cases.resync.run()
        except ClusterError as error:
            _log.warning("resync failed", extra={"reason": error.reason, "detail": str(error)})
            return False
        finally:
            self._wake_pending()
        return True

    def _wake_pending(self) -> None:
        for namespace in self._parts.use_cases.shared.index.states.pending_namespaces():
            self._parts.use_cases.restarts.wake(NamespaceKey(namespace))


async def run(settings: Settings) -> int:
    """Run the operator until a signal; the exit code: 0 after a signal, 1 after a failure."""
    memory.collect_less_often()
    memory.set_aside_less_for_tls()
    metrics = Metrics(version=__version__)
    access = credentials.load(settings.kubeconfig or None, os.environ)
    stop = StopSignal()
    stop.listen()
    for warning in settings.warnings():
        _log.warning(warning)
    _log.info(
        "starting",
        extra={
            "version": __version__,
            "namespaces": list(settings.namespaces) or "all",
            "poll": settings.polling_interval,
        },
    )
    to_cluster = route_to(access.server, settings.proxies)
    tls = TlsFiles(
        file=settings.ssl_cert_file,
        directories=settings.ssl_cert_dir,
        identity=settings.connect_identity,
    )
    to_connect = route_to(settings.connect_host, settings.proxies, tls=tls.context)
    token = ConnectToken(settings.connect_credential)
    async with contextlib.AsyncExitStack() as stack:
        election = await stack.enter_async_context(
            elect(settings, access, way=to_cluster, metrics=metrics)
        )
        api = await stack.enter_async_context(
            KubernetesApi(
                access,
                user_agent=USER_AGENT,
                observer=metrics.kubernetes_request,
                way=to_cluster,
                may_write=election.may_write,
            )
        )
        connected = await stack.enter_async_context(
            connect_source(
                Server(host=settings.connect_host, way=to_connect),
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
        )
        parts = build(
            settings, api=api, source=connected.guarded, token=token.token, metrics=metrics
        )
        expose_connect(metrics, connected, token=token)
        metrics.observe(
            "leader",
            "1 while this replica leads: it alone asks 1Password and writes.",
            read=election.may_write,
        )
        watch = ServerWatch(connected.bare, token, reported=metrics.connect_version, now=time.time)
        operator = Operator(settings, parts, api=api, stop=stop, watch=watch, election=election)
        health = {
            "/healthz": probes.probe(operator.unhealthy),
            "/readyz": probes.probe(operator.unready),
        }
        await stack.enter_async_context(
            probes.serve(bind_address(settings.health_probe_bind_address), health)
        )
        exposition = {"/metrics": probes.exposition(metrics.render, metrics.content_type)}
        serving = serving_tls(settings.metrics_certificate)
        await stack.enter_async_context(
            probes.serve(bind_address(settings.metrics_bind_address), exposition, tls=serving)
        )
        return await _until(stop, operator)


def _note_leftover(loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
    del loop
    _log.debug(
        "left behind by the stop",
        extra={"detail": context.get("message"), "error": type(context.get("exception")).__name__},
    )


async def _until(stop: StopSignal, operator: Operator) -> int:
    running, stopping = (
        asyncio.create_task(operator.run(), name="operator"),
        asyncio.create_task(stop.given.wait(), name="signals"),
    )
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    code = 0
    if running.done():
        code = 1
        _log.error(
            "stopping after a failure",
            exc_info=None if running.cancelled() else running.exception(),
        )
    # A task of kopf's that is cancelled while it starts may end with an error that nobody asks for
    # any more.
    asyncio.get_running_loop().set_exception_handler(_note_leftover)
    stopping.cancel()
    running.cancel()
    await operator.stop()
    await asyncio.gather(running, stopping, return_exceptions=True)
    _log.info("stopped", extra={"code": code})
    return code
