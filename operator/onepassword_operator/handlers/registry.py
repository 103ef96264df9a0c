"""Routes watch events to the use-cases, and configures kopf to do nothing else.

A function builds the registry, so nothing is registered at import. It has `on.event` handlers only,
because every other kind of kopf handler writes to the objects it watches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import aiohttp
import kopf

from onepassword_operator.handlers.items import ItemEvents
from onepassword_operator.handlers.workloads import WorkloadEvents
from onepassword_operator.model import names
from onepassword_operator.model.target import Rendering
from onepassword_operator.model.workload_kind import WorkloadKind
from onepassword_operator.service.watch.observe import Observe
from onepassword_operator.service.watch.observe_workloads import ObserveWorkloads

NO_FINALIZER: Final = names.PREFIX + "kopf-sets-no-finalizer"
"""A finalizer that no object has, because kopf removes the configured one from objects."""

PAGE_OBJECTS: Final = 8
"""Objects in a page of kopf's LISTs, which it can't bound by bytes.

A page waits in memory, decoded, for the handlers, and anybody's Deployment may have 1.5 MiB.
"""


def build_registry(
    *,
    observe: Observe,
    observe_workloads: ObserveWorkloads,
    rendering: Rendering,
    server: str,
    new_session: Callable[[], aiohttp.ClientSession],
    kinds: Iterable[WorkloadKind],
) -> kopf.OperatorRegistry:
    """Route OnePasswordItems and workloads, and log kopf in with a session of ours."""
    registry = kopf.OperatorRegistry()

    async def login(**_: Any) -> kopf.AiohttpSession:
        return kopf.AiohttpSession(server=server, aiohttp_session=new_session())

    kopf.on.login(registry=registry)(login)
    kopf.on.event(names.GROUP, names.VERSION, names.PLURAL, registry=registry)(
        ItemEvents(observe, rendering).item_event
    )
    for kind in kinds:
        kopf.on.event(kind.group, kind.version, kind.plural, registry=registry)(
            WorkloadEvents(observe_workloads, kind).workload_event
        )
    return registry


def build_settings() -> kopf.OperatorSettings:
    """Configure kopf to carry watches only, with no bookkeeping on objects."""
    settings = kopf.OperatorSettings()
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.finalizer = NO_FINALIZER
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    settings.queueing.idle_timeout = 0.1
    settings.queueing.exit_timeout = 1.0
    settings.queueing.error_delays = (1, 2, 5, 10, 30, 60)
    settings.watching.chunk_size = PAGE_OBJECTS
    settings.watching.server_timeout = 290
    settings.watching.connect_timeout = 10
    settings.watching.inactivity_timeout = 70
    # By default kopf kills the process ten minutes after it has ended without being told to.
    settings.process.ultimate_exiting_timeout = None
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = (0.5, 1, 2, 4, 8)
    return settings


class NoDiffBase(kopf.DiffBaseStorage):
    """Keeps no last-handled state: no handler asks for a diff."""

    def build(
        self, *, body: kopf.Body, extra_fields: Iterable[Any] | None = None
    ) -> kopf.BodyEssence:
        """Return an empty essence; kopf's default copies the whole body for every event."""
        del body, extra_fields
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> None:
        """Do nothing: nothing is stored."""

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Do nothing."""


class NoProgress(kopf.ProgressStorage):
    """Keeps no handler progress: the work queue does the retries."""

    def fetch(self, *, key: Any, body: kopf.Body) -> None:
        """Do nothing: nothing is stored."""

    def store(self, *, key: Any, record: Any, body: kopf.Body, patch: kopf.Patch) -> None:
        """Do nothing."""

    def purge(self, *, key: Any, body: kopf.Body, patch: kopf.Patch) -> None:
        """Do nothing: nothing is stored."""

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: str | None) -> None:
        """Do nothing: objects are never touched."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return the essence unchanged."""
        return essence
