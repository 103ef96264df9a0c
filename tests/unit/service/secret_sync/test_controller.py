"""What a pass leads to: status, Events, counts, and when to look again."""

import dataclasses
import logging
from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    BackendDeniedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ClusterAbsentError,
    ClusterConflictError,
    ClusterUnavailableError,
    OperatorError,
    Retry,
    SecretTooLargeError,
)
from onepassword_operator.model.outcome import Change, Condition
from onepassword_operator.model.target import Claim
from onepassword_operator.service.runtime.work_queue import Priority


def retry_in(world: World) -> float:
    due, priority = world.process.queue.retries[world.key()]
    assert priority is Priority.LOW
    return due - world.clock.now


async def nine_waits(world: World) -> list[float]:
    """The time to the next try, nine times in a row."""
    waits = []
    for _ in range(9):
        waits.append(retry_in(world))
        world.clock.advance(waits[-1])
        await world.settle()
    return waits


async def failing(world: World, error: BackendUnavailableError | BackendRateLimitedError | BackendDeniedError) -> None:
    world.source.put(world.vault, "db", password="one")
    world.source.outage = error
    await world.settled(world.claim("db", "vaults/Prod/items/db"))


async def test_transient_failures_are_tried_again_soon_and_then_less_often(world: World) -> None:
    await failing(world, BackendUnavailableError("no answer"))
    waits = await nine_waits(world)
    assert waits[0] < 1
    assert waits == sorted(waits)
    assert waits[-1] <= 30


@pytest.mark.parametrize("error", [BackendUnavailableError("no answer"), SecretTooLargeError("too large")])
async def test_a_failure_is_a_warning_with_the_next_try_once_for_each_reason_and_its_end_is_told_once(
    world: World, caplog: pytest.LogCaptureFixture, error: OperatorError
) -> None:
    caplog.set_level(logging.INFO, "onepassword_operator")
    item = world.source.put(world.vault, "db", password="one")
    world.claim("db", "vaults/Prod/items/db")
    for failure in (error, error, BackendDeniedError("refused"), error, None, None, error):
        world.source.refused = {item: failure} if failure else {}
        world.source.edit(item, password="another")
        await world.poll_after(60)
    records = [record for record in caplog.records if record.getMessage() in {"Secret not in sync", "in sync again"}]
    said = [(record.levelname, getattr(record, "reason", "in sync again")) for record in records]
    again = ("WARNING", error.reason)
    assert said == [again, ("WARNING", "Unauthorized"), ("INFO", "in sync again"), again]
    told = [record for record in records if record.levelno == logging.WARNING]
    named = {name: vars(told[0])[name] for name in ("secret", "object", "reason", "detail")}
    assert named == {"secret": "app/db", "object": "OnePasswordItem app/db", "reason": error.reason, "detail": str(error)}
    waits = [getattr(record, "retry_in", None) for record in told]
    assert waits == [round(wait, 1) if wait else None for wait in waits]
    assert (waits[0] is None) == (error.retry is Retry.ON_CHANGE)


async def test_a_success_makes_the_next_failure_the_first_again(world: World) -> None:
    await failing(world, BackendUnavailableError("no answer"))
    for _ in range(6):
        world.clock.advance(retry_in(world))
        await world.settle()
    outage, world.source.outage = world.source.outage, None
    world.clock.advance(30)
    await world.settle()
    await world.poll()
    world.clock.advance(1000)
    world.source.outage = outage
    await world.settled(world.secrets.overwrite(world.key(), password="edited"))
    assert retry_in(world) < 1
    assert world.claims.ready(world.key()).reason == "Synced"  # a blip again


async def test_what_needs_a_person_is_looked_at_once_per_interval_and_told_once(world: World) -> None:
    await failing(world, BackendDeniedError("refused"))
    assert 54 <= retry_in(world) <= 60
    assert world.meter.passes == {"Unauthorized": 1}
    for _ in range(3):
        world.clock.advance(60)
        await world.settle()
    assert (world.claims.count("status"), world.events.reasons("db")) == (1, ["Unauthorized"])


async def test_a_single_item_in_trouble_is_a_blip_until_the_limit(world: World, item: str) -> None:
    world.source.edit(item, password="two")
    world.source.refused[item] = BackendUnavailableError("no answer")
    await world.poll_after(60, times=2)
    assert world.claims.ready(world.key()).reason == "Synced"
    await world.poll_after(60, times=3)
    assert world.claims.ready(world.key()).reason == "OnePasswordUnavailable"
    world.source.refused.clear()
    await world.poll_after(60)
    assert world.claims.ready(world.key()).reason == "Synced"
    assert world.secrets.values(world.key()) == {"password": "two"}


async def test_a_resource_that_vanished_before_its_status_is_no_failure(world: World) -> None:
    world.source.put(world.vault, "db", password="one")
    world.claims.faults.refuse("status", ClusterAbsentError("gone"))
    key = world.claim("db", "vaults/Prod/items/db")
    await world.process.controller.run(key)  # before any watch event: nobody asks for it
    world.watch()
    await world.process.controller.run(await world.process.queue.take())
    assert world.process.queue.retries == {}


@pytest.mark.parametrize("error", [ClusterUnavailableError("no answer"), ClusterConflictError("another uid")])
async def test_a_status_that_could_not_be_written_is_tried_again(
    world: World, error: ClusterUnavailableError | ClusterConflictError, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "onepassword_operator")
    world.source.put(world.vault, "db", password="one")
    world.claims.faults.refuse("status", error)
    world.claim("db", "vaults/Prod/items/db")
    world.watch()
    key = await world.process.queue.take()
    await world.process.controller.run(key)
    world.process.queue.done(key)
    assert retry_in(world) < 1
    (said,) = [vars(record) for record in caplog.records if record.getMessage() == "status could not be written"]
    assert (said["object"], said["reason"], said["detail"]) == ("OnePasswordItem app/db", error.reason, str(error))


async def test_a_secret_that_is_put_right_while_its_vault_is_in_trouble_is_told_of_all_the_same(world: World, item: str) -> None:
    world.source.edit(item, password="two")
    await world.process.poller.poll()
    world.secrets.overwrite(world.key(), password="edited")
    world.process.freshness.note_failure(BackendForbiddenError("no access"), vault_id=world.vault)
    await world.settle()
    assert world.secrets.values(world.key()) == {"password": "two"}
    assert world.claims.ready(world.key()).reason == "AccessDenied"
    assert world.events.reasons("db") == ["Updated", "AccessDenied"]


async def test_a_pass_for_a_secret_that_nobody_asks_for_any_more_leaves_nothing(world: World) -> None:
    await world.synced()
    world.process.index.claims.remove(world.claims.objects[world.key()])
    await world.process.controller.run(world.key())
    assert world.process.index.states._states == {}


async def test_a_spec_change_just_before_the_status_write_is_not_swallowed(world: World) -> None:
    world.source.put(world.vault, "one", password="1")
    world.source.put(world.vault, "two", password="2")
    key = world.claim("db", "vaults/Prod/items/typo")
    write = world.claims.write_status

    async def slow(claim: Claim, condition: Condition, **facts: Any) -> Claim:
        world.claims.write_status = write  # type: ignore[method-assign]
        world.claims.apply(key, "vaults/Prod/items/two")  # its event has not been delivered when the answer comes
        return await write(claim, condition, **facts)

    world.claims.write_status = slow  # type: ignore[method-assign]
    await world.settle()
    assert (world.secrets.values(key), world.claims.ready(key).observed_generation) == ({"password": "2"}, 2)


async def test_a_resource_deleted_during_its_pass_is_forgotten(world: World) -> None:
    world.source.put(world.vault, "db", password="1")
    key = world.claim("db", "vaults/Prod/items/db")

    def gone() -> None:
        world.claims.delete(key)
        world.watch()

    world.source.before["item"] = gone
    await world.settle()
    assert not world.process.index.states._states
    assert not world.process.index.item_users.vaults()


class TestDeployment:
    """It has no status; Events are all it is told by."""

    async def test_a_blip_tells_it_nothing_if_its_secret_was_in_sync_and_it_is_told_when_the_trouble_lasts(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        await world.settled(world.asks("web"))
        world.forget_requests()
        world.source.edit(item, password="two")
        world.source.refused[item] = BackendUnavailableError("no answer")
        await world.poll_after(60, times=2)
        assert world.events.reported == []
        world.source.refused.clear()
        await world.poll_after(60)
        assert world.events.reasons("web") == ["Updated"]
        world.forget_requests()
        world.source.outage = BackendUnavailableError("no answer")
        await world.poll_after(60, times=5)
        assert set(world.events.reasons("web")) == {"ReconcileError"}

    async def test_a_restart_of_the_operator_in_an_outage_tells_it_nothing_either(self, world: World) -> None:
        world.source.put(world.vault, "db", password="one")
        await world.settled(world.asks("web"))
        await world.restart_process()
        world.forget_requests()
        world.source.outage = BackendUnavailableError("no answer")
        await world.poll_after(60)
        assert world.events.reported == []

    async def test_it_is_retried_like_a_resource(self, world: World) -> None:
        world.source.put(world.vault, "db", password="one")
        world.source.outage = BackendRateLimitedError("slow down", delay_seconds=42)
        key = await world.settled(world.asks("web"))
        assert 42 <= retry_in(world) <= 43
        assert world.events.reasons("web") == ["RateLimited"]
        world.source.outage = None
        await world.live(43)
        assert world.secrets.values(key) == {"password": "one"}


async def test_who_was_refused_looks_again_once_per_interval(world: World) -> None:
    world.source.put(world.vault, "db", password="one")
    world.source.put(world.vault, "other", password="two")
    await world.settled(world.asks("ruler"))
    await world.settled(world.asks("second", path="vaults/Prod/items/other"))
    assert 54 <= retry_in(world) <= 60


async def test_who_can_not_be_looked_up_is_tried_less_and_less_often(world: World) -> None:
    world.source.put(world.vault, "db", password="one")
    await world.settled(world.asks("ruler"))
    await world.restart_process()
    world.source.outage = BackendUnavailableError("no answer")
    await world.settled(world.asks("second", path="vaults/Prod/items/DB"))
    world.secrets.requests.clear()
    await world.live(600, interval=10_000)
    assert world.secrets.count("get") < 40
    assert world.secrets.writes() == []


async def test_who_goes_while_another_is_told_is_not_waited_for(world: World) -> None:
    world.source.put(world.vault, "db", password="one")
    world.source.put(world.vault, "other", password="two")
    world.asks("ruler", created_at="2020-01-01T00:00:00Z")
    key = world.claim("db", "vaults/Prod/items/other")
    reported = world.events.changed

    def all_go(claim: Claim, change: Change, *, message: str) -> None:
        reported(claim, change, message=message)
        world.workloads.delete("ruler")
        world.claims.delete(key)
        world.watch()

    world.events.changed = all_go  # type: ignore[method-assign]
    await world.settle()
    assert (world.events.reasons("ruler"), world.process.queue.retries) == (["Created"], {})
    assert world.process.index.states._states == {}


async def test_who_does_not_rule_the_secret_looks_less_often_too_while_1password_is_out_of_reach(world: World) -> None:
    """The Secret is well, so its own record of failures stays empty."""
    await world.synced()
    world.asks("web", path="vaults/Prod/items/typo")
    world.clock.advance(5)  # a list older than this is not believed when it lacks an item
    world.source.outage = BackendUnavailableError("no answer")
    await world.settle()
    waits = await nine_waits(world)
    assert waits == sorted(waits)
    assert waits[-1] > 10


async def test_a_status_that_can_not_be_written_is_tried_less_often_though_others_need_none(world: World) -> None:
    await world.synced()
    await world.settled(world.asks("web"))
    world.claims.keep("MODIFIED", dataclasses.replace(world.claims.objects[world.key()], conditions=()))
    world.claims.faults.refuse("status", ClusterUnavailableError("no answer"), times=100)
    world.process.queue.add(world.key(), Priority.LOW)
    world.watch()
    await world.settle()
    waits = await nine_waits(world)
    assert waits == sorted(waits)
    assert waits[-1] > 10


async def test_a_resource_that_goes_while_it_is_told_leaves_nothing_behind(world: World, item: str) -> None:
    """Its Secret's mark would count as a restart that is due for as long as the process lives."""
    key = world.key()
    write = world.claims.write_status

    async def deleted_meanwhile(claim: Claim, condition: Condition, **facts: Any) -> Claim:
        written = await write(claim, condition, **facts)
        world.claims.delete(key)
        world.watch()
        return written

    world.claims.write_status = deleted_meanwhile  # type: ignore[method-assign]
    await world.polled(world.source.edit(item, password="two"))
    assert (world.claims.count("status"), world.process.index.states._states) == (1, {})
    assert world.process.index.states.count_pending() == 0


async def test_a_pause_is_a_success(world: World) -> None:
    await world.synced()
    for _ in range(3):
        world.process.index.retries.note_failure(world.key())
    await world.settled(world.claims.annotate(world.key(), suspended=True))
    retries = world.process.index.retries
    assert (retries.attempts(world.key()), retries.failing_seconds(world.key())) == (0, 0.0)
    assert world.process.queue.retries == {}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("seal", 'another operator of this kind writes Secret "db" too, with another Connect token or other options'),
        ("data", 'Secret "db" is changed again and again after it was put right; stop what changes it'),
        ("nothing", ""),
    ],
)
async def test_who_changes_a_secret_again_and_again_is_told_of_once_and_met_with_growing_pauses(
    world: World, caplog: pytest.LogCaptureFixture, edit: str, said: str
) -> None:
    await world.synced()
    world.forget_requests()

    def other() -> None:
        held = world.secrets.objects[world.key()]
        if edit == "seal" and held.annotations[names.SEAL] != "v1:another":
            world.secrets.edit(world.key(), annotations={**held.annotations, names.SEAL: "v1:another"})
        if edit == "data" and world.secrets.values(world.key()) == {"password": "one"}:
            world.secrets.overwrite(world.key(), password="edited")

    world.others.append(other)
    await world.live(600)
    records = [vars(record)["detail"] for record in caplog.records if record.getMessage() == "Secret rewritten again and again"]
    events = [event.message for event in world.events.reported if event.reason == "SecretRewritten"]
    assert (len(records), records) == (bool(said), events)
    assert all(message.startswith(said) for message in records)
    assert len(world.secrets.writes()) <= (30 if said else 0)
