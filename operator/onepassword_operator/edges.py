"""The program's surroundings for `wiring.py`: Kubernetes, the clock, the election."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import random
import time
import uuid
from collections.abc import AsyncIterator
from typing import Final

from onepassword_operator import __version__, wiring
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.credentials import ClusterAccess
from onepassword_operator.cluster.event_log import KubernetesEvents
from onepassword_operator.cluster.event_sender import About, EventSender
from onepassword_operator.cluster.finalizers import KubernetesFinalizers
from onepassword_operator.cluster.lease import KubernetesLease, home_namespace
from onepassword_operator.cluster.resource_store import KubernetesResources
from onepassword_operator.cluster.secret_store import KubernetesSecrets
from onepassword_operator.cluster.secret_watch import KubernetesSecretWatch
from onepassword_operator.cluster.workload_store import KubernetesWorkloads
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.target import Rendering
from onepassword_operator.net.proxy import Route
from onepassword_operator.ports import ItemSource
from onepassword_operator.rules.lease import Timing
from onepassword_operator.service.runtime.leader_election import (
    Election,
    LeaderElection,
    NoElection,
)
from onepassword_operator.service.runtime.work_queue import WorkQueue
from onepassword_operator.service.watch.secret_news import SecretNews
from onepassword_operator.service.watch.secret_watch import SecretWatcher
from onepassword_operator.settings.schema import Settings
from onepassword_operator.telemetry.metrics import Metrics
from onepassword_operator.wiring import Options, Ports, UseCases

USER_AGENT: Final = f"onepassword-operator/{__version__}"


class SystemClock:
    """The machine's clock and dice."""

    def monotonic(self) -> float:
        """Return the seconds since some fixed moment."""
        return time.monotonic()

    def jitter(self) -> float:
        """Return a random number from 0 to 1."""
        return random.random()  # noqa: S311  spreads load, guards nothing


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts that the loops of `app.py` drive."""

    clock: SystemClock
    rendering: Rendering
    resources: KubernetesResources
    use_cases: UseCases
    secret_watcher: SecretWatcher | None
    """None if Secrets are not watched."""
    events: EventSender


def build(
    settings: Settings,
    *,
    api: KubernetesApi,
    source: ItemSource,
    token: Confidential,
    metrics: Metrics,
) -> Parts:
    """Connect everything over one connection to the cluster; nothing runs yet."""
    clock = SystemClock()
    options = Options.of(settings, token=token)
    events = EventSender(
        api,
        clock=clock,
        new_name=_event_name,
        instance=os.uname().nodename,
        dropped=metrics.events_dropped,
    )
    secrets = KubernetesSecrets(api)
    resources = KubernetesResources(api, rendering=options.rendering)
    ports = Ports(
        items=source,
        secrets=secrets,
        resources=resources,
        workloads=KubernetesWorkloads(api),
        finalizers=KubernetesFinalizers(api),
        events=KubernetesEvents(events, new_name=_event_name, clock=clock, now=api.server_time),
        meter=metrics,
        clock=clock,
    )
    use_cases = wiring.wire(ports, options, new_queue=WorkQueue)
    watcher = _secret_watcher(
        api, secrets=secrets, use_cases=use_cases, clock=clock, metrics=metrics
    )
    return Parts(
        clock=clock,
        rendering=options.rendering,
        resources=resources,
        use_cases=use_cases,
        secret_watcher=watcher if settings.watches_secrets else None,
        events=events,
    )


def _secret_watcher(
    api: KubernetesApi,
    *,
    secrets: KubernetesSecrets,
    use_cases: UseCases,
    clock: SystemClock,
    metrics: Metrics,
) -> SecretWatcher:
    return SecretWatcher(
        KubernetesSecretWatch(api, jitter=clock.jitter),
        news=SecretNews(
            secrets,
            observe=use_cases.observe,
            index=use_cases.shared.index,
            clock=clock,
            meter=metrics,
        ),
        namespaces=use_cases.shared.namespaces,
        clock=clock,
    )


def _event_name(about: About) -> str:
    return f"{about.name[:200].rstrip('.-')}.{uuid.uuid4().hex[:16]}"


@contextlib.asynccontextmanager
async def elect(
    settings: Settings, access: ClusterAccess, *, way: Route, metrics: Metrics
) -> AsyncIterator[Election]:
    """Yield the election that the settings ask for.

    It has its own connection, so that bulk writes never delay a renewal.
    """
    if not settings.leader_elect:
        yield NoElection()
        return
    namespace = home_namespace(
        settings.leader_election_namespace, os.environ, context=access.namespace
    )
    async with KubernetesApi(
        access, user_agent=USER_AGENT, observer=metrics.kubernetes_request, way=way
    ) as api:
        lease = KubernetesLease(api, namespace=namespace, name=settings.leader_election_id)
        identity = f"{os.uname().nodename}_{uuid.uuid4()}"
        yield LeaderElection(
            lease, identity=identity, timing=Timing(), clock=SystemClock(), now=_lease_time
        )


def _lease_time() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
