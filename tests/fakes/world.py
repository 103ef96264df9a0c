"""A small world: 1Password, a cluster and the operator's use-cases between them, with the time in the test's hand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from fakes.claim_store import FakeClaimStore
from fakes.clock import FakeClock
from fakes.event_log import FakeEventLog
from fakes.finalizer_store import FakeFinalizerStore
from fakes.item_source import FakeItemSource
from fakes.meter import FakeMeter
from fakes.secret_store import FakeSecretStore
from fakes.workload_store import FakeWorkloadStore
from onepassword_operator import wiring
from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import BackendError
from onepassword_operator.model.secret import OwnerReference, SecretKey
from onepassword_operator.model.target import ObjectRef, Rendering
from onepassword_operator.model.workload_kind import DEPLOYMENT, WorkloadKind
from onepassword_operator.rules.restart_window import RestartWindow
from onepassword_operator.service.runtime.work_queue import K, Limits, Priority, WorkQueue
from onepassword_operator.service.vaults.catalog import FIRST_LISTINGS

T = TypeVar("T")
STALENESS_SECONDS = 180.0
PASSES = 1000


class HandQueue(WorkQueue[K]):
    """The work queue with retries that become due when the test's clock says so."""

    def __init__(self, clock: FakeClock, *, limits: Limits[K] | None = None) -> None:
        super().__init__(limits=limits)
        self._clock = clock
        self.retries: dict[K, tuple[float, Priority]] = {}

    def add(self, key: K, priority: Priority) -> None:
        self.retries.pop(key, None)
        super().add(key, priority)

    def add_later(self, key: K, priority: Priority, *, delay_seconds: float) -> None:
        due = self._clock.now + delay_seconds
        if key not in self._waiting and key not in self._again and due < self.retries.get(key, (due + 1, priority))[0]:
            self.retries[key] = (due, priority)

    def ripen(self) -> None:
        for key, (due, priority) in list(self.retries.items()):
            if due <= self._clock.now:
                self.add(key, priority)

    def waiting(self) -> set[K]:
        return set(self._waiting)

    async def drop(self) -> None:
        while self.depth():
            self.done(await self.take())


def hand(queue: WorkQueue[K]) -> HandQueue[K]:
    assert isinstance(queue, HandQueue)
    return queue


class Process:
    """One run of the operator; a second one over the same stores is a restart."""

    def __init__(self, world: World) -> None:
        made = wiring.wire(world.ports(), world.options(), new_queue=functools.partial(HandQueue, world.clock))
        shared = made.shared
        self.queue = hand(shared.queue)
        self.sealer, self.index, self.limits = shared.sealer, shared.index, shared.limits
        self.freshness, self.catalog, self.item_reads = shared.freshness, shared.catalog, shared.item_reads
        self.observe, self.observe_workloads = made.observe, made.observe_workloads
        self.poller, self.resync, self.patrol = made.poller, made.resync, made.patrol
        self.reconcile, self.controller = made.reconcile, made.controller
        self.restart, self.restarts = made.restart, hand(made.restarts._queue)
        self.rollouts, self.restart_loop, self.first_poll = made.rollouts, made.restarts, shared.first_poll
        self.errors = made.workers._errors
        self.remove_finalizers, self.finalizer_loop = made.remove_finalizers, made.finalizers
        self.finalizers = hand(made.finalizers._queue)

    @property
    def woken(self) -> set[str]:
        """Namespaces with restarts to do."""
        return {key.namespace for key in self.restarts.waiting()}


class World:
    """State in, passes, state out."""

    def __init__(
        self,
        *,
        rendering: Rendering | None = None,
        workload_kinds: Iterable[WorkloadKind] = (DEPLOYMENT,),
        restart_window: RestartWindow | None = None,
    ) -> None:
        self.rendering = rendering or Rendering()
        self.token = b"a token"
        self.clock, self.source, self.meter, self.events = FakeClock(), FakeItemSource(), FakeMeter(), FakeEventLog()
        self.secrets, self.claims, self.workloads = FakeSecretStore(), FakeClaimStore(), FakeWorkloadStore()
        self.finalizers = FakeFinalizerStore(self.claims, self.workloads)
        self.vault = self.source.add_vault("Prod")
        self.workload_kinds, self.restart_window = tuple(workload_kinds), restart_window
        self.others: list[Callable[[], object]] = []
        """What other controllers do, after everything that happens."""
        self.process = Process(self)

    def ports(self) -> wiring.Ports:
        return wiring.Ports(
            items=self.source,
            secrets=self.secrets,
            resources=self.claims,
            workloads=self.workloads,
            finalizers=self.finalizers,
            events=self.events,
            meter=self.meter,
            clock=self.clock,
        )

    def options(self) -> wiring.Options:
        return wiring.Options(
            rendering=self.rendering,
            token=Confidential(self.token),
            staleness_seconds=STALENESS_SECONDS,
            workload_kinds=self.workload_kinds,
            restart_window=self.restart_window,
        )

    def ref(self, name: str = "db") -> ObjectRef:
        return ObjectRef(names.KIND, *self.key(name))

    def key(self, name: str = "db", namespace: str = "app") -> SecretKey:
        return SecretKey(namespace, name)

    def claim(self, name: str, path: str = "vaults/Prod/items/db", **members: Any) -> SecretKey:
        key = self.key(name)
        self.claims.apply(key, path, **members)
        return key

    def asks(self, name: str, *uses: str, under: str = "db", path: str = "vaults/Prod/items/db", **members: Any) -> SecretKey:
        """Somebody applies a Deployment that asks for a Secret by annotation."""
        self.workloads.deploy(name, *uses, annotations={names.ITEM_PATH: path, names.ITEM_NAME: under}, **members)
        return self.key(under)

    def official(self, item: str, *owners: OwnerReference, name: str = "db", version: int | None = None, **members: Any) -> SecretKey:
        """A Secret as the official operator left it, with the item's content as it is now unless told otherwise."""
        held = self.source.item(item)
        marks = {names.ITEM_PATH: f"vaults/{held.vault_id}/items/{item}", names.ITEM_VERSION: str(version or held.version)}
        data = {field.label: field.value for field in held.fields}
        self.secrets.place(self.key(name), **{"annotations": marks, "owners": owners, "data": data} | members)
        return self.key(name)

    def owners(self, name: str = "db") -> list[str]:
        return [f"{owner.kind}/{owner.name}" for owner in self.secrets.objects[self.key(name)].owners]

    async def synced(self, *resources: str) -> str:
        """An item `db` and resources on it, all of it in sync and polled, with clean records; returns the item's ID."""
        item = self.source.put(self.vault, "db", password="one")
        for name in resources or ("db",):
            self.claim(name, "vaults/Prod/items/db")
        await self.settle()
        await self.polled_in()
        self.forget_requests()
        return item

    async def polled_in(self) -> None:
        """Poll until no further list is due after a start."""
        for _ in range(1 + FIRST_LISTINGS):
            await self.poll()

    async def restart_process(self) -> None:
        """The operator dies and comes back: memory is lost, LISTs rebuild it."""
        self.process = Process(self)
        self.claims.events.clear()
        self.workloads.events.clear()
        self.secrets.events.clear()
        await self.process.resync.run()

    async def start_anew(self) -> None:
        """The operator dies and comes back, up to its first poll."""
        await self.restart_process()
        await self.poll()

    def watch(self) -> None:
        """Deliver what the watches have to say."""
        observe = self.process.observe
        for kind, claim in self._taken(self.claims.events):
            observe.claim_gone(claim.ref, claim.uid) if kind == "DELETED" else observe.claim_seen(claim)
        for kind, workload in self._taken(self.workloads.events):
            deployments = self.process.observe_workloads
            deployments.gone(workload.ref, workload.uid) if kind == "DELETED" else deployments.seen(workload)
        for kind, secret in self._taken(self.secrets.events):
            observe.secret_gone(secret.key) if kind == "DELETED" else observe.secret_seen(secret)

    @staticmethod
    def _taken(events: list[Any]) -> Iterable[Any]:
        taken = list(events)
        events.clear()
        return taken

    async def settle(self) -> None:
        """Deliver events and run passes until there is nothing to do now."""
        queue = self.process.queue
        for _ in range(PASSES):
            queue.ripen()
            for react in self.others:
                react()
            self.watch()
            await self._release()
            if not queue.depth():
                return
            key = await queue.take()
            await self.process.controller.run(key)
            queue.done(key)
        raise AssertionError(f"no rest after {PASSES} passes")

    async def settled(self, happened: T) -> T:
        """Settle after something happened; returns that."""
        await self.settle()
        return happened

    async def polled(self, happened: T) -> T:
        """Poll after something happened; returns that."""
        await self.poll()
        return happened

    async def _release(self) -> None:
        self.process.finalizers.ripen()
        while self.process.finalizers.depth():
            await self.process.finalizer_loop.run_next()
            for react in self.others:
                react()
            self.watch()

    async def live(self, seconds: int, *, step: int = 1, interval: int = 60) -> None:
        """Time passes by steps: retries become due, polls happen."""
        for second in range(step, seconds + 1, step):
            self.clock.advance(step)
            if second % interval == 0:
                await self.process.poller.poll()
            await self.settle()

    async def poll(self, *, full: bool = False) -> BackendError | None:
        trouble = await self.process.poller.poll(full=full)
        await self.settle()
        return trouble

    async def poll_after(self, seconds: float, *, times: int = 1) -> BackendError | None:
        trouble = None
        for _ in range(times):
            self.clock.advance(seconds)
            await self.settle()
            trouble = await self.poll()
            self.clock.advance(1.0)  # what is told of a trouble is spread over time
            await self.settle()
        return trouble

    async def look(self, key: SecretKey) -> None:
        """A pass that nothing calls for."""
        self.process.queue.add(key, Priority.LOW)
        await self.settle()

    async def restart(self, namespace: str = "app") -> None:
        async for _ in self.process.restart.run(namespace):
            pass
        await self.settle()

    def forget_requests(self) -> None:
        self.source.requests.clear()
        self.secrets.requests.clear()
        self.claims.requests.clear()
        self.workloads.requests.clear()
        self.finalizers.released.clear()
        self.events.reported.clear()

    def writes(self) -> list[str]:
        statuses = [request for request in self.claims.requests if request.startswith("status")]
        return [*self.secrets.writes(), *statuses, *(f"release {source}" for source in self.finalizers.released)]
