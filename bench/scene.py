"""A scene: a control plane with resources, a Connect server with their items, and operators."""

from __future__ import annotations

import base64
import contextlib
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

from bench import staging
from bench.bulk import Bulk
from bench.contender import Contender, Running, Start
from bench.gauges import AuditLog, Counts
from bench.watching import READY, Sightings, item_sightings, secret_sightings
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness.connect_process import ConnectProcess

PATIENCE_SECONDS = 900.0
QUIET_SECONDS = 0.6
SAMPLE_SECONDS = 0.1
REST_SECONDS = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a scene is made of."""

    items: int
    vaults: int
    latency_ms: int = 0
    namespaces: int = 10
    foreign: int = 0
    """Secrets of 10 KiB that are nobody's business."""
    hurry: bool = False
    """Don't wait until an operator has settled."""
    shared_plane: bool = False
    """Others use the control plane too: watch the scene's namespaces only, not all as is the
    default, and remove them at the end.
    """

    @property
    def items_per_vault(self) -> int:
        """One more than is asked for, so that every vault can change without a Secret having to."""
        return -(-self.items // self.vaults) + 1

    @property
    def settling_seconds(self) -> float:
        """The seconds until our operator has listed everything a second time, after its start.

        No figure should depend on whether it has.
        """
        return 0.0 if self.hurry else 12.0 + self.items / 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What an operator did and used in a while."""

    seconds: float
    cpu_seconds: float
    connect: Counts
    kubernetes: Counts


class Scene:
    """Everything that steps touch; a context manager that cleans up."""

    def __init__(
        self, plane: ControlPlane, setup: Setup, *, contender: Contender, directory: Path
    ) -> None:
        self.setup, self.contender, self.plane, self.directory = setup, contender, plane, directory
        self.id = uuid.uuid4().hex[:6]
        self.names = [f"b{self.id}-{number:05}" for number in range(setup.items)]
        self.namespaces = [f"bench-{self.id}-{number}" for number in range(setup.namespaces)]
        self.broken_namespace = f"bench-{self.id}-broken"
        self.extra: list[str] = []
        """Resources that steps have added."""
        self.versions: Counter[int] = Counter(dict.fromkeys(range(setup.items), 1))
        self.audit = AuditLog(plane.audit_log)
        self.bulk = Bulk(plane.admin_kubeconfig)
        self._closing = contextlib.ExitStack()
        self._running: Running | None = None

    def __enter__(self) -> Self:
        try:
            self.observer = self._closing.enter_context(
                Observer.connect(self.plane.admin_kubeconfig)
            )
            staging.install(self.plane, self.observer)
            for name in (*self.namespaces, self.broken_namespace):
                self.observer.core.create_namespace({"metadata": {"name": name}})
                if self.setup.shared_plane:
                    self._closing.callback(self.observer.core.delete_namespace, name)
            seed = {
                "generate": {
                    "vaults": self.setup.vaults,
                    "items_per_vault": self.setup.items_per_vault,
                }
            }
            self.connect = ConnectProcess(
                seed, self.directory, "--latency-ms", str(self.setup.latency_ms)
            )
            self._closing.callback(self.connect.stop)
            with progress(self.setup.items, "creating resources") as show:
                self.bulk.send(
                    ([staging.resource(self, number)] for number in range(self.setup.items)),
                    report=show,
                )
            with progress(self.setup.foreign, "creating foreign Secrets") as show:
                self.bulk.send(
                    ([staging.foreign(self, number)] for number in range(self.setup.foreign)),
                    report=show,
                )
            self.secrets = self._closing.enter_context(secret_sightings(self.observer))
            self.items = self._closing.enter_context(item_sightings(self.observer))
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._closing.close()

    # --- where things are ---

    def place(self, number: int) -> tuple[str, str]:
        """Vault and title of the item behind a resource."""
        return f"vault-{number % self.setup.vaults}", f"item-{number // self.setup.vaults:05}"

    def namespace(self, number: int) -> str:
        """Where a resource is."""
        return self.namespaces[number % len(self.namespaces)]

    def user(self, replica: int = 0) -> str:
        """Whom the API server takes a replica for, so that its log tells them apart."""
        return f"bench-{self.contender.name}-{replica}"

    # --- operators ---

    def launch(self, interval_seconds: int, *flags: str, replica: int = 0) -> Running:
        """Start a process; it is stopped at the end, if not before."""
        environment = {"POD_NAMESPACE": staging.HOME}  # for the lease, where there is an election
        if self.setup.shared_plane:
            environment["WATCH_NAMESPACE"] = ",".join((*self.namespaces, self.broken_namespace))
        group = staging.GROUPS[self.contender.is_ours]
        start = Start(
            kubeconfig=self.plane.kubeconfig_for(self.user(replica), groups=[group]),
            connect=self.connect,
            log=self.directory / f"operator-{replica}.log",
            interval_seconds=interval_seconds,
            environment=environment,
            flags=flags,
        )
        running = Running(self.contender, start)
        self._closing.callback(running.stop)
        self._running = running
        return running

    def operator(self, interval_seconds: int) -> Running:
        """Return the operator that runs, if it has this interval, or else start one.

        It has everything in place and nothing left to do.
        """
        if self._running and self._running.alive():
            if self._running.interval_seconds == interval_seconds:
                self.settle(self._running)
                return self._running
            self._running.stop()
        running = self.launch(interval_seconds)
        self.converge()
        self.settle(running)
        return running

    def converge(self) -> None:
        """Return when every resource has been Ready."""
        with progress(len(self.names), "converging") as show:
            self.items.wait(self.names, READY, timeout=PATIENCE_SECONDS, report=show)

    def settle(self, running: Running) -> None:
        """Wait until the operator is ready, has rested, and asks 1Password nothing."""
        ready = running.started + running.wait_answering()
        rested = time.monotonic() + min(running.interval_seconds, REST_SECONDS)
        patience = self.setup.settling_seconds + max(60.0, 2.0 * running.interval_seconds)
        self.quiet(limit=patience, least=max(ready + self.setup.settling_seconds, rested))

    def quiet(self, *, limit: float, least: float = 0.0, seconds: float = QUIET_SECONDS) -> bool:
        """Wait until Connect is asked nothing for a while, and not before `least`.

        Return False if that does not happen within the limit.
        """
        deadline, total, since = time.monotonic() + limit, self.asked(), time.monotonic()
        while (now := time.monotonic()) < deadline:
            if now - since >= seconds and now >= least:
                return True
            time.sleep(SAMPLE_SECONDS)
            if (seen := self.asked()) != total:
                total, since = seen, time.monotonic()
        return False

    def asked(self) -> int:
        """Requests that reached Connect since they were last reset."""
        return sum(self.connect.counts().values())

    # --- what the user does, and what must come of it ---

    def edit(self, number: int) -> tuple[str, str]:
        """Give a resource's item another password.

        Return the resource's name, and the version that its Secret must get to.
        """
        self.versions[number] += 1
        self.connect.edit(*self.place(number), fields={"password": self.password(number)})
        return self.names[number], str(self.versions[number])

    def edit_unfollowed(self, vault: int) -> None:
        """Change an item that no resource asks for."""
        title = f"item-{self.setup.items_per_vault - 1:05}"
        self.connect.edit(f"vault-{vault}", title, fields={"password": uuid.uuid4().hex})

    def password(self, number: int) -> str:
        """What the Secret must hold."""
        version = self.versions[number]
        return (
            f"rotated-{number}-{version}"
            if version > 1
            else f"fake-password-{number % self.setup.vaults}-{number // self.setup.vaults}"
        )

    def wrong(self) -> int:
        """How many Secrets do not hold their item's password."""
        held: dict[str, str] = {}
        for namespace in self.namespaces:
            for secret in self.observer.core.list_namespaced_secret(
                namespace, field_selector="type=Opaque"
            ).items:
                held[secret.metadata.name] = base64.b64decode(
                    (secret.data or {}).get("password", "")
                ).decode()
        return sum(
            held.get(name) != self.password(number) for number, name in enumerate(self.names)
        )

    # --- figures ---

    def window(
        self, running: Running | None = None, *, replica: int = 0
    ) -> Callable[[Running], Spent]:
        """Counts from here; call what it gives for what was spent since.

        Without an operator the next one counts from its start.
        """
        self.connect.reset()
        began, started = self.audit.now(), time.monotonic()
        before = running.cpu_seconds() if running else 0.0

        def end(now: Running) -> Spent:
            cpu, seconds, until = (
                now.cpu_seconds() - before,
                time.monotonic() - started,
                self.audit.now(),
            )
            connect = self.connect.counts()
            kubernetes = self.audit.counts(self.user(replica), began, until)
            return Spent(seconds=seconds, cpu_seconds=cpu, connect=connect, kubernetes=kubernetes)

        return end

    def keep(self, sightings: Sightings) -> Sightings:
        """A further watch, closed at the end."""
        return self._closing.enter_context(sightings)

    def case(self) -> dict[str, Any]:
        """What tells this scene from others in a record."""
        case: dict[str, Any] = {
            "items": self.setup.items,
            "vaults": self.setup.vaults,
            "latency_ms": self.setup.latency_ms,
        }
        return case | ({"foreign": self.setup.foreign} if self.setup.foreign else {})


@contextlib.contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; what it gives is told how far things are."""
    with tqdm(total=total, desc=what, unit="", leave=False, disable=None if total else True) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        yield show
