"""Events as they are said: which object, which type, reason and words; and that nobody waits."""

import inspect
from typing import Any, cast

import pytest

from fakes.clock import FakeClock
from onepassword_operator import ports
from onepassword_operator.cluster import event_log
from onepassword_operator.cluster.event_log import KubernetesEvents
from onepassword_operator.cluster.event_sender import About, EventSender, Outgoing
from onepassword_operator.model import names
from onepassword_operator.model.errors import BackendDeniedError, BackendRateLimitedError, ItemNotFoundError
from onepassword_operator.model.outcome import Change
from onepassword_operator.model.target import Claim, Rendering
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules.event_correlation import CountedEvent, Note
from onepassword_operator.wire import onepassword_item
from onepassword_operator.wire.workload import from_dict

ITEM = About("onepassword.com/v1", "OnePasswordItem", "app", "db", "u")
DEPLOYMENT = About("apps/v1", "Deployment", "app", "web", "w")


def claim(uid: str = "u") -> Claim:
    return onepassword_item.from_dict({"metadata": {"namespace": "app", "name": "db", "uid": uid, "resourceVersion": "7"}}, Rendering())


def workload(**annotations: str) -> Workload:
    metadata = {"namespace": "app", "name": "web", "uid": "w", "resourceVersion": "1", "annotations": annotations}
    return from_dict({"metadata": metadata})


class Queue:
    """Takes what is to be sent."""

    def __init__(self) -> None:
        self.events: list[Outgoing] = []

    def put(self, event: Outgoing) -> None:
        self.events.append(event)

    def notes(self) -> list[Note]:
        return [event.reported.note for event in self.events]


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def events(queue: Queue, clock: FakeClock) -> KubernetesEvents:
    return KubernetesEvents(cast(EventSender, queue), new_name=lambda about: f"{about.name}.unique", clock=clock, now=lambda: "now")


def test_nobody_can_wait_for_an_event() -> None:
    methods = [member for name, member in inspect.getmembers(KubernetesEvents, inspect.isfunction) if hasattr(ports.EventLog, name)]
    assert not [method.__name__ for method in methods if inspect.iscoroutinefunction(method)]


@pytest.mark.parametrize(
    ("say", "about", "note"),
    [
        (lambda e: e.changed(claim(), Change.UPDATED, message="text"), ITEM, Note("Normal", "Updated", "text")),
        (lambda e: e.refreshed(claim(), "text"), ITEM, Note("Normal", "Refreshed", "text")),
        (lambda e: e.failed(claim(), BackendDeniedError("text")), ITEM, Note("Warning", "Unauthorized", "text")),
        (lambda e: e.restarted(workload(), "text"), DEPLOYMENT, Note("Normal", "Restarted", "text")),
        (lambda e: e.reverted(workload(), "text"), DEPLOYMENT, Note("Warning", "RestartReverted", "text")),
    ],
    ids=["changed", "refreshed", "failed", "restarted", "reverted"],
)
def test_what_happened_becomes_an_event_on_the_object(events: KubernetesEvents, queue: Queue, say: Any, about: About, note: Note) -> None:
    say(events)
    assert queue.events == [Outgoing(about, CountedEvent(f"{about.name}.unique", note, 1, "now", "now"))]


def test_a_deployment_that_asks_is_told_on_the_deployment(events: KubernetesEvents, queue: Queue) -> None:
    asking = workload(**{names.ITEM_NAME: "db", names.ITEM_PATH: "vaults/a/items/b"}).claims[0]
    events.failed(asking, ItemNotFoundError("no such item"))
    events.failed(asking, BackendRateLimitedError("slow down", delay_seconds=1))
    assert {event.about for event in queue.events} == {DEPLOYMENT}
    first, second = queue.notes()
    assert first == Note("Warning", "ReconcileError", "Failed to sync secret from 1Password: no such item (ItemNotFound)")
    assert second.reason == "RateLimited"


def test_a_failure_that_lasts_is_said_once_in_half_an_hour_or_until_something_else(
    events: KubernetesEvents, queue: Queue, clock: FakeClock
) -> None:
    for error in (BackendDeniedError("a"), BackendDeniedError("a"), ItemNotFoundError("b"), BackendDeniedError("a")):
        events.failed(claim(), error)
    events.changed(claim(), Change.UPDATED, message="text")
    events.failed(claim(), BackendDeniedError("a"))
    clock.advance(1800)
    events.failed(claim(), BackendDeniedError("a"))
    reported = [(event.reported.note.reason, event.reported.count) for event in queue.events]
    assert [count for reason, count in reported if reason == "Unauthorized"] == [1, 3, 4, 5]
    assert [each for each in reported if each[0] != "Unauthorized"] == [("ItemNotFound", 1), ("Updated", 1)]


def test_the_objects_of_the_last_events_are_remembered(events: KubernetesEvents, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "REMEMBERED", 2)
    for uid in ("a", "b", "a", "c", "a", "b"):
        events.failed(claim(uid), BackendDeniedError("x"))
    assert [event.about.uid for event in queue.events] == ["a", "b", "c", "b"]
