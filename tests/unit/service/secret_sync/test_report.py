"""Who is told what: conditions for resources, Events for everybody, counts for the operator's own people."""

import logging
from typing import Any

import pytest

from fakes.event_log import CountedEvent
from fakes.world import World
from onepassword_operator.model.errors import (
    BackendDeniedError,
    ClusterAbsentError,
    ClusterUnavailableError,
    ItemNotFoundError,
    OperatorError,
    TargetClaimedError,
)
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.outcome import Change, Failed, Outcome, Pause, Paused, Synced
from onepassword_operator.model.target import Claim
from onepassword_operator.service.secret_sync.report import Reporter

REVISIONS = Revisions((Revision("v", "i", 3),))


@pytest.fixture
def reporter(world: World) -> Reporter:
    return Reporter(
        resources=world.claims,
        events=world.events,
        meter=world.meter,
        index=world.process.index,
        now=lambda: "now",
        limits=world.process.limits,
    )


@pytest.fixture
def resource(world: World) -> Claim:
    world.claim("db")
    world.watch()
    return world.claims.objects[world.key()]


@pytest.fixture
def deployment(world: World) -> Claim:
    world.asks("web")
    world.watch()
    (claim,) = world.workloads.objects["app", "web"].claims
    return claim


def synced(change: Change = Change.NONE, **members: Any) -> Synced:
    return Synced(revisions=REVISIONS, change=change, reason="there was no Secret", **members)


def known(world: World) -> Claim:
    """The resource as the operator knows it after the answer."""
    claim = world.process.index.claims.resource(world.ref())
    assert claim
    return claim


class TestResource:
    async def test_what_a_pass_came_to_is_its_condition(self, world: World, reporter: Reporter, resource: Claim) -> None:
        await reporter.report(resource, synced(Change.CREATED), stale=False)
        condition = world.claims.ready(world.key())
        assert (condition.status, condition.reason, condition.last_transition_time) == ("True", "Synced", "now")
        assert known(world).ready == condition
        assert world.events.reported == [
            CountedEvent("db", "Normal", "Created", 'Secret "db" holds version 3, because there was no Secret')
        ]

    async def test_what_it_said_before_trouble_is_remembered(self, world: World, reporter: Reporter, resource: Claim) -> None:
        await reporter.report(resource, synced(), stale=False)
        await reporter.report(known(world), synced(warning="two have that title"), stale=False)
        assert world.process.index.claims.last_good(world.key()) is None
        good = known(world).ready
        for error in (BackendDeniedError("refused"), ItemNotFoundError("no such item")):
            await reporter.report(known(world), Failed(error), stale=True)
        assert world.process.index.claims.last_good(world.key()) == good

    @pytest.mark.parametrize(("outcome", "told"), [(synced(Change.UPDATED), ["Updated"]), (Failed(ItemNotFoundError("no")), [])])
    async def test_where_the_status_cannot_be_written_a_change_is_told_all_the_same_and_a_failure_by_the_next_try(
        self, world: World, reporter: Reporter, resource: Claim, outcome: Outcome, told: list[str]
    ) -> None:
        world.claims.faults.refuse("status", ClusterUnavailableError("no answer"))
        with pytest.raises(ClusterUnavailableError):
            await reporter.report(resource, outcome, stale=False)
        assert world.events.reasons("db") == told
        world.claims.faults.refuse("status", ClusterAbsentError("gone"))
        await reporter.report(resource, Failed(ItemNotFoundError("no")), stale=False)
        assert world.events.reasons("db") == told, "a failure is no news to who is gone"


class TestDeployment:
    async def test_it_has_no_status(self, world: World, reporter: Reporter, deployment: Claim) -> None:
        for outcome in (synced(Change.CREATED), Failed(BackendDeniedError("refused")), Paused(pause=Pause.FROZEN, message="frozen")):
            await reporter.report(deployment, outcome, stale=False)
        assert (world.claims.requests, world.events.reasons("web")) == ([], ["Created", "ReconcileError"])

    @pytest.mark.parametrize("error", [ItemNotFoundError("no"), TargetClaimedError("taken"), BackendDeniedError("refused")])
    async def test_a_failure_is_a_warning(self, world: World, reporter: Reporter, deployment: Claim, error: OperatorError) -> None:
        world.process.index.states.set_held_if_unknown(world.key(), REVISIONS)
        await reporter.report(deployment, Failed(error), stale=False)
        assert world.events.reasons("web") == ["ReconcileError"]


class TestChange:
    @pytest.mark.parametrize(
        ("change", "reported"),
        [
            (Change.NONE, []),
            (Change.RETOUCHED, []),
            (Change.CREATED, ["Created"]),
            (Change.UPDATED, ["Updated"]),
            (Change.REPAIRED, ["DriftCorrected"]),
            (Change.ADOPTED, ["Adopted"]),
        ],
    )
    async def test_what_people_care_for_is_an_event(
        self, world: World, reporter: Reporter, deployment: Claim, change: Change, reported: list[str]
    ) -> None:
        await reporter.report(deployment, synced(change), stale=False)
        assert world.events.reasons("web") == reported
        assert world.meter.repairs == (change is Change.REPAIRED)

    @pytest.mark.parametrize(
        ("change", "reported"), [(Change.NONE, ["Refreshed"]), (Change.RETOUCHED, ["Refreshed"]), (Change.UPDATED, ["Updated"])]
    )
    async def test_who_asked_gets_an_answer_in_any_case(
        self, world: World, reporter: Reporter, resource: Claim, change: Change, reported: list[str]
    ) -> None:
        await reporter.report(resource, synced(change, asked=True), stale=False)
        assert world.events.reasons("db") == reported
        said = "1Password was asked: version 3 is the newest"
        assert [event.message == said for event in world.events.reported] == [reported == ["Refreshed"]]

    async def test_a_frozen_secret_that_was_missing_is_told_as_created(self, world: World, reporter: Reporter, resource: Claim) -> None:
        await reporter.report(resource, Paused(pause=Pause.FROZEN, message="frozen", change=Change.CREATED), stale=False)
        assert world.events.reported == [CountedEvent("db", "Normal", "Created", 'Secret "db" holds the item as it was when it was frozen')]
        assert world.claims.ready(world.key()).reason == "Frozen"

    async def test_a_write_is_logged_with_who_asked_and_what_for(
        self, reporter: Reporter, deployment: Claim, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        await reporter.report(deployment, synced(Change.UPDATED), stale=False)
        (record,) = [record for record in caplog.records if record.getMessage() == "Secret written"]
        said = {name: vars(record)[name] for name in ("secret", "change", "object", "revision", "because")}
        assert list(said.values()) == ["app/db", "Updated", "Deployment app/web", "v/i@3", "there was no Secret"]


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (synced(), "Synced"),
        (Failed(ItemNotFoundError("no such item")), "ItemNotFound"),
        (Paused(pause=Pause.FROZEN, message="frozen"), "Frozen"),
        (Paused(pause=Pause.SUSPENDED, message="suspended"), "Suspended"),
    ],
)
async def test_every_pass_is_counted_by_what_it_came_to(
    world: World, reporter: Reporter, resource: Claim, outcome: Outcome, word: str
) -> None:
    await reporter.report(resource, outcome, stale=False)
    assert world.meter.passes == {word: 1}
