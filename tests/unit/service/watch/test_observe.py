"""What events make worth a look."""

import dataclasses

import pytest

from fakes.world import Process, World
from onepassword_operator.model import names
from onepassword_operator.model.item import Revision
from onepassword_operator.model.recipe import Part, Recipe, Shape
from onepassword_operator.model.target import Rendering
from onepassword_operator.service.runtime.work_queue import Priority
from onepassword_operator.service.watch import observe


async def test_our_own_writes_come_back_and_need_no_look(world: World) -> None:
    await world.synced()
    world.process.observe.claim_seen(world.claims.objects[world.key()])
    world.process.observe.secret_seen(world.secrets.objects[world.key()])
    assert world.process.queue.depth() == 0


async def test_what_is_seen_again_unchanged_leaves_the_old_objects_in_place(world: World) -> None:
    await world.synced()
    observe, index = world.process.observe, world.process.index
    claim, revision = index.claims.resource(world.ref()), index.states.of(world.key()).held
    assert claim
    observe.claim_seen(dataclasses.replace(claim))
    observe.record_secret(world.secrets.objects[world.key()])
    assert index.claims.resource(world.ref()) is claim
    assert index.states.of(world.key()).held is revision


async def test_a_version_that_reads_otherwise_under_another_crd_is_taken_in(world: World) -> None:
    await world.synced()
    observe, index = world.process.observe, world.process.index
    claim = world.claims.objects[world.key()]
    for other in ({"shaped": Recipe((), Shape())}, {"key": world.key("elsewhere")}, {}):
        observe.claim_seen(dataclasses.replace(claim, **other))
        assert index.claims.resource(world.ref()) == dataclasses.replace(claim, **other)
    assert index.claims.keys() == [world.key()]


async def test_what_another_replica_has_seen_to_comes_last_when_this_one_leads(world: World) -> None:
    await world.synced()
    standby, held = Process(world), world.claims.objects[world.key()]
    standby.observe.claim_seen(dataclasses.replace(held, resource_version=1, conditions=()))
    standby.observe.claim_seen(held)
    new = world.claim("new")
    standby.observe.claim_seen(world.claims.objects[new])
    assert [await standby.queue.take() for _ in range(2)] == [new, world.key()]


@pytest.mark.parametrize("change", [{"item_path": "vaults/a/items/b"}, {"labels": {"a": "b"}}, {"annotations": {"a": "b"}}, {"uid": "new"}])
async def test_a_resource_that_asks_for_something_else_needs_one(world: World, change: dict[str, object]) -> None:
    await world.synced()
    held = world.claims.objects[world.key()]
    world.process.observe.claim_seen(dataclasses.replace(held, resource_version=9999, **change))  # type: ignore[arg-type]
    assert world.process.queue.depth() == 1


async def test_late_news_of_a_resource_the_deletion_of_its_predecessor_and_news_after_its_own_are_ignored(world: World) -> None:
    await world.synced()
    held = world.claims.objects[world.key()]
    world.process.observe.claim_seen(dataclasses.replace(held, resource_version=1, item_path="vaults/a/items/b"))
    world.process.observe.claim_gone(world.ref(), "an earlier uid")
    assert (world.process.queue.depth(), world.process.index.claims.resource(world.ref())) == (0, held)
    world.process.observe.claim_gone(world.ref(), held.uid)
    world.process.observe.claim_seen(dataclasses.replace(held, resource_version=9999))
    assert world.key() not in world.process.index.claims
    assert world.process.queue.depth() == 0


async def test_a_namesake_is_the_end_of_its_predecessor_and_of_the_conflict_and_the_failures_about_it(world: World) -> None:
    await world.synced()
    held = world.claims.objects[world.key()]
    world.process.index.conflicts.open(held.uid)
    for _ in range(7):
        world.process.index.retries.note_failure(world.key())
    world.process.observe.claim_seen(dataclasses.replace(held, uid="new", resource_version=9999))
    assert world.process.observe.is_gone(held.uid)
    assert world.process.index.conflicts.backoff(held.uid) is None
    assert world.process.index.retries.attempts(world.key()) == 0


async def test_only_so_many_deletions_are_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observe, "_TOMBSTONES", 2)
    for uid in ("a", "b", "c"):
        world.process.observe.claim_gone(world.ref(), uid)
    assert list(world.process.observe._gone) == ["b", "c"]


async def test_late_news_of_a_secret_is_ignored(world: World, item: str) -> None:
    before = world.secrets.objects[world.key()]
    await world.polled(world.source.edit(item, password="two"))
    world.process.observe.secret_seen(before)
    assert world.process.queue.depth() == 0


async def test_a_label_taken_away_is_put_back(world: World) -> None:
    await world.synced()
    world.secrets.edit(world.key(), labels={})
    world.process.observe.secret_gone(world.key())  # a watch that selects by label reports it so
    await world.settle()
    assert world.secrets.objects[world.key()].labels[names.MANAGED] == names.MANAGED_VALUE
    assert world.secrets.mark(world.key()) is None


async def test_a_forged_secret_leaves_no_mark_when_it_is_deleted(world: World, item: str) -> None:
    forged = dict(world.secrets.objects[world.key()].annotations) | {names.RESTART_PENDING: f"{world.vault}/{item}@1@2024-01-01T00:00:00Z"}
    world.secrets.edit(world.key(), annotations=forged)
    await world.settled(world.secrets.delete(world.key()))
    assert (world.secrets.values(world.key()), world.secrets.mark(world.key())) == ({"password": "one"}, None)


@pytest.mark.parametrize("resource", [{"conditions": ()}, {"secret_type": "kubernetes.io/tls"}, {"suspended": True}], ids=str)
async def test_a_secret_needs_a_look_whose_resource_says_nothing_yet_or_wants_another_type_or_is_suspended(
    world: World, resource: dict[str, object]
) -> None:
    await world.synced()
    world.process.index.claims.put(dataclasses.replace(world.claims.objects[world.key()], **resource))  # type: ignore[arg-type]
    assert not world.process.observe.record_secret(world.secrets.objects[world.key()])


async def test_a_secret_that_is_being_deleted_needs_a_look_and_a_state_that_is_known_to_be_outdated_does_not(world: World) -> None:
    await world.synced()
    secret = world.secrets.objects[world.key()]
    assert not world.process.observe.record_secret(dataclasses.replace(secret, terminating=True))
    assert world.process.observe.record_secret(dataclasses.replace(secret, resource_version=1, labels={}))


async def test_a_secret_whose_pass_is_about_to_write_the_status_needs_no_second_look(world: World) -> None:
    await world.synced()
    world.process.index.claims.put(dataclasses.replace(world.claims.objects[world.key()], conditions=()))
    world.process.index.states.set_version(world.key(), 0)  # the event came before the answer to our write
    world.process.queue._running.add(world.key())
    world.process.observe.secret_seen(world.secrets.objects[world.key()])
    assert not world.process.queue._again
    world.process.queue._running.discard(world.key())
    world.process.observe.secret_seen(dataclasses.replace(world.secrets.objects[world.key()], resource_version=9999))
    assert world.process.queue.depth() == 1


async def test_a_mark_that_another_process_left_is_taken_up_at_once(world: World, item: str) -> None:
    ours = world.process
    other = Process(world)
    await other.resync.run()
    world.source.edit(item, password="two")
    world.process = other
    await other.poller.poll()
    key = await other.queue.take()
    await other.reconcile.run(key)
    world.process = ours  # the other one dies here
    await ours.restarts.drop()
    await world.settle()
    assert ours.index.states.pending("app")
    assert ours.woken == {"app"}


async def test_a_shape_that_another_process_gave_the_secret_is_known_from_then_on(world: World, item: str) -> None:
    ours, shapes = world.process, [Recipe((Part("vaults/Prod/items/db"),), Shape(exclude=(each,))) for each in "ab"]
    for shape, process in zip(shapes, (ours, Process(world)), strict=True):
        world.process = process
        await process.resync.run()
        await world.settled(world.claim("db", "", shaped=shape))
    ours.observe.secret_seen(world.secrets.objects[world.key()])
    assert ours.index.states.of(world.key()).recipe == str(shapes[1])


async def test_two_processes_with_other_options_do_not_write_without_end(world: World) -> None:
    world.source.put(world.vault, "db", password="1", empty="")
    await world.settled(world.claim("db", "vaults/Prod/items/db"))
    ours, world.rendering = world.process, Rendering(allow_empty_values=True)
    other = Process(world)
    await other.resync.run()
    world.forget_requests()
    for _ in range(100):
        for process in (ours, other):
            process.observe.secret_seen(world.secrets.objects[world.key()])
            while process.queue.depth():
                key = await process.queue.take()
                await process.controller.run(key)
                process.queue.done(key)
    assert len(world.secrets.writes()) < 20


@pytest.mark.parametrize("path", ["vaults/Prod/items/db", "vaults/Prod/items/other"])
async def test_what_several_ask_for_is_followed_from_the_first_sight_on_as_its_owner_asks(world: World, path: str) -> None:
    """So that the first poll lists its vault."""
    item = world.source.put(world.vault, "db", password="one")
    world.source.put(world.vault, "other", password="two")
    await world.settled(world.asks("web"))
    await world.settled(world.claim("db", path))
    world.process = Process(world)
    await world.process.resync.run()
    assert list(world.process.index.item_users.revisions(world.vault)) == [Revision(world.vault, item, 1)]
    assert world.process.queue.depth() == 1


async def test_who_came_while_the_operator_was_away_is_told_though_the_secret_is_right(world: World) -> None:
    await world.synced()
    world.source.put(world.vault, "other", password="two")
    world.asks("web", path="vaults/Prod/items/other")
    await world.restart_process()
    await world.settle()
    assert (world.events.reasons("web"), world.secrets.writes()) == (["ReconcileError"], [])


async def test_a_secret_that_a_deployment_asks_for_needs_a_look_only_if_it_lacks_one_of_its_users_among_its_owners(world: World) -> None:
    """There is no status that could say otherwise."""
    world.source.put(world.vault, "db", password="one")
    key = await world.settled(world.asks("web"))
    assert world.process.observe.record_secret(world.secrets.objects[key])
    world.workloads.deploy("user", "db")
    world.process.index.claims.put_workload(world.workloads.objects["app", "user"])
    assert not world.process.observe.record_secret(world.secrets.objects[key])


@pytest.mark.parametrize("finalizers", [(), (names.OFFICIAL_FINALIZER,)])
async def test_a_resource_that_is_held_up_in_deletion_is_released_without_a_pass(world: World, finalizers: tuple[str, ...]) -> None:
    await world.synced()
    await world.settled(world.claims.hold_up(world.key(), "theirs", *finalizers))
    await world.process.finalizers.drop()
    world.claims.hold_up(world.key(), "theirs", *finalizers)
    world.claims.terminate(world.key())
    world.process.observe.record(world.claims.objects[world.key()])
    assert world.process.finalizers.waiting() == ({world.claims.objects[world.key()].ref} if finalizers else set())


class TestRefresh:
    @pytest.mark.parametrize(
        ("before", "now", "asked"), [("", "1", True), ("1", "2", True), ("1", "1", False), ("1", "", False), ("", "", False)]
    )
    async def test_a_new_value_asks(self, world: World, before: str, now: str, asked: object) -> None:
        await world.synced()
        held = dataclasses.replace(world.claims.objects[world.key()], refresh=before)
        world.process.index.claims.put(held)
        world.process.observe.record(dataclasses.replace(held, refresh=now, resource_version=9999))
        assert world.process.index.refreshes.is_asked(world.key()) is asked

    @pytest.mark.parametrize(
        ("asked_ago", "ready", "owed"), [(101.0, "True", False), (99.0, "True", True), (101.0, "False", True), (101.0, None, True)]
    )
    async def test_who_stood_by_owes_no_answer_that_another_leader_had_time_for_unless_something_is_wrong(
        self, world: World, asked_ago: float, ready: str | None, owed: object
    ) -> None:
        await world.synced()
        world.claims.annotate(world.key(), refresh="1")
        world.watch()
        held = world.claims.objects[world.key()]
        reported = tuple(dataclasses.replace(condition, status=ready) for condition in held.conditions) if ready else ()
        world.process.index.claims.put(dataclasses.replace(held, conditions=reported))
        world.clock.advance(asked_ago)
        world.process.index.drop_refreshes(before=world.clock.now - 100.0)
        assert world.process.index.refreshes.is_asked(world.key()) is owed
        await world.settle()
        assert world.events.reasons("db") == (["Refreshed"] if owed else [])

    async def test_the_newest_demand_counts(self, world: World) -> None:
        await world.synced()
        for value in ("1", "2"):
            world.claims.annotate(world.key(), refresh=value)
            world.watch()
            world.clock.advance(60.0)
        world.process.index.drop_refreshes(before=world.clock.now - 100.0)
        assert world.process.index.refreshes.is_asked(world.key())

    async def test_a_new_value_ends_the_wait_in_a_conflict(self, world: World) -> None:
        await world.synced()
        uid = world.claims.objects[world.key()].uid
        world.process.index.conflicts.open(uid)
        assert world.process.index.conflicts.backoff(uid)
        world.claims.annotate(world.key(), refresh="1")
        world.watch()
        assert not world.process.index.conflicts.backoff(uid)


async def test_a_namesake_of_a_resource_that_was_never_synced_is_taken_in(world: World) -> None:
    key = world.claim("db")
    world.process.observe.record(world.claims.objects[key])
    former = world.claims.objects[key].uid
    assert world.process.observe.record(dataclasses.replace(world.claims.objects[key], uid="new", resource_version=9999)) is Priority.NEW
    assert world.process.observe.is_gone(former)
    assert world.process.index.states._states == {}


async def test_keys_that_nobody_asks_for_any_more_leave_the_queue(world: World) -> None:
    """A standby takes none of them, and would keep all that ever were."""
    for number in range(3):
        key = world.claim(f"passing-{number}")
        world.watch()
        world.claims.delete(key)
        world.watch()
    assert world.process.queue.depth() == 0


@pytest.mark.parametrize("kind", ["resource", "deployment"])
async def test_annotations_that_mean_nothing_are_told_once_for_each_value_and_nothing_is_written(world: World, kind: str) -> None:
    def annotate(value: str) -> None:
        if kind == "resource":
            world.claims.annotate(world.key(), advice=(value,) if value else ())
        else:  # it asks for no Secret, and nothing else of it is kept
            world.workloads.deploy("db", annotations={names.AUTO_RESTART: value})

    await world.synced()
    for value in ("yes", "yes", "on", "", "on"):
        annotate(value)
        await world.settle()
        await world.process.resync.run()
    reported = [event for event in world.events.reported if event.reason == "InvalidAnnotation"]
    assert [next(value for value in ("yes", "on") if value in event.message) for event in reported] == ["yes", "on", "on"]
    assert {(event.name, event.kind) for event in reported} == {("db", "Warning")}
    assert world.writes() == []
