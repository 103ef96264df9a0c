"""How long an object is left to another operator."""

import dataclasses

import pytest

from fakes.clock import FakeClock
from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterUnavailableError
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.service.index import conflicts as module
from onepassword_operator.service.index.conflicts import Conflicts
from unit.rules import samples


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def conflicts(clock: FakeClock) -> Conflicts:
    return Conflicts(clock)


def disputed(conflicts: Conflicts, *, uid: str = "u", version: int = 10) -> None:
    """We take the finalizer away, and somebody puts it back."""
    conflicts.finalizer_removed(uid, str(version))
    assert conflicts.finalizer_seen(uid, str(version + 1))


def test_a_finalizer_that_was_never_taken_away_is_no_dispute(conflicts: Conflicts) -> None:
    assert not conflicts.finalizer_seen("u", "9")
    assert conflicts.backoff("u", finalizer=True) is None
    assert conflicts.may_try("u")


@pytest.mark.parametrize("version", ["9", "10"])
def test_late_news_of_the_finalizer_is_no_dispute(conflicts: Conflicts, version: str) -> None:
    conflicts.finalizer_removed("u", "10")
    assert not conflicts.finalizer_seen("u", version)
    assert conflicts.backoff("u", finalizer=True) is None


def test_versions_are_numbers(conflicts: Conflicts) -> None:
    conflicts.finalizer_removed("u", "9")
    assert conflicts.finalizer_seen("u", "10")


def test_a_finalizer_that_comes_back_is_one(conflicts: Conflicts) -> None:
    disputed(conflicts)
    assert conflicts.backoff("u", finalizer=True) == module.Backoff(seconds=900.0, reported=False)
    assert conflicts.backoff("u", finalizer=False) == module.Backoff(seconds=900.0, reported=False)
    assert not conflicts.may_try("u")
    assert conflicts.backoff("another", finalizer=True) is None


def test_a_finalizer_that_stays_does_not_open_another_round(conflicts: Conflicts, clock: FakeClock) -> None:
    disputed(conflicts)
    clock.advance(1)
    assert not conflicts.finalizer_seen("u", "12")
    assert conflicts.backoff("u", finalizer=True) == module.Backoff(seconds=899.0, reported=False)


def test_pauses_double_up_to_an_hour(conflicts: Conflicts, clock: FakeClock) -> None:
    pauses = []
    for turn in range(5):
        disputed(conflicts, version=10 * turn)
        backoff = conflicts.backoff("u", finalizer=True)
        assert backoff
        pauses.append(backoff.seconds / 60)
        clock.advance(backoff.seconds)
    assert pauses == [15, 30, 60, 60, 60]


def test_an_object_is_told_once_per_round(conflicts: Conflicts, clock: FakeClock) -> None:
    disputed(conflicts)
    conflicts.note_reported("u")
    assert conflicts.backoff("u", finalizer=True) == module.Backoff(seconds=900.0, reported=True)
    clock.advance(900)
    disputed(conflicts, version=20)
    assert conflicts.backoff("u", finalizer=True) == module.Backoff(seconds=1800.0, reported=False)


def test_the_next_look_is_a_try_at_the_finalizer_and_only_that(conflicts: Conflicts, clock: FakeClock) -> None:
    disputed(conflicts)
    clock.advance(899)
    assert not conflicts.may_try("u")
    clock.advance(1)
    assert conflicts.may_try("u")
    assert conflicts.backoff("u", finalizer=True) == module.Backoff(seconds=0.0, reported=False)


def test_after_a_try_the_answer_is_waited_for(conflicts: Conflicts, clock: FakeClock) -> None:
    disputed(conflicts)
    clock.advance(900)
    conflicts.finalizer_removed("u", "20")
    assert not conflicts.may_try("u")
    assert conflicts.backoff("u", finalizer=False) == module.Backoff(seconds=10.0, reported=False)
    clock.advance(9)
    assert conflicts.backoff("u", finalizer=False) == module.Backoff(seconds=1.0, reported=False)
    clock.advance(1)
    assert conflicts.backoff("u", finalizer=False) is None
    assert conflicts.may_try("u")


def test_a_dispute_that_ended_is_forgotten(conflicts: Conflicts, clock: FakeClock) -> None:
    disputed(conflicts)
    clock.advance(900)
    conflicts.finalizer_removed("u", "20")
    clock.advance(10)
    assert conflicts.backoff("u", finalizer=False) is None
    disputed(conflicts, version=30)
    backoff = conflicts.backoff("u", finalizer=True)
    assert backoff
    assert backoff.seconds == 900.0


def test_a_dispute_about_the_secret_alone_ends_with_its_time(conflicts: Conflicts, clock: FakeClock) -> None:
    """There is no finalizer to be taken away as a try."""
    conflicts.open("u")
    assert conflicts.backoff("u", finalizer=False) == module.Backoff(seconds=900.0, reported=False)
    clock.advance(900)
    assert conflicts.backoff("u", finalizer=False) is None


def test_without_a_finalizer_the_try_is_a_pass(conflicts: Conflicts, clock: FakeClock) -> None:
    conflicts.open("u")
    assert not conflicts.is_trying("u")
    clock.advance(900)
    for _ in range(10):  # however many passes it takes
        assert conflicts.backoff("u", finalizer=False) is None
        assert conflicts.is_trying("u")
        clock.advance(1)
    assert conflicts.backoff("u", finalizer=False) is None
    assert not conflicts.is_trying("u")
    assert conflicts.open("u") == 900.0


def test_what_answers_a_pass_opens_the_next_round(conflicts: Conflicts, clock: FakeClock) -> None:
    assert conflicts.open("u") == 900.0
    clock.advance(900)
    conflicts.backoff("u", finalizer=False)
    assert conflicts.open("u") == 1800.0
    assert not conflicts.is_trying("u")


def test_a_finalizer_that_appears_during_a_pass_is_the_thing_to_try(conflicts: Conflicts, clock: FakeClock) -> None:
    conflicts.open("u")
    clock.advance(900)
    assert conflicts.backoff("u", finalizer=False) is None
    assert conflicts.backoff("u", finalizer=True) == module.Backoff(seconds=0.0, reported=False)
    assert conflicts.may_try("u")


def test_somebody_who_asks_gets_a_try_at_once(conflicts: Conflicts) -> None:
    disputed(conflicts)
    conflicts.try_now("u")
    assert conflicts.may_try("u")
    assert conflicts.backoff("u", finalizer=True) == module.Backoff(seconds=0.0, reported=False)


def test_asking_where_there_is_no_dispute_is_nothing(conflicts: Conflicts) -> None:
    conflicts.try_now("u")
    conflicts.note_reported("u")
    assert conflicts.backoff("u", finalizer=True) is None


def test_an_object_that_is_gone_is_forgotten(conflicts: Conflicts) -> None:
    disputed(conflicts)
    conflicts.finalizer_removed("u", "20")
    conflicts.forget("u")
    assert conflicts.backoff("u", finalizer=True) is None
    assert not conflicts.finalizer_seen("u", "30")


def test_only_so_many_disputes_are_remembered_and_the_newest_stay(conflicts: Conflicts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    for uid in ("a", "b", "a", "c"):
        conflicts.open(uid)
    assert [uid for uid in ("a", "b", "c") if conflicts.backoff(uid, finalizer=False)] == ["a", "c"]


def test_only_so_many_releases_are_remembered(conflicts: Conflicts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    for uid in ("a", "b", "a", "c"):
        conflicts.finalizer_removed(uid, "10")
    assert [conflicts.finalizer_seen(uid, "11") for uid in ("a", "b", "c")] == [True, False, True]


def test_the_refusal_says_what_to_do_and_when_the_next_look_is() -> None:
    error = module.refusal(samples.CLAIM, seconds=1800)
    assert error.delay_seconds == 1800
    for part in ('OnePasswordItem "db"', "stop the other one", "in 30 minutes", names.REFRESH):
        assert part in str(error)


def test_people_of_a_deployment_are_not_told_to_annotate_it() -> None:
    """The annotation would count as a demand of the Deployment's own, and hide the one on its pod template."""
    error = module.refusal(dataclasses.replace(samples.CLAIM, kind=names.DEPLOYMENT), seconds=900)
    assert names.REFRESH not in str(error)
    assert "at once when this operator is restarted" in str(error)


# The story of two operators at work on the same objects.

OFFICIAL = (names.OFFICIAL_FINALIZER,)
MINUTE = 60


@pytest.fixture
def world() -> World:
    made = World()
    made.source.put(made.vault, "db", password="one")
    return made


def putting_back(world: World) -> list[float]:
    """Another operator that puts its finalizer back on whatever lacks it; returns when it did."""
    times: list[float] = []

    def look() -> None:
        for key, claim in list(world.claims.objects.items()):
            if not claim.finalizers:
                world.claims.hold_up(key, *OFFICIAL)
                times.append(world.clock.now)
        for (_, name), workload in list(world.workloads.objects.items()):
            if workload.claim and not workload.finalizers:
                world.workloads.hold_up(name, *OFFICIAL)
                times.append(world.clock.now)

    world.others.append(look)
    return times


def relabelling(world: World) -> list[float]:
    """Another operator that rewrites a Secret of ours as a whole, as the official one writes it; returns when it did."""
    times: list[float] = []

    def look() -> None:
        for key, secret in list(world.secrets.objects.items()):
            if names.SEAL in secret.annotations:
                marks = {name: secret.annotations[name] for name in (names.ITEM_PATH, names.ITEM_VERSION)}
                world.secrets.delete(key)
                world.secrets.events.pop()
                rewritten = world.secrets.place(key, annotations=marks, owners=secret.owners, data=secret.data)
                world.secrets.events.append(("DELETED", rewritten))  # our watch selects by our label
                times.append(world.clock.now)

    world.others.append(look)
    return times


class TestTwoOperators:
    async def test_a_finalizer_that_comes_back_draws_two_writes_in_ten_minutes(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        times = putting_back(world)
        await world.live(10 * MINUTE)
        # The first two are the take-over itself.
        assert world.writes() == ["create app/db", f"status {key}", f"status {key}", f"release {world.claims.objects[key].ref}"]
        assert len(times) == 1
        condition = world.claims.ready(key)
        assert (condition.status, condition.reason) == ("False", "AnotherOperatorActive")
        world.forget_requests()
        await world.live(4 * MINUTE)
        assert (world.writes(), world.secrets.requests, world.claims.requests) == ([], [], [])

    async def test_of_what_was_in_sync_before_it_draws_fewer(self, world: World) -> None:
        key = world.claim("db")
        await world.settle()
        world.forget_requests()
        putting_back(world)
        await world.live(10 * MINUTE)
        assert world.writes() == [f"status {key}", f"release {world.claims.objects[key].ref}"]

    async def test_each_further_round_is_one_try_and_one_word_to_the_resource(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        source = world.claims.objects[key].ref
        times = putting_back(world)
        await world.live(10 * MINUTE)
        world.forget_requests()
        began = times[0]
        await world.live(4 * 60 * MINUTE, step=5)
        tries = [round((moment - began) / MINUTE) for moment in times[1:]]
        assert tries == [15, 45, 105, 165, 225]  # after 15, 30, 60, 60 and 60 minutes
        assert world.finalizers.released == [source] * 5
        assert world.secrets.writes() == []
        assert world.claims.count("status") == 2  # in 30 minutes, in 60 minutes; the same again is not written
        assert world.source.count("item") == 0

    @pytest.mark.parametrize("start", [0, 5, 9, 14, 15, 16, 40])
    async def test_no_ten_minutes_have_more_than_three_writes(self, world: World, start: int) -> None:
        world.claim("db", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(MINUTE)
        await world.live(start * MINUTE, step=5)
        world.forget_requests()
        await world.live(10 * MINUTE)
        assert len(world.writes()) <= 3

    async def test_the_object_and_its_secret_are_left_alone_whatever_happens(self, world: World) -> None:
        item = world.source.put(world.vault, "mine", password="one")
        key = world.claim("db", "vaults/Prod/items/mine", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(5)
        world.forget_requests()
        world.source.edit(item, password="two")
        world.secrets.overwrite(key, password="edited")
        world.claims.annotate(key, labels={"team": "a"})
        await world.live(10 * MINUTE)
        assert world.secrets.values(key) == {"password": "edited"}
        assert world.writes() == []

    async def test_it_ends_when_the_finalizer_stays_away(self, world: World) -> None:
        item = world.source.put(world.vault, "mine", password="one")
        key = world.claim("db", "vaults/Prod/items/mine", finalizers=OFFICIAL)
        times = putting_back(world)
        await world.live(5)
        world.others.clear()  # somebody stops the other operator
        world.source.edit(item, password="two")
        await world.live(14 * MINUTE)
        assert world.claims.ready(key).reason == "AnotherOperatorActive"
        await world.live(2 * MINUTE)
        assert world.claims.objects[key].finalizers == ()
        assert world.claims.ready(key).reason == "Synced"
        assert world.secrets.values(key) == {"password": "two"}
        assert len(times) == 1

    async def test_a_change_of_the_refresh_annotation_tries_at_once(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(5)
        world.others.clear()
        world.claims.annotate(key, refresh="now")
        await world.settle()
        assert world.claims.objects[key].finalizers == ()
        await world.live(11)
        assert world.claims.ready(key).reason == "Synced"

    async def test_a_try_on_request_that_fails_opens_the_next_round(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        times = putting_back(world)
        await world.live(5)
        world.forget_requests()
        world.claims.annotate(key, refresh="now")
        await world.live(29 * MINUTE, step=5)
        assert len(times) == 2
        assert len(world.writes()) <= 2
        await world.live(2 * MINUTE)
        assert len(times) == 3

    async def test_a_deployment_is_told_by_an_event_once_per_round(self, world: World) -> None:
        key = world.asks("web", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(14 * MINUTE)
        assert world.secrets.values(key) == {"password": "one"}
        warnings = [event for event in world.events.reported if event.kind == "Warning"]
        assert [(event.name, event.reason) for event in warnings] == [("web", "ReconcileError")]
        assert "(AnotherOperatorActive)" in warnings[0].message
        assert len(world.writes()) == 2
        await world.live(2 * MINUTE)
        assert [event.reason for event in world.events.reported if event.kind == "Warning"] == ["ReconcileError"] * 2

    async def test_other_objects_are_none_of_its_business(self, world: World) -> None:
        item = world.source.put(world.vault, "mine", password="one")
        world.claim("db", "vaults/Prod/items/mine", finalizers=OFFICIAL)
        other = world.claim("other", "vaults/Prod/items/mine", finalizers=("theirs",))
        putting_back(world)
        await world.live(5)
        world.source.edit(item, password="two")
        await world.poll()
        assert world.secrets.values(other) == {"password": "two"}

    async def test_an_object_that_is_deleted_meanwhile_is_let_go(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(5)
        uid = world.claims.objects[key].uid
        assert world.process.index.conflicts.backoff(uid, finalizer=True)
        world.claims.delete(key)  # whatever it took
        world.watch()
        assert world.process.index.conflicts.backoff(uid, finalizer=True) is None
        world.forget_requests()
        await world.live(20 * MINUTE, step=5)
        assert world.writes() == []

    async def test_one_that_is_being_deleted_is_let_go_though_the_dispute_goes_on(self, world: World) -> None:
        """Nobody can put a finalizer back on it, and the other operator may be gone by now."""
        key = world.claim("db", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(5)
        world.others.clear()
        world.claims.terminate(key)
        await world.settle()
        assert key not in world.claims.objects

    async def test_a_resource_that_could_not_be_told_is_told_later(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        await world.settle()
        world.claims.faults.refuse("status", ClusterUnavailableError("no answer"))
        world.claims.hold_up(key, *OFFICIAL)
        await world.settle()
        assert world.claims.ready(key).reason == "Synced"
        await world.live(MINUTE)
        assert world.claims.ready(key).reason == "AnotherOperatorActive"

    @pytest.mark.parametrize("kind", ["resource", "deployment"])
    async def test_a_finalizer_that_is_back_before_we_hear_of_its_going_opens_a_dispute_as_well(self, world: World, kind: str) -> None:
        """The watch overtakes the answer, and shows nothing twice."""
        key = world.claim("db", finalizers=OFFICIAL) if kind == "resource" else world.asks("web", finalizers=OFFICIAL)
        answer = world.finalizers.remove

        async def late(source: ObjectRef, uid: str) -> str | None:
            finalizer_removed = await answer(source, uid)
            world.claims.events.clear()  # a LIST, say, shows no more than the last state
            world.workloads.events.clear()
            if kind == "resource":
                world.claims.hold_up(key, *OFFICIAL)
            else:
                world.workloads.hold_up("web", *OFFICIAL)
            world.watch()
            return finalizer_removed

        world.finalizers.remove = late  # type: ignore[method-assign]
        await world.live(10 * MINUTE)
        assert len(world.finalizers.released) == 1
        reported = [event.message for event in world.events.reported if event.kind == "Warning"]
        assert len(reported) == 1
        assert "another operator works on" in reported[0]

    async def test_all_who_share_a_secret_and_are_in_dispute_are_told_and_tried(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        world.asks("web", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(MINUTE)
        assert world.claims.ready(key).reason == "AnotherOperatorActive"
        assert world.events.reasons("web")[-1] == "ReconcileError"
        world.finalizers.released.clear()
        await world.live(15 * MINUTE)
        assert len(world.finalizers.released) == 2

    @pytest.mark.parametrize("path", ["vaults/Prod/items/mine", "vaults/Prod/items/db", "nonsense"])
    async def test_who_does_not_rule_the_secret_can_not_bring_it_to_a_halt(self, world: World, path: str) -> None:
        """Who may make Deployments may put the finalizer on one of them, as often as they like."""
        item = world.source.put(world.vault, "mine", password="one")
        key = world.claim("db", "vaults/Prod/items/mine")
        await world.settle()
        world.asks("web", path=path, finalizers=OFFICIAL)
        world.others.append(lambda: None if world.workloads.objects["app", "web"].finalizers else world.workloads.hold_up("web", *OFFICIAL))
        await world.live(5)
        world.source.edit(item, password="two")
        world.secrets.overwrite(key, password="edited")
        await world.live(2 * MINUTE)
        assert world.secrets.values(key) == {"password": "two"}
        assert world.claims.ready(key).reason == "Synced"
        assert world.events.reasons("web")[-1] == "ReconcileError"
        assert world.finalizers.released == [ObjectRef("Deployment", "app", "web")]

    @pytest.mark.parametrize("late", [False, True])
    async def test_a_deployment_that_asks_for_nothing_is_not_fought_over_either(self, world: World, late: object) -> None:
        answer = world.finalizers.remove

        async def put_back(source: ObjectRef, uid: str) -> str | None:
            finalizer_removed = await answer(source, uid)
            world.workloads.hold_up("web", *OFFICIAL)
            if late:
                world.watch()
            return finalizer_removed

        world.finalizers.remove = put_back  # type: ignore[method-assign]
        world.workloads.deploy("web", "db", finalizers=OFFICIAL)
        for _ in range(10):
            await world.live(MINUTE, step=5)
            await world.process.resync.run()
        assert len(world.finalizers.released) == 1

    async def test_one_that_only_shares_the_secret_says_so_while_the_secret_goes_on(self, world: World) -> None:
        item = world.source.put(world.vault, "mine", password="one")
        world.asks("web", path="vaults/Prod/items/mine", finalizers=("theirs",))
        await world.settle()
        key = world.claim("db", "vaults/Prod/items/mine", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(5)
        assert world.claims.ready(key).reason == "AnotherOperatorActive"
        world.forget_requests()
        world.source.edit(item, password="two")
        await world.live(2 * MINUTE)
        assert world.secrets.values(key) == {"password": "two"}
        assert world.claims.requests == []

    async def test_a_new_process_looks_anew(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(5)
        world.others.clear()
        await world.restart_process()
        await world.live(5)
        assert world.claims.objects[key].finalizers == ()
        assert world.claims.ready(key).reason == "Synced"


class TestRewrittenSecret:
    async def test_a_secret_rewritten_three_times_within_the_minute_is_left_alone(self, world: World) -> None:
        key = world.claim("db")
        await world.live(2 * MINUTE)
        times = relabelling(world)
        world.forget_requests()
        await world.live(10 * MINUTE)
        assert len(times) == 4  # the first rewrite and one after each of ours
        assert world.secrets.writes() == ["replace app/db"] * 3
        assert world.claims.ready(key).reason == "AnotherOperatorActive"
        assert world.claims.count("status") == 1
        assert names.SEAL not in world.secrets.objects[key].annotations

    async def test_each_further_round_is_one_write_to_the_secret(self, world: World) -> None:
        key = world.claim("db")
        await world.live(2 * MINUTE)
        times = relabelling(world)
        await world.live(10 * MINUTE)
        began, held = times[-1], len(times)
        world.forget_requests()
        await world.live(4 * 60 * MINUTE, step=5)
        assert [round((moment - began) / MINUTE) for moment in times[held:]] == [15, 45, 105, 165, 225]
        assert world.secrets.writes() == ["replace app/db"] * 5
        assert len(world.writes()) <= 5 * 3
        assert world.claims.ready(key).reason == "AnotherOperatorActive"

    async def test_the_resource_is_told_once_per_round_whatever_makes_for_a_look(self, world: World) -> None:
        key = world.claim("db")
        await world.live(2 * MINUTE)
        relabelling(world)
        await world.live(MINUTE)
        world.forget_requests()
        for number in range(5):
            world.claims.annotate(key, labels={"team": str(number)})
            await world.live(MINUTE)
        assert world.writes() == []

    async def test_once_or_twice_may_be_a_hand_edit(self, world: World) -> None:
        key = world.claim("db")
        await world.settle()
        for _ in range(2):
            relabelling(world)
            world.others[-1]()
            world.others.clear()
            await world.settle()
            assert names.SEAL in world.secrets.objects[key].annotations
        assert world.claims.ready(key).reason == "Synced"

    async def test_writes_for_other_owners_count_as_no_rewrites(self, world: World) -> None:
        key = world.asks("web")
        await world.settle()
        for name in ("one", "two", "three", "four"):
            world.workloads.deploy(name, "db")
            await world.live(1)
        relabelling(world)
        world.others[-1]()
        world.others.clear()
        await world.settle()
        assert names.SEAL in world.secrets.objects[key].annotations
        assert world.process.index.conflicts.backoff(world.workloads.objects["app", "web"].uid, finalizer=False) is None

    async def test_a_rewrite_every_other_minute_is_put_right_each_time(self, world: World) -> None:
        key = world.claim("db")
        await world.settle()
        for _ in range(6):
            relabelling(world)
            world.others[-1]()
            world.others.clear()
            await world.live(2 * MINUTE)
            assert names.SEAL in world.secrets.objects[key].annotations

    async def test_drift_of_another_shape_is_no_dispute_with_the_official_operator(self, world: World) -> None:
        key = world.claim("db")
        await world.settle()
        for number in range(10):
            world.secrets.overwrite(key, password=f"edited {number}")
            await world.live(1)
        assert world.claims.ready(key).reason == "Synced"

    async def test_it_ends_when_nobody_rewrites_any_more(self, world: World) -> None:
        key = world.claim("db")
        await world.settle()
        relabelling(world)
        await world.live(MINUTE)
        world.others.clear()
        await world.live(15 * MINUTE)
        assert world.claims.ready(key).reason == "Synced"
        assert names.SEAL in world.secrets.objects[key].annotations
        assert world.secrets.mark(key) is None
