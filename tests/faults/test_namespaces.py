"""One namespace is one namespace: without rights, absent or slow, it concerns itself alone; and the CRD that goes and comes back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import kubernetes
import pytest

from cluster.rights import Grants, deployed_role_by_namespace
from controlplane.access import SPARES
from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from harness.fixtures import MakeWorld, worlds
from harness.paths import REPOSITORY
from harness.proxy.rules import CutWatches, Delay, Rule
from harness.waiting import eventually
from harness.world import GROUP, PLURAL, World, seed

pytestmark = pytest.mark.cluster

USER = SPARES[1]
SEED = seed(db="canary-password-1")
GOOD = {"password": b"canary-password-1"}
MINUTE_SECONDS = 60.0
CRD_SECONDS = 15.0
AWAY_SECONDS = 5.0
"""So long that everything which is started again meanwhile finds no CRD."""
CRD = REPOSITORY / "crds" / "onepassworditems.yaml"


@pytest.fixture
def grants(observer: Observer) -> Iterator[Grants]:
    with deployed_role_by_namespace(observer, user=USER) as made:
        yield made


def ask(world: World, namespace: str, name: str = "db") -> None:
    body = {"apiVersion": "/".join(GROUP), "kind": "OnePasswordItem", "metadata": {"name": name}, "spec": {"itemPath": "vaults/v/items/db"}}
    world.observer.custom.create_namespaced_custom_object(*GROUP, namespace, PLURAL, body)


def served(world: World, namespace: str, name: str = "db", *, within: float = 20.0) -> None:
    """Return when the Secret is there."""

    def there() -> bool:
        with contextlib.suppress(kubernetes.client.ApiException):
            return bool(world.observer.core.read_namespaced_secret(name, namespace))
        return False

    eventually(there, timeout=within, what=f"Secret {name} in {namespace}")


def told(world: World, message: str, namespace: str) -> int:
    """How many lines of the log say this of the namespace."""
    return sum(message in line and f'"{namespace}"' in line for line in world.log.read_text().splitlines())


def reads(world: World, namespace: str, since: int = 0) -> list[str]:
    """The LISTs and watches of a namespace."""
    return [f"{r.verb} {r.resource}" for r in world.proxy.requests[since:] if r.namespace == namespace and r.verb in ("list", "watch")]


@pytest.mark.timeout(240)
def test_at_the_start_namespaces_that_are_forbidden_absent_or_slow_hold_up_no_other(
    make_world: MakeWorld, make_namespace: Callable[[], str], grants: Grants
) -> None:
    world = make_world(SEED)
    well, forbidden, slow, absent = world.namespace, make_namespace(), make_namespace(), f"{world.namespace[:50]}-absent"
    world.user = USER
    for namespace in (well, slow):
        grants.give(namespace)
    for namespace in (well, forbidden, slow):
        ask(world, namespace)
    hang = world.proxy.add(Rule(Delay(MINUTE_SECONDS), verb="list", namespace=slow))
    operator = world.operator(WATCH_NAMESPACE=f"{absent},{forbidden},{slow},{well}")
    served(world, well)
    eventually(lambda: told(world, "namespace is not served", absent) and told(world, "namespace is not served", forbidden))
    assert operator.metric('namespaces_not_served{reason="ClusterAccessDenied"}') == 2
    eventually(lambda: told(world, "namespace not listed yet", slow), timeout=30)
    before = len(world.proxy.requests)
    world.proxy.remove(hang)
    grants.give(forbidden)
    served(world, forbidden, within=MINUTE_SECONDS)
    world.observer.core.create_namespace({"metadata": {"name": absent}})
    grants.give(absent)
    ask(world, absent)
    served(world, absent, within=MINUTE_SECONDS)
    served(world, slow, within=MINUTE_SECONDS + 10)
    eventually(lambda: operator.metric('namespaces_not_served{reason="ClusterAccessDenied"}'), lambda count: count == 0)
    for namespace in (absent, forbidden):
        assert told(world, "namespace is not served", namespace) == 1
        assert told(world, "namespace is served again", namespace) == 1
    assert len(reads(world, well, before)) <= 6  # at most one resync
    world.observer.core.delete_namespace(absent)


@pytest.mark.timeout(240)
def test_rights_that_are_taken_away_end_the_watches_of_their_namespace_alone(
    make_world: MakeWorld, make_namespace: Callable[[], str], grants: Grants
) -> None:
    world = make_world(SEED)
    well, other = world.namespace, make_namespace()
    world.user = USER
    for namespace in (well, other):
        grants.give(namespace)
        ask(world, namespace)
    operator = world.operator(WATCH_NAMESPACE=f"{other},{well}")
    for namespace in (well, other):
        served(world, namespace)
    time.sleep(12)  # the resync after the start of the watches
    kept = world.observer.core.read_namespaced_secret("db", other).metadata.resource_version
    grants.take(other)
    before = len(world.proxy.requests)
    world.proxy.remove(world.proxy.add(Rule(CutWatches(), namespace=other)))
    eventually(lambda: told(world, "namespace is not served", other), timeout=30)
    ask(world, well, "second")
    served(world, well, "second", within=6)
    assert reads(world, well, before) == []
    assert world.observer.core.read_namespaced_secret("db", other).metadata.resource_version == kept
    grants.give(other)
    ask(world, other, "second")
    served(world, other, "second", within=MINUTE_SECONDS)
    eventually(lambda: told(world, "namespace is served again", other), timeout=MINUTE_SECONDS + 30)
    assert told(world, "namespace is not served", other) == 1
    assert "watches ended" not in world.log.read_text()
    assert reads(world, well, before) == []
    assert operator.probe("/readyz") == (200, "ok")


@pytest.mark.timeout(240)
def test_the_crd_that_goes_and_comes_back_is_watched_again(tmp_path: Path) -> None:
    with (
        ControlPlane.start(crds=[CRD]) as bare,
        Observer.connect(bare.admin_kubeconfig) as connected,
        worlds(bare, connected, "app", tmp_path, kind=World) as make,
    ):
        bare.kubectl("apply", "-f", str(REPOSITORY / "deploy" / "rbac.yaml"))
        connected.core.create_namespace({"metadata": {"name": "app"}})
        world = make(SEED)
        operator = world.operator(WATCH_NAMESPACE="")
        world.item("first", "vaults/v/items/db")
        world.wait_ready("first")
        world.orphan("first")
        world.item("owned", "vaults/v/items/db")
        world.wait_ready("owned")
        bare.kubectl("delete", "-f", str(CRD))
        eventually(lambda: operator.probe("/readyz")[0], lambda code: code == 503, timeout=CRD_SECONDS)
        time.sleep(AWAY_SECONDS)
        bare.kubectl("apply", "-f", str(CRD))
        eventually(lambda: operator.probe("/readyz")[0], lambda code: code == 200, timeout=CRD_SECONDS)
        for name in ("second", "third"):
            if name == "third":
                bare.kubectl("replace", "--force", "-f", str(CRD))
            eventually(lambda: bare.kubectl("wait", "--for=condition=Established", "-f", str(CRD)) or True)
            world.item(name, "vaults/v/items/db")
            world.wait_data(name, GOOD, timeout=CRD_SECONDS)
            world.patch_item(name, {"metadata": {"labels": {"seen": "by-the-watch"}}})
            eventually(lambda name=name: (world.secret(name).metadata.labels or {}).get("seen"), timeout=CRD_SECONDS)  # type: ignore[misc]
        assert operator.alive()
        assert world.data("first") == GOOD
