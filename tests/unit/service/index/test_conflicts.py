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
def conflicts(clock: FakeClock) -> Conflicts:
    return Conflicts(clock)


def test_late_news_of_the_finalizer_is_no_conflict_and_an_object_that_is_gone_is_forgotten(conflicts: Conflicts) -> None:
    conflicts.note_removal("u", 10)
    assert [conflicts.note_finalizer("u", version) for version in (9, 10)] == [False, False]
    assert conflicts.backoff("u") is None
    assert conflicts.note_finalizer("u", 11)
    conflicts.note_removal("u", 20)
    conflicts.forget("u")
    assert conflicts.backoff("u") is None
    assert not conflicts.note_finalizer("u", 30)


def test_somebody_who_asks_ends_it_at_once(conflicts: Conflicts) -> None:
    conflicts.open("u")
    conflicts.end("u")
    assert conflicts.backoff("u") is None
    conflicts.end("u")
    conflicts.note_reported("u")


def test_only_so_many_removals_and_conflicts_are_remembered_and_the_newest_stay(
    conflicts: Conflicts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    for uid in ("a", "b", "a", "c"):
        conflicts.open(uid)
        conflicts.note_removal(uid, 10)
    assert [uid for uid in ("a", "b", "c") if conflicts.backoff(uid)] == ["a", "c"]
    assert [conflicts.note_finalizer(uid, 11) for uid in ("a", "b", "c")] == [True, False, True]


def test_the_refusal_says_what_to_do_and_when_it_goes_on() -> None:
    error = module.refusal(samples.CLAIM, seconds=1800)
    assert error.delay_seconds == 1800
    for part in ('OnePasswordItem "db"', "stop the other one", "goes on in 30 minutes", names.REFRESH):
        assert part in str(error)


def test_people_of_a_deployment_are_not_told_to_annotate_it() -> None:
    """The annotation would count as a demand of the Deployment's own, and hide the one on its pod template."""
    error = module.refusal(dataclasses.replace(samples.CLAIM, kind="Deployment"), seconds=900)
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
            if workload.claims and not workload.finalizers:
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
    async def test_a_finalizer_that_comes_back_draws_two_writes_in_ten_minutes_and_then_one_try_an_hour(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        source = world.claims.objects[key].ref
        times = putting_back(world)
        await world.live(10 * MINUTE)
        # The first two are the take-over itself.
        assert world.writes() == ["create app/db", f"status {key}", f"status {key}", f"release {source}"]
        assert len(times) == 1
        condition = world.claims.ready(key)
        assert (condition.status, condition.reason) == ("False", "AnotherOperatorActive")
        world.forget_requests()
        await world.live(4 * MINUTE)
        assert (world.writes(), world.secrets.requests, world.claims.requests) == ([], [], [])
        await world.process.resync.run()
        await world.settle()
        assert (world.writes(), world.claims.objects[key].finalizers) == ([], OFFICIAL)
        await world.live(4 * 60 * MINUTE, step=5)
        assert [round((moment - times[0]) / MINUTE) for moment in times[1:]] == [60, 120, 180, 240]
        assert (world.finalizers.released, world.secrets.writes()) == ([source] * 4, [])
        assert world.claims.count("status") <= 8  # that it goes on, and that it leaves it alone again
        assert world.source.count("item") == 0

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
        assert (world.secrets.values(key), world.writes()) == ({"password": "edited"}, [])

    async def test_it_ends_when_the_finalizer_stays_away(self, world: World) -> None:
        item = world.source.put(world.vault, "mine", password="one")
        key = world.claim("db", "vaults/Prod/items/mine", finalizers=OFFICIAL)
        times = putting_back(world)
        await world.live(5)
        world.others.clear()  # somebody stops the other operator
        world.source.edit(item, password="two")
        await world.live(59 * MINUTE, step=5)
        assert (world.claims.ready(key).reason, world.secrets.values(key)) == ("AnotherOperatorActive", {"password": "one"})
        await world.live(2 * MINUTE)
        assert world.claims.objects[key].finalizers == ()
        assert (world.claims.ready(key).reason, world.secrets.values(key)) == ("Synced", {"password": "two"})
        assert len(times) == 1

    async def test_a_try_on_request_that_fails_is_the_next_conflict(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        times = putting_back(world)
        await world.live(5)
        world.forget_requests()
        world.claims.annotate(key, refresh="now")
        await world.live(5)
        assert len(times) == 2
        await world.live(59 * MINUTE, step=5)
        assert len(times) == 2
        assert len(world.writes()) <= 3
        await world.live(2 * MINUTE)
        assert len(times) == 3

    async def test_a_deployment_is_told_by_an_event_once_per_conflict(self, world: World) -> None:
        key = world.asks("web", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(59 * MINUTE, step=5)
        assert world.secrets.values(key) == {"password": "one"}
        warnings = [event for event in world.events.reported if event.kind == "Warning"]
        assert [(event.name, event.reason) for event in warnings] == [("web", "ReconcileError")]
        assert "(AnotherOperatorActive)" in warnings[0].message
        assert len(world.writes()) == 2
        await world.live(2 * MINUTE)
        assert [event.reason for event in world.events.reported if event.kind == "Warning"] == ["ReconcileError"] * 2

    async def test_one_that_is_being_deleted_is_let_go_though_the_conflict_goes_on(self, world: World) -> None:
        """Nobody can put a finalizer back on it, and the other operator may be gone by now."""
        key = world.claim("db", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(5)
        world.others.clear()
        await world.settled(world.claims.terminate(key))
        assert key not in world.claims.objects

    async def test_a_resource_that_could_not_be_told_is_told_later(self, world: World) -> None:
        key = await world.settled(world.claim("db", finalizers=OFFICIAL))
        world.claims.faults.refuse("status", ClusterUnavailableError("no answer"))
        await world.settled(world.claims.hold_up(key, *OFFICIAL))
        assert world.claims.ready(key).reason == "Synced"
        await world.live(MINUTE)
        assert world.claims.ready(key).reason == "AnotherOperatorActive"

    @pytest.mark.parametrize("kind", ["resource", "deployment"])
    async def test_a_finalizer_that_is_back_before_we_hear_of_its_going_is_a_conflict_as_well(self, world: World, kind: str) -> None:
        """The watch overtakes the answer, and shows nothing twice."""
        key = world.claim("db", finalizers=OFFICIAL) if kind == "resource" else world.asks("web", finalizers=OFFICIAL)
        answer = world.finalizers.remove

        async def late(source: ObjectRef, uid: str) -> int | None:
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

    async def test_all_who_share_a_secret_and_are_in_conflict_are_told_and_tried(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        world.asks("web", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(MINUTE)
        assert world.claims.ready(key).reason == "AnotherOperatorActive"
        assert world.events.reasons("web")[-1] == "ReconcileError"
        world.finalizers.released.clear()
        await world.live(60 * MINUTE, step=5)
        assert len(world.finalizers.released) == 2

    @pytest.mark.parametrize("path", ["vaults/Prod/items/mine", "vaults/Prod/items/db", "nonsense"])
    async def test_who_does_not_rule_the_secret_can_not_bring_it_to_a_halt(self, world: World, path: str) -> None:
        """Who may make Deployments may put the finalizer on one of them, as often as they like."""
        item = world.source.put(world.vault, "mine", password="one")
        key = await world.settled(world.claim("db", "vaults/Prod/items/mine"))
        world.asks("web", path=path, finalizers=OFFICIAL)
        world.others.append(lambda: None if world.workloads.objects["app", "web"].finalizers else world.workloads.hold_up("web", *OFFICIAL))
        await world.live(5)
        world.source.edit(item, password="two")
        world.secrets.overwrite(key, password="edited")
        await world.live(2 * MINUTE)
        assert (world.secrets.values(key), world.claims.ready(key).reason) == ({"password": "two"}, "Synced")
        assert world.events.reasons("web")[-1] == "ReconcileError"
        assert world.finalizers.released == [ObjectRef("Deployment", "app", "web")]

    @pytest.mark.parametrize("late", [False, True])
    async def test_a_deployment_that_asks_for_nothing_is_not_fought_over_either(self, world: World, late: object) -> None:
        answer = world.finalizers.remove

        async def put_back(source: ObjectRef, uid: str) -> int | None:
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
        await world.settled(world.asks("web", path="vaults/Prod/items/mine", finalizers=(names.ORPHAN_FINALIZER,)))
        key = world.claim("db", "vaults/Prod/items/mine", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(5)
        assert world.claims.ready(key).reason == "AnotherOperatorActive"
        world.forget_requests()
        world.source.edit(item, password="two")
        await world.live(2 * MINUTE)
        assert (world.secrets.values(key), world.claims.requests) == ({"password": "two"}, [])

    async def test_a_new_resource_behind_a_deployment_in_conflict_is_told_so_at_once(self, world: World) -> None:
        world.asks("web", under="db", finalizers=OFFICIAL)
        putting_back(world)
        await world.live(5)
        key = world.claim("db")
        await world.live(5)
        assert world.claims.ready(key).status == "False"


class TestRewrittenSecret:
    async def test_a_secret_rewritten_three_times_within_the_minute_is_left_alone_but_for_three_writes_an_hour(self, world: World) -> None:
        key = world.claim("db")
        await world.live(2 * MINUTE)
        times = relabelling(world)
        world.forget_requests()
        await world.live(10 * MINUTE)
        assert len(times) == 4  # the first rewrite and one after each of ours
        assert world.secrets.writes() == ["replace app/db"] * 3
        assert (world.claims.ready(key).reason, world.claims.count("status")) == ("AnotherOperatorActive", 1)
        assert names.SEAL not in world.secrets.objects[key].annotations
        began = times[-1]
        world.forget_requests()
        await world.live(4 * 60 * MINUTE, step=5)
        assert sorted({round((moment - began) / MINUTE) for moment in times[4:]}) == [60, 120, 180, 240]
        assert world.secrets.writes() == ["replace app/db"] * 12
        assert world.claims.ready(key).reason == "AnotherOperatorActive"

    async def test_the_resource_is_told_once_per_conflict_whatever_makes_for_a_look(self, world: World) -> None:
        key = world.claim("db")
        await world.live(2 * MINUTE)
        relabelling(world)
        await world.live(MINUTE)
        world.forget_requests()
        for number in range(5):
            world.claims.annotate(key, labels={"team": str(number)})
            await world.live(MINUTE)
        assert world.writes() == []

    async def rewritten_once(self, world: World) -> None:
        relabelling(world)
        world.others[-1]()
        world.others.clear()
        await world.settle()
        assert names.SEAL in world.secrets.objects[world.key()].annotations

    async def test_writes_for_other_owners_count_as_no_rewrites(self, world: World) -> None:
        await world.settled(world.asks("web"))
        for name in ("one", "two", "three", "four"):
            world.workloads.deploy(name, "db")
            await world.live(1)
        await self.rewritten_once(world)
        assert world.process.index.conflicts.backoff(world.workloads.objects["app", "web"].uid) is None

    @pytest.mark.parametrize(("times", "minutes_between"), [(2, 0), (6, 2)], ids=["once or twice", "every other minute"])
    async def test_what_may_be_a_hand_edit_is_put_right_each_time(self, world: World, times: int, minutes_between: int) -> None:
        key = await world.settled(world.claim("db"))
        for _ in range(times):
            await self.rewritten_once(world)
            await world.live(minutes_between * MINUTE)
        assert world.claims.ready(key).reason == "Synced"

    @pytest.mark.parametrize("asked", [False, True])
    async def test_it_ends_when_nobody_rewrites_any_more_or_if_asked_for_within_the_same_minute(self, world: World, *, asked: bool) -> None:
        key = await world.settled(world.claim("db"))
        relabelling(world)
        await world.live(5)
        assert world.claims.ready(key).reason == "AnotherOperatorActive"
        world.others.clear()  # somebody stops the other operator
        if asked:
            world.claims.annotate(key, refresh="now")
        await world.live(5 if asked else 60 * MINUTE, step=5)
        assert world.claims.ready(key).reason == "Synced"
        assert names.SEAL in world.secrets.objects[key].annotations
        assert world.secrets.mark(key) is None
