"""Events in the background: order, bounds, the end, and what a PATCH may meet."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from fakes.calls import given_up, soon, turns, until
from fakes.clock import FakeClock
from fakes.scripted_server import Server, reply
from onepassword_operator.cluster import event_sender
from onepassword_operator.cluster.api import KubernetesApi
from onepassword_operator.cluster.event_sender import SENDERS, About, EventSender, Outgoing
from onepassword_operator.rules.event_correlation import CountedEvent, Note

LIMIT_SECONDS = 10
EVENTS = "/api/v1/namespaces/app/events"
FORBIDDEN = {"reason": "Forbidden", "message": 'events "n" is forbidden: User "x" cannot patch resource "events"'}


def event(name: str, *, namespace: str = "app", count: int = 1) -> Outgoing:
    note = Note("Warning", "ItemNotFound", f"says {name}")
    return Outgoing(About("onepassword.com/v1", "OnePasswordItem", namespace, "db", "u"), CountedEvent(name, note, count, "then", "now"))


@pytest.fixture
def dropped() -> list[int]:
    return []


@pytest.fixture
def sender(api: KubernetesApi, clock: FakeClock, dropped: list[int]) -> EventSender:
    return EventSender(api, clock=clock, new_name=lambda about: f"{about.name}.anew", instance="node", dropped=dropped.append)


@pytest.fixture(autouse=True)
def _accepting(server: Server) -> None:
    server.routes = {EVENTS: reply({}, status=201), f"{EVENTS}/n": reply({})}


@contextlib.asynccontextmanager
async def running(sender: EventSender) -> AsyncIterator[None]:
    task = asyncio.create_task(sender.run())
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            yield
    finally:
        await given_up(task)


async def sent(sender: EventSender, *events: Outgoing) -> None:
    for each in events:
        sender.put(each)
    async with running(sender):
        await until(lambda: not sender.waiting())


async def flushed(sender: EventSender, *names: str) -> None:
    for name in names:
        sender.put(event(name))
    await soon(sender.flush())


def seen(server: Server) -> list[tuple[str, str]]:
    return [(request.method, request.path) for request in server.seen]


def bodies(server: Server) -> list[dict[str, Any]]:
    return [msgspec.json.decode(request.body) for request in server.seen]


def posted(server: Server) -> list[str]:
    return [body["metadata"]["name"] for body in bodies(server)]


async def test_a_new_event_is_posted_whole(server: Server, sender: EventSender) -> None:
    await sent(sender, event("n"))
    assert seen(server) == [("POST", EVENTS)]
    about = {"apiVersion": "onepassword.com/v1", "kind": "OnePasswordItem", "namespace": "app", "name": "db", "uid": "u"}
    said = {"type": "Warning", "reason": "ItemNotFound", "message": "says n"}
    source = {"component": "onepassword-operator"}
    reporter = {"source": source, "reportingComponent": source["component"], "reportingInstance": "node"}
    times = {"firstTimestamp": "then", "lastTimestamp": "now", "count": 1}
    metadata = {"name": "n", "namespace": "app"}
    assert bodies(server) == [
        {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about, **said, **reporter, **times}
    ]


async def test_a_repeated_event_is_a_patch_of_its_count_or_posted_anew_if_it_is_gone(server: Server, sender: EventSender) -> None:
    server.routes[f"{EVENTS}/n"] = reply({}, status=404)
    await sent(sender, event("n", count=3))
    assert seen(server) == [("PATCH", f"{EVENTS}/n"), ("POST", EVENTS)]
    patch, body = bodies(server)
    assert patch == {"count": 3, "lastTimestamp": "now", "message": "says n"}
    assert (body["metadata"]["name"], body["count"], body["firstTimestamp"]) == ("n", 3, "then")


async def test_without_the_right_to_patch_events_are_posted_under_another_name_and_the_log_says_so_once(
    server: Server, sender: EventSender, caplog: pytest.LogCaptureFixture
) -> None:
    server.routes[f"{EVENTS}/n"] = reply(FORBIDDEN, status=403)
    await sent(sender, *[event("n", count=count) for count in (2, 3)])
    new = [body for body in bodies(server) if "metadata" in body]
    assert [(body["metadata"]["name"], body["count"]) for body in new] == [("db.anew", 2), ("db.anew", 3)]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "RBAC" in caplog.records[0].__dict__["detail"]


async def test_events_of_a_namespace_go_one_after_another_in_order(server: Server, sender: EventSender) -> None:
    under_way: list[int] = []
    most = []

    async def slowly(request: Any) -> Any:
        under_way.append(1)
        most.append(len(under_way))
        await turns(20)
        under_way.pop()
        return await reply({}, status=201)(request)

    server.routes[EVENTS] = slowly
    names = [f"n{number}" for number in range(20)]
    await sent(sender, *map(event, names))
    assert (posted(server), max(most)) == (names, 1)


async def test_a_namespace_with_many_events_lets_others_have_their_turn(server: Server, sender: EventSender) -> None:
    for namespace in ("a", "a", "a", "a", "b", "c", "d"):
        server.routes[f"/api/v1/namespaces/{namespace}/events"] = reply({}, status=201)
        sender.put(event("n", namespace=namespace))
    await sent(sender)
    places = [request.path.split("/")[4] for request in server.seen]
    assert max(map(places.index, "abcd")) < 4
    assert places.count("a") == 4


async def test_a_namespace_whose_events_hang_holds_up_no_other(server: Server, sender: EventSender) -> None:
    server.routes[EVENTS] = server.hang()
    server.routes["/api/v1/namespaces/b/events"] = reply({}, status=201)
    for namespace in ["app"] * SENDERS * 2 + ["b"]:
        sender.put(event("n", namespace=namespace))
    async with running(sender):
        await server.until_seen(2)
    assert sorted(server.paths()) == [EVENTS, "/api/v1/namespaces/b/events"]


async def test_few_events_are_sent_at_once(server: Server, sender: EventSender) -> None:
    for number in range(3 * SENDERS):
        server.routes[f"/api/v1/namespaces/{number}/events"] = server.hang()
        sender.put(event("n", namespace=str(number)))
    async with running(sender):
        await server.until_seen(SENDERS)
        await turns(100)
    assert len(server.seen) == SENDERS


@pytest.fixture
def room_for_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_sender, "MOST_WAITING", 2)


@pytest.mark.usefixtures("room_for_two")
async def test_what_finds_the_queue_full_is_dropped_and_the_log_says_so_once_a_minute(
    server: Server, sender: EventSender, clock: FakeClock, dropped: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for number, seconds in enumerate((0, 0, 0, 0, 59, 1)):
        clock.advance(seconds)
        sender.put(event(f"n{number}"))
    assert dropped == [1] * 4
    assert [record.__dict__["count"] for record in caplog.records] == [1, 3]
    await sent(sender)
    assert posted(server) == ["n0", "n1"]


async def test_events_that_cannot_be_posted_are_nobodys_trouble_and_told_once_a_minute(
    server: Server, sender: EventSender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server.routes[EVENTS] = reply({}, status=500)
    await sent(sender, *[event("n")] * 3)
    assert len(server.seen) == 3
    told = [(record.levelname, record.__dict__["object"], record.__dict__["reason"]) for record in caplog.records]
    assert told == [("INFO", "OnePasswordItem app/db", "ClusterUnavailable")]


class TestTheEnd:
    async def test_waiting_events_are_sent_and_it_ends_when_they_are(
        self, server: Server, sender: EventSender, dropped: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(event_sender, "FLUSH_SECONDS", 100 * LIMIT_SECONDS)
        await sent(sender, event("before"))
        await flushed(sender, "a", "b")
        assert (posted(server), dropped) == (["before", "a", "b"], [])

    async def test_one_that_was_under_way_is_sent_again_and_stays_the_first(self, server: Server, sender: EventSender) -> None:
        server.routes[EVENTS] = server.hang()
        for name in ("a", "b"):
            sender.put(event(name))
        async with running(sender):
            await server.until_seen(1)
        server.routes[EVENTS] = reply({}, status=201)
        await flushed(sender)
        assert posted(server) == ["a", "a", "b"]

    async def test_what_hangs_for_too_long_is_dropped(
        self, server: Server, sender: EventSender, dropped: list[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(event_sender, "FLUSH_SECONDS", 0.01)
        server.routes[EVENTS] = server.hang()
        await flushed(sender, "a", "b")
        assert dropped == [2]

    async def test_who_leads_no_more_posts_nothing(
        self, server: Server, api: KubernetesApi, sender: EventSender, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        api._seconds_left = lambda: 0.0
        await flushed(sender, *"abcdefghij")
        assert (server.seen, sender.waiting()) == ([], 0)
        assert [record.levelname for record in caplog.records] == ["INFO"]
