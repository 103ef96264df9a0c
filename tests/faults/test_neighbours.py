"""One's trouble is nobody else's: a sick item, a vault that hangs, a slow webhook, a deleter, and a Connect pod that lags behind."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes
import pytest

from faults.reliability_page import Findings
from harness.fixtures import MakeWorld
from harness.proxy.ledger import WRITES
from harness.proxy.rules import Delay, Rule
from harness.waiting import eventually
from harness.world import GROUP, PLURAL, World

pytestmark = pytest.mark.cluster

USERS = 200
INTERVAL_SECONDS = 1
PROMPT_SECONDS = 5.0 + INTERVAL_SECONDS
HOOK_SECONDS = 20.0
VAULT = {"name": "well", "items": [{"title": "db", "fields": {"password": "canary-well"}}]}
SICK = {
    "name": "sick",
    "items": [
        {"title": "tls", "fields": {"password": "canary-tls"}, "files": [{"name": "ca.pem", "content": "canary of a file"}]},
        {"title": "first", "fields": {"password": "canary-first"}},
    ],
}
SEED: dict[str, Any] = {"vaults": [VAULT, SICK]}


def ask(world: World, count: int, path: str, *, namespace: str | None = None, prefix: str = "sick") -> None:
    for number in range(count):
        metadata = {"name": f"{prefix}-{number}"}
        body = {"apiVersion": "/".join(GROUP), "kind": "OnePasswordItem", "metadata": metadata, "spec": {"itemPath": path}}
        world.observer.custom.create_namespaced_custom_object(*GROUP, namespace or world.namespace, PLURAL, body)


def prompt(world: World) -> str:
    """New resources on a healthy vault have their Secrets at once, one after the other; returns how soon."""
    longest = 0.0
    for number in range(4):
        began = time.monotonic()
        world.item(f"well-{number}", "vaults/well/items/db")
        world.wait_data(f"well-{number}", {"password": b"canary-well"}, timeout=PROMPT_SECONDS)
        longest = max(longest, time.monotonic() - began)
    return f"the slowest of four after {longest:.1f} s"


def started(make_world: MakeWorld, *namespaces: str) -> World:
    world = make_world(SEED)
    return world.begin("first", vault="sick", WATCH_NAMESPACE=",".join([world.namespace, *namespaces]))


def test_beside_an_item_that_can_not_be_delivered_and_that_two_hundred_ask_for(make_world: MakeWorld, findings: Findings) -> None:
    """Its file is a 500 for four seconds of tries, and every one of its users waits for it."""
    world = started(make_world)
    world.connect.faults({"action": "unsynced-file"})
    ask(world, USERS, "vaults/sick/items/tls")
    world.wait_reason("sick-0", "OnePasswordUnavailable")
    findings.beside("an item whose file Connect does not deliver, and 200 resources that ask for it", prompt(world))


def test_beside_a_vault_whose_list_hangs_and_two_hundred_that_wait_for_it(make_world: MakeWorld, findings: Findings) -> None:
    world = started(make_world)
    vault, _ = world.connect.ids("sick", "first")
    world.connect.faults({"action": "hang", "path": f"/v1/vaults/{vault}/items"})
    ask(world, USERS, "vaults/sick/items/nothing by this name")
    findings.beside("a vault whose list hangs, and 200 resources that wait for it", prompt(world))


def test_beside_a_namespace_whose_admission_webhook_takes_twenty_seconds(
    make_world: MakeWorld, make_namespace: Callable[[], str], findings: Findings
) -> None:
    """The operator finds all well there until the first of two hundred new Secrets."""
    slow = make_namespace()
    world = started(make_world, slow)
    ask(world, 1, "vaults/sick/items/first", namespace=slow, prefix="before")
    eventually(world.proxy.writes, lambda seen: any(r.namespace == slow and r.resource == "secrets" for r in seen))
    world.proxy.add(Rule(Delay(HOOK_SECONDS), verb=list(WRITES), resource="secrets", namespace=slow))
    ask(world, USERS, "vaults/sick/items/first", namespace=slow)
    findings.beside("a namespace whose admission webhook takes 20 s, and 200 resources in it", prompt(world))


@pytest.fixture
def in_background() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Does something again and again until the test ends."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def begin(action: Callable[[], None]) -> None:
        def go_on() -> None:
            while not ended.is_set():
                action()

        threads.append(threading.Thread(target=go_on))
        threads[-1].start()

    yield begin
    ended.set()
    for thread in threads:
        thread.join()


def test_a_tool_that_deletes_the_secret_meets_a_pause_that_grows(
    make_world: MakeWorld, in_background: Callable[[Callable[[], None]], None], findings: Findings
) -> None:
    world = started(make_world)
    core = kubernetes.client.CoreV1Api(world.observer.core.api_client)
    deleted: list[float] = []

    def delete() -> None:
        try:
            core.delete_namespaced_secret("first", world.namespace)
            deleted.append(time.monotonic())
        except kubernetes.client.ApiException:
            time.sleep(0.02)  # not there yet

    began = time.monotonic()
    in_background(delete)
    eventually(lambda: len(deleted), lambda count: count >= 11, timeout=60)
    # Some repairs at once, and then pauses of 2, 4 and 8 seconds.
    took = time.monotonic() - began
    assert took > 13
    pauses = [later - earlier for earlier, later in itertools.pairwise(deleted)]
    assert pauses[-1] > 7
    made = [write for write in world.writes() if write.startswith("create secrets")]
    assert len(made) <= len(deleted) + 1
    assert sum(world.counts("first").values()) <= len(deleted) + 2
    prompt(world)
    findings.beside("a tool that deletes the Secret whenever it is there", f"the eleventh time after {took:.1f} s")


@pytest.mark.parametrize("balance", ["connection", "request"])
def test_a_second_connect_pod_that_lags_behind_takes_nothing_back(make_world: MakeWorld, balance: str, findings: Findings) -> None:
    """One edit, and for thirty polls each request, or each kept connection, meets either pod."""
    world = make_world(SEED, "--replicas", "2", "--balance", balance, "--balance-seed", "1").begin("db", vault="well")
    world.deployment("web", "db")
    world.connect.stick(1)
    world.proxy.clear()
    before = len(world.writes())
    world.connect.edit("well", "db", fields={"password": "canary-new"})
    for number in range(30):
        world.connect.wait_polls(1)
        if balance == "connection" and number % 2:
            world.connect.faults({"action": "reset", "times": 1})  # the kept connection ends, and the next one may meet the other pod
    world.wait_data("db", {"password": b"canary-new"})
    world.rollouts("web", 2)
    assert min(world.connect.answered()) > 0
    world.connect.replica(1)
    world.connect.wait_polls(3)
    written = world.writes()[before:]
    assert [write for write in written if write.startswith("update secrets")] == ["update secrets db"]
    assert world.data("db") == {"password": b"canary-new"}
    assert world.replica_sets("web") == 2
    assert world.condition("db")["status"] == "True"
    assert world.restarted_for("web")["restarted-for"].endswith('@2"}')
    findings.beside(
        f"a second Connect pod that lags behind, met by {balance}",
        f"{world.connect.answered()} requests to the two, one write, one rollout",
    )
