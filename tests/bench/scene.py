"""What a run happens in: a namespace full of OnePasswordItems, a Connect server with their items, and room for one operator."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tqdm import tqdm

from bench.gauges import AuditLog
from bench.watching import item_sightings, secret_sightings
from cluster.connect_process import POLL_ROUTE, ConnectProcess
from cluster.fixtures import REPOSITORY, kubectl
from cluster.operator_process import SERVICE_ACCOUNT, OperatorProcess
from cluster.world import GROUP, PLURAL
from controlplane import leash
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane

VAULTS = 10
CREATORS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a run is asked for."""

    items: int
    latency_ms: int
    interval_seconds: int
    polls: int
    """Idle polls to measure."""
    rotations: int
    shared_plane: bool = False
    """Others use the control plane too: watch the run's namespace only, not all as is the default, and remove it at the end."""


class SlowConnect(ConnectProcess):
    """The embedded Connect server with generated items and a delay in front of every reply."""

    def __init__(self, setup: Setup, directory: Path) -> None:
        per_vault = -(-setup.items // VAULTS)
        seed = directory / "seed.yaml"
        seed.write_text(f"generate: {{vaults: {VAULTS}, items_per_vault: {per_vault}}}\n")
        flags = ["--seed", str(seed), "--latency-ms", str(setup.latency_ms)]
        command = leash.command([sys.executable, "-m", "onepassword_operator", "dev-connect", *flags])
        with (directory / "connect.log").open("w") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout
        ready = json.loads(self._process.stdout.readline())
        self.url, self.token, self._admin_url = ready["url"], ready["token"], ready["admin"]

    def polls(self) -> int:
        """How often the vault list was asked for since the last reset."""
        return self.counts().get(POLL_ROUTE, 0)


class Scene:
    """Everything a run touches; a context manager that cleans up."""

    def __init__(self, plane: ControlPlane, setup: Setup, directory: Path) -> None:
        self.setup = setup
        self._plane, self._directory = plane, directory
        self._closing = contextlib.ExitStack()
        self.names = [f"item-{number:05}" for number in range(setup.items)]
        self.namespace = f"bench-{uuid.uuid4().hex[:8]}"
        self.audit = AuditLog(plane.audit_log)
        self.observer = self._closing.enter_context(Observer.connect(plane.admin_kubeconfig))

    def __enter__(self) -> Self:
        try:
            kubectl(self._plane, "apply", "-f", str(REPOSITORY / "deploy"))
            self.observer.core.create_namespace({"metadata": {"name": self.namespace}})
            if self.setup.shared_plane:
                self._closing.callback(self.observer.core.delete_namespace, self.namespace)
            self.connect = SlowConnect(self.setup, self._directory)
            self._closing.callback(self.connect.stop)
            self._create_items()
            self.secrets = self._closing.enter_context(secret_sightings(self.observer, self.namespace))
            self.items = self._closing.enter_context(item_sightings(self.observer, self.namespace))
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._closing.close()

    def place(self, number: int) -> tuple[str, str]:
        """Vault and title of the item behind a resource."""
        return f"vault-{number % VAULTS}", f"item-{number // VAULTS:05}"

    def start_operator(self) -> OperatorProcess:
        """Start an operator as the service account of `deploy/`, with the defaults of a user except for the polling interval."""
        environment = {"POLLING_INTERVAL": str(self.setup.interval_seconds)}
        if self.setup.shared_plane:
            environment["WATCH_NAMESPACE"] = self.namespace
        operator = OperatorProcess(
            kubeconfig=self._plane.kubeconfig_for(SERVICE_ACCOUNT),
            connect=self.connect,
            log=self._directory / "operator.log",
            environment=environment,
            flags=["--zap-log-level=info"],
        )
        self._closing.callback(operator.stop)
        return operator

    def wait_polls(self, total: int, *, what: str) -> None:
        """Return when so many polls have arrived since Connect's counters were reset, and what the last one led to had half a second."""
        deadline = time.monotonic() + (total + 2) * self.setup.interval_seconds + 30
        with progress(total, what) as show:
            while (seen := self.connect.polls()) < total:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{seen} of {total} polls came in time; see {self._directory / 'operator.log'}")
                show(seen)
                time.sleep(0.1)
            show(total)
        time.sleep(0.5)

    def _create_items(self) -> None:
        with progress(self.setup.items, "creating resources") as show, ThreadPoolExecutor(CREATORS) as pool:
            for done, _ in enumerate(pool.map(self._create_item, range(self.setup.items)), 1):
                show(done)

    def _create_item(self, number: int) -> None:
        vault, title = self.place(number)
        body = {
            "apiVersion": "/".join(GROUP),
            "kind": "OnePasswordItem",
            "metadata": {"name": self.names[number]},
            "spec": {"itemPath": f"vaults/{vault}/items/{title}"},
        }
        self.observer.custom.create_namespaced_custom_object(*GROUP, self.namespace, PLURAL, body)


@contextlib.contextmanager
def progress(total: int, what: str) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; what it gives is told how far things are."""
    with tqdm(total=total, desc=what, unit="", leave=False) as bar:

        def show(done: int) -> None:
            bar.update(done - bar.n)

        yield show
