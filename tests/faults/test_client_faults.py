"""The operator under everything that can go wrong between it and 1Password: what `client_faults.py` promises, row by row.

Many rows share a world. With RELIABILITY_PAGE=FILE in the environment and all rows in one process, what was measured is written there.
"""

import contextlib
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from faults.client_faults import FAULTS, Fault, Rule
from faults.reliability_page import Findings, Measured
from faults.stage import INTERVAL_SECONDS, NEW, SEED, SETTINGS, STALENESS_SECONDS, Stage, open_stage
from harness.fixtures import MakeWorld
from harness.waiting import eventually
from harness.world import World
from onepassword_operator.devconnect.faults.rules import Action

pytestmark = pytest.mark.cluster

RECOVERY_SECONDS = INTERVAL_SECONDS + 5
TOLD_SECONDS = 12.0


class Stages:
    """The stage before Connect itself and the one behind TLS, each made when it is first needed and kept until a row fails on it."""

    def __init__(self, make: Callable[[bool], Stage]) -> None:
        self._make = make
        self._made: dict[bool, Stage] = {}

    @contextlib.contextmanager
    def on(self, *, behind_tls: bool) -> Iterator[Stage]:
        """A stage on which nothing is wrong."""
        stage = self._made.pop(behind_tls, None) or self._make(behind_tls)
        yield stage
        self._made[behind_tls] = stage  # not after a failure, which may have left its fault behind


@pytest.fixture(scope="module")
def stages(installed: ControlPlane, observer: Observer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stages]:
    with contextlib.ExitStack() as stack:

        def make(behind_tls: bool) -> Stage:  # noqa: FBT001  the only thing that is asked
            directory = tmp_path_factory.mktemp("stage")
            return stack.enter_context(one_stage(installed, observer, directory=directory, behind_tls=behind_tls))

        yield Stages(make)


@contextlib.contextmanager
def one_stage(plane: ControlPlane, observer: Observer, *, directory: Path, behind_tls: bool) -> Iterator[Stage]:
    """A stage in a namespace of its own; what its operator said is searched for every token."""
    namespace = f"client-faults-{uuid.uuid4().hex[:8]}"
    observer.core.create_namespace({"metadata": {"name": namespace}})
    world = World(plane=plane, observer=observer, namespace=namespace, directory=directory, seed=SEED)
    with open_stage(world, directory, behind_tls=behind_tls) as opened:
        yield opened
        spoken = world.log.read_text() + world.operators[0].metrics()
        assert not [number for number, token in enumerate(opened.tokens) if token in spoken]
    world.close()
    observer.core.delete_namespace(namespace)


@pytest.mark.official("Connect outage", "Connect timeouts", "rate limiting")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_secrets_stay_resources_say_why_calls_are_few_and_all_heals(stages: Stages, fault: Fault, findings: Findings) -> None:
    """While the fault is there a Secret is asked for that there was none of, and an item changes that one is made from."""
    names = [f"{re.sub('[^a-z0-9]+', '-', fault.name.lower())[:40]}-{number}" for number in range(NEW)]
    with stages.on(behind_tls=fault.behind_tls) as stage:
        findings.faults.append(play(stage, fault, names))


def play(stage: Stage, fault: Fault, names: list[str]) -> Measured:
    """One row, from a stage on which all is well to one on which all is well again."""
    if fault.memory_cap:
        rehearse(stage, names)
    before, base = stage.written(), stage.forget_peak()
    calls, began = stage.requests(), time.monotonic()
    fault.begin(stage)
    changed = stage.change()
    stage.appear(names)
    wait_reported(stage, fault, names)
    lasted, made, more = time.monotonic() - began, stage.requests() - calls, stage.peak() - base
    meanwhile = stage.written()
    ended = time.monotonic()
    fault.end(stage)
    bound = RECOVERY_SECONDS + fault.retry_after
    eventually(lambda: stage.unsettled(names), lambda found: not found, timeout=bound, what=f"all is well after {bound} s")
    recovery = time.monotonic() - ended
    stage.heal()
    assert meanwhile["quiet"] == stage.written()["quiet"] == before["quiet"]
    assert meanwhile["changing"].data in ({"password": changed}, before["changing"].data)
    assert stage.elsewhere.seen == [], "the operator went to another origin"
    assert made <= fault.allowed(lasted), f"{made:.0f} requests in {lasted:.1f} s"
    assert more <= 2 * fault.memory_cap or not fault.memory_cap, f"{more} bytes more than before"
    clear(stage, names)
    return Measured(fault=fault, lasted=lasted, requests=int(made), recovery=recovery, memory=more)


def rehearse(stage: Stage, names: list[str]) -> None:
    """The same without a fault, so that what the work itself takes is there already when memory is measured."""
    stage.change()
    stage.appear(names)
    eventually(lambda: stage.unsettled(names), lambda found: not found)
    clear(stage, names)


def clear(stage: Stage, names: list[str]) -> None:
    """Nothing is left of the row, also not in the operator's memory, where an item that was read a moment ago serves the next one too."""
    stage.disappear(names)
    stage.renew(names)


def wait_reported(stage: Stage, fault: Fault, names: list[str]) -> None:
    """Everybody says what the row says, and those whom it does not concern are well."""
    concerned = [] if fault.owed == "Synced" else names[:1] if fault.one_item else names
    for name in concerned:
        assert stage.world.wait_reason(name, fault.owed, timeout=TOLD_SECONDS)["status"] == "False"
    well = [name for name in names if name not in concerned]
    eventually(stage.written, lambda secrets: set(well) <= set(secrets), timeout=TOLD_SECONDS)
    assert not set(concerned) & set(stage.written())
    if fault.is_harmless:
        eventually(lambda: stage.unsettled(names), lambda found: not found, timeout=TOLD_SECONDS)
    elif not fault.lasting:
        stage.world.connect.wait_polls(round(STALENESS_SECONDS / INTERVAL_SECONDS) + 2)
    if fault.lasting:
        assert stage.world.wait_reason("quiet", fault.lasting, timeout=STALENESS_SECONDS + TOLD_SECONDS)["status"] == "False"
    else:
        assert stage.world.condition("quiet")["status"] == "True"


@pytest.mark.parametrize("limit", [pytest.param(10.0, id="requests wait"), pytest.param(0.4, id="requests wait in vain at first")])
def test_a_connect_that_is_started_with_the_operator_and_needs_its_time_is_no_trouble(make_world: MakeWorld, limit: float) -> None:
    """The circuit stays closed, and where Connect holds its first callers until it is ready, nobody hears of it."""
    world = make_world(SEED)
    world.environment |= SETTINGS
    world.connect.admin("PUT", "sync", body={"sync_seconds": 3, "timeout_seconds": limit})
    names = [f"new-{number}" for number in range(NEW)]
    for number, name in enumerate(names):
        world.item(name, f"vaults/v/items/new {number}")
    world.operator()
    said: set[str] = set()

    def look() -> bool:
        said.update(world.condition(name).get("reason", "") for name in names)
        assert world.operators[0].metric("connect_circuit_open") == 0
        return all(world.condition(name).get("status") == "True" for name in names)

    eventually(look, lambda well: well)
    assert said <= {"", "Synced"} | ({"OnePasswordUnavailable"} if limit < 3 else set())
    assert world.operators[0].metric('polls_total{result="failed"}') == 0 or limit < 3


def test_every_row_is_about_something_else() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) > 40


def test_no_fault_of_the_embedded_server_is_left_out() -> None:
    switched_on = {fault.begin.members["action"] for fault in FAULTS if isinstance(fault.begin, Rule)}
    assert switched_on | {"redirect"} == {action.value for action in Action}
    assert Stage.redirect in [fault.begin for fault in FAULTS]
