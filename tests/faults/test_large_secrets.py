"""A tenant who may create Secrets fills them to the brim and gives them our label: the operator does not grow with them."""

import base64
import os
from collections.abc import Iterator

import pytest

from faults.reliability_page import Findings
from harness.fixtures import MakeWorld
from harness.operator_process import OperatorProcess
from harness.waiting import eventually
from harness.world import PREFIX, World, seed

pytestmark = pytest.mark.cluster

MEBIBYTE = 1024 * 1024
COUNT = int(os.environ.get("LARGE_SECRETS", "100"))
"""Each of 900 KiB of data, which are 1.2 MiB of JSON. A page may hold 100, so for who reads whole pages more are no worse."""
SIZE = 900 * 1024
MOST_BYTES = 48 * MEBIBYTE
RESYNC_SECONDS = 10
"""The least that the settings allow."""
SEED = seed(db="canary-password-1")


@pytest.fixture
def world(make_world: MakeWorld) -> Iterator[World]:
    made = make_world(SEED)
    made.environment["ONEPASSWORD_OPERATOR_RESYNC_SECONDS"] = str(RESYNC_SECONDS)
    yield made
    made.observer.core.delete_collection_namespaced_secret(made.namespace, label_selector="tenant=hostile")


def fill(world: World) -> None:
    """What the tenant does. Every other one compresses to next to nothing, so that many of them arrive in one piece."""
    for number in range(COUNT):
        data = {"keystore": base64.b64encode(os.urandom(SIZE) if number % 2 else bytes(SIZE)).decode()}
        metadata = {"name": f"large-{number}", "labels": {PREFIX + "managed": "true", "tenant": "hostile"}}
        world.observer.core.create_namespaced_secret(world.namespace, {"metadata": metadata, "data": data})


def wait_for_a_whole_resync(operator: OperatorProcess) -> None:
    """Return when one that had not begun yet has ended: each begins with a LIST of resources, so those before it have come to their end."""
    lists = 'requests_total{code="200",route="list onepassworditems",side="kubernetes"}'
    before = operator.metric(lists)
    eventually(lambda: operator.metric(lists), lambda count: count >= before + 2, timeout=120)


def serve(world: World, value: str) -> None:
    """A resource is served beside them: a rotation, and an edit by hand that a watch has to tell of."""
    world.connect.edit("v", "db", fields={"password": value})
    world.wait_data("db", {"password": value.encode()}, timeout=60)
    world.patch_secret("db", {"data": {"password": "ZWRpdGVk"}})
    world.wait_data("db", {"password": value.encode()}, timeout=60)


@pytest.mark.timeout(600)
def test_large_secrets_of_a_tenant_with_our_label_cost_the_operator_no_memory(world: World, findings: Findings) -> None:
    (first,) = world.begin("db").operators
    serve(world, "canary-password-2")
    usual = first.peak_memory()
    fill(world)
    serve(world, "canary-password-3")
    wait_for_a_whole_resync(first)
    while_running = first.peak_memory() - usual
    assert first.stop() == 0
    second = world.operator(ready=False)
    second.wait_ready(timeout=120)
    serve(world, "canary-password-4")
    at_a_start = second.peak_memory() - usual
    seen = f"{while_running / MEBIBYTE:.1f} MiB more running, {at_a_start / MEBIBYTE:.1f} MiB at a start"
    print(f"{COUNT} Secrets, usual {usual // 1024} KiB: {seen}")
    assert (while_running < MOST_BYTES, at_a_start < MOST_BYTES) == (True, True)
    findings.beside("100 Secrets of 900 KiB with the operator's label", seen)
