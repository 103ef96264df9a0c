"""Several replicas of the operator, each through a proxy of its own, so that one can tell who did what."""

import contextlib
import dataclasses
import signal
from collections.abc import Iterator
from typing import Any, Final

import kubernetes

from controlplane.launcher import ControlPlane
from harness.kube_proxy import KubeProxy
from harness.operator_process import OperatorProcess
from harness.proxy.ledger import Request
from harness.waiting import eventually
from harness.world import World

LEASE: Final = "c26807fd.onepassword.com"
LEASE_NAMESPACE: Final = "onepassword-operator"
ELECTION: Final = ("--leader-elect", f"--leader-election-namespace={LEASE_NAMESPACE}")
GONE_SECONDS: Final = 60.0


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Replica:
    """One process, and what passed between it and the API server."""

    operator: OperatorProcess
    proxy: KubeProxy

    def leads(self) -> bool:
        """What its gauge says; False of a process that ended or stands still."""
        return self.alive() and "\nonepassword_operator_leader 1.0\n" in self.operator.metrics()

    def alive(self) -> bool:
        return self.operator.alive()

    def writes(self) -> list[Request]:
        """What it has changed so far, Events and the lease aside."""
        return [request for request in self.proxy.writes(events=False) if request.committed and request.resource != "leases"]

    def signal(self, number: signal.Signals) -> None:
        self.operator.process.send_signal(number)


def forget_lease(world: World) -> None:
    """There has been no leader yet."""
    with contextlib.suppress(kubernetes.client.ApiException):
        kubernetes.client.CoordinationV1Api(world.observer.api).delete_namespaced_lease(LEASE, LEASE_NAMESPACE)


class Replicas:
    """The replicas of a world, with an election among them."""

    def __init__(self, world: World, plane: ControlPlane, *, flags: tuple[str, ...] = ELECTION) -> None:
        self._world, self._plane, self._flags = world, plane, flags
        self._leases = kubernetes.client.CoordinationV1Api(world.observer.api)
        self._closing = contextlib.ExitStack()
        self.all: list[Replica] = []
        forget_lease(world)

    def start(self, *, ready: bool = True, **environment: str) -> Replica:
        proxy = self._closing.enter_context(KubeProxy(self._plane))
        replica = Replica(self._world.operator(*self._flags, ready=ready, proxy=proxy, **environment), proxy)
        self.all.append(replica)
        return replica

    def lease(self) -> Any:
        return self._leases.read_namespaced_lease(LEASE, LEASE_NAMESPACE).spec

    def leaders(self) -> list[Replica]:
        """Those that say that they lead; those that stand still are not asked."""
        return [replica for replica in self.all if replica.leads()]

    def leader(self, *, other_than: Replica | None = None, timeout: float = 40.0) -> Replica:
        candidates = [replica for replica in self.all if replica is not other_than]
        found = eventually(
            lambda: [replica for replica in candidates if replica.leads()], lambda some: some, timeout=timeout, what="a leader"
        )
        assert len(found) == 1, "two replicas say that they lead"
        return found[0]

    def expect_failure(self, replica: Replica) -> None:
        """Wait until the process has ended with 1, as it does when it loses the lease."""
        assert replica.operator.process.wait(GONE_SECONDS) == 1
        self._world.operators.remove(replica.operator)

    def close(self) -> None:
        """Stop the processes before their proxies."""
        for replica in self.all:
            if replica.alive():
                replica.operator.stop()
        self._closing.close()


@contextlib.contextmanager
def replicas(world: World, plane: ControlPlane, *, flags: tuple[str, ...] = ELECTION) -> Iterator[Replicas]:
    """Replicas that end with the block."""
    made = Replicas(world, plane, flags=flags)
    try:
        yield made
    finally:
        made.close()
