"""Deployments that ask for Secrets and use them: what they get, who owns it with them, and how they let go."""

import dataclasses

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.secret import OwnerReference
from onepassword_operator.model.target import ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import KINDS
from onepassword_operator.service.runtime.work_queue import Priority
from onepassword_operator.service.watch import observe_workloads

WEB = ObjectRef("Deployment", "app", "web")


@pytest.fixture
def world() -> World:
    made = World()
    made.source.put(made.vault, "db", password="one")
    made.source.put(made.vault, "other", password="two")
    return made


def shown(world: World, name: str = "web") -> Workload:
    """The Deployment as the API server has it now."""
    return world.workloads.objects["app", name]


class TestWhatNeedsALook:
    async def test_one_that_asks_for_nothing_and_uses_nothing_does_not(self, world: World) -> None:
        await world.settled(world.workloads.deploy("web"))
        assert world.process.index.claims.workloads() == set()
        assert (world.writes(), world.source.requests) == ([], [])

    async def test_one_that_asks_for_a_secret_gets_it_at_once(self, world: World) -> None:
        key = world.asks("web")
        world.watch()
        assert world.process.observe_workloads.record(shown(world)) == {}
        await world.settle()
        assert (world.secrets.values(key), world.owners()) == ({"password": "one"}, ["Deployment/web"])
        assert world.secrets.objects[key].annotations[names.ITEM_NAME] == "db"
        assert (world.events.reasons("web"), world.claims.requests) == (["Created"], [])

    async def test_of_several_that_one_annotation_asks_for_each_is_by_itself(self, world: World) -> None:
        def ask(*lines: str) -> None:
            world.workloads.deploy("web", annotations={names.ITEMS: "\n".join(lines)})

        ask("a=vaults/Prod/items/db", "b=vaults/Prod/items/other", "c=nonsense")
        await world.settle()
        assert (world.secrets.values(world.key("a")), world.secrets.values(world.key("b"))) == ({"password": "one"}, {"password": "two"})
        (failed,) = [event for event in world.events.reported if event.reason == "ReconcileError"]
        assert failed.message.startswith('Failed to sync secret "c" from 1Password')
        assert f"annotation {names.ITEMS}" in failed.message
        ask("b=vaults/Prod/items/db", "d=vaults/Prod/items/db")
        due = world.process.observe_workloads.record(shown(world))
        assert due == {world.key("b"): Priority.NEW, world.key("d"): Priority.NEW}
        assert world.process.index.claims.keys() == [world.key("b"), world.key("d")]
        world.workloads.delete("web")
        world.watch()
        assert world.process.index.claims.keys() == []

    async def test_jobs_that_use_a_secret_do_not_own_it(self) -> None:
        """Thousands that have ended may lie about."""
        world = World(workload_kinds=KINDS.values())
        world.source.put(world.vault, "db", password="one")
        await world.settled(world.asks("web"))
        world.forget_requests()
        for number in range(20):
            world.workloads.deploy(f"run-{number}", "db", kind=KINDS["Job"])
        world.workloads.deploy("nightly", "db", kind=KINDS["CronJob"])
        await world.settle()
        assert world.owners() == ["Deployment/web", "CronJob/nightly"]
        world.asks("job", kind=KINDS["Job"])
        await world.settle()
        assert "Job/job" in world.owners()

    async def test_steps_of_a_rollout_do_not(self, world: World) -> None:
        await world.settled(world.asks("web"))
        world.forget_requests()
        for _ in range(20):
            world.workloads.touch("web")
            world.watch()
        assert (world.process.queue.depth(), world.secrets.requests) == (0, [])

    async def test_late_news_does_not(self, world: World) -> None:
        world.asks("web")
        early = shown(world)
        await world.settled(world.asks("web", path="vaults/Prod/items/other"))
        assert world.process.observe_workloads.record(early) == {}
        assert [claim.item_path for claim in world.process.index.claims.of(world.key())] == ["vaults/Prod/items/other"]

    async def test_late_news_of_one_that_has_let_go_does_not(self, world: World) -> None:
        """A LIST of many pages shows what was at its beginning."""
        await world.settled(world.asks("web", "other"))
        early = shown(world)
        await world.settled(world.workloads.deploy("web"))
        assert world.process.observe_workloads.record(early) == {}
        assert world.process.index.claims.workloads() == set()
        await world.settled(world.asks("web"))
        assert world.owners() == ["Deployment/web"]

    async def test_only_so_many_that_have_let_go_are_remembered(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(observe_workloads, "_DROPPED", 2)
        for name in ("a", "b", "c"):
            world.workloads.deploy(name, "x")
            world.watch()
            world.workloads.deploy(name)
            world.watch()
        assert list(world.process.observe_workloads._dropped) == [shown(world, "b").uid, shown(world, "c").uid]

    async def test_news_of_one_that_is_known_to_be_deleted_does_not(self, world: World) -> None:
        await world.settled(world.asks("web"))
        last = shown(world)
        await world.settled(world.workloads.delete("web"))
        assert world.process.observe_workloads.record(dataclasses.replace(last, resource_version=99999)) == {}
        assert world.process.index.claims.workloads() == set()

    async def test_a_namesake_is_the_end_of_its_predecessor_whose_deletion_disturbs_it_not_and_of_the_conflict(self, world: World) -> None:
        await world.settled(world.asks("web"))
        last = shown(world)
        world.process.index.conflicts.open(last.uid)
        del world.workloads.objects["app", "web"]
        await world.settled(world.asks("web"))
        assert world.process.observe.is_gone(last.uid)
        assert world.process.index.conflicts.backoff(last.uid) is None
        world.process.observe_workloads.gone(WEB, "an earlier uid")
        assert world.key() in world.process.index.claims

    async def test_a_new_demand_is_more_urgent_than_a_change_of_owners(self, world: World) -> None:
        await world.settled(world.asks("api", under="shared"))
        world.workloads.deploy("web", "shared", annotations={names.ITEM_PATH: "vaults/Prod/items/db", names.ITEM_NAME: "db"})
        due = world.process.observe_workloads.record(shown(world))
        assert due == {world.key("shared"): Priority.LOW, world.key("db"): Priority.NEW}


class TestOwners:
    async def test_all_who_ask_for_it_or_use_it_own_it(self, world: World) -> None:
        world.workloads.deploy("early", "db")
        await world.settled(world.asks("web"))
        world.asks("second")
        world.workloads.deploy("late", "db")
        await world.settled(world.workloads.deploy("stranger", "unrelated"))
        assert world.owners()[0] == "Deployment/web"
        assert set(world.owners()) == {"Deployment/early", "Deployment/web", "Deployment/second", "Deployment/late"}
        assert (world.events.reasons("web"), world.meter.repairs) == (["Created"], 0)  # nothing that was wrong was put right

    async def test_who_stops_asking_but_goes_on_using_it_stays_and_who_stops_both_does_not(self, world: World) -> None:
        world.asks("web", "db")
        world.asks("second")
        world.asks("third")
        await world.settled(world.workloads.deploy("user", "db"))
        for name in ("third", "user"):
            world.workloads.deploy(name)
        await world.settled(world.workloads.deploy("web", "db"))
        assert set(world.owners()) == {"Deployment/web", "Deployment/second"}

    async def test_the_next_one_rules_when_the_ruling_one_goes(self, world: World) -> None:
        item = world.source.put(world.vault, "mine", password="one")
        for name in ("web", "second"):
            world.asks(name, path="vaults/Prod/items/mine")
        await world.settle()
        winner = world.owners()[0].removeprefix("Deployment/")
        (remaining_owner,) = {"web", "second"} - {winner}
        await world.settled(world.workloads.delete(winner))
        await world.polled(world.source.edit(item, password="two"))
        assert world.secrets.values(world.key()) == {"password": "two"}
        assert world.owners()[0] == f"Deployment/{remaining_owner}"

    async def test_a_secret_that_only_resources_ask_for_gets_none_and_one_that_a_deployment_shares_belongs_to_users_too(
        self, world: World
    ) -> None:
        world.claim("db")
        await world.settled(world.workloads.deploy("user", "db"))
        assert world.owners() == ["OnePasswordItem/db"]
        world.forget_requests()
        await world.settled(world.workloads.deploy("another", "db"))
        assert world.secrets.requests == []
        await world.settled(world.asks("web"))
        assert world.owners()[0] == "OnePasswordItem/db"
        assert set(world.owners()) == {"OnePasswordItem/db", "Deployment/web", "Deployment/user", "Deployment/another"}

    @pytest.mark.parametrize("uses", [(), ("db",)])
    async def test_when_only_the_resource_is_left_to_ask_no_deployment_owns_it(self, world: World, uses: tuple[str, ...]) -> None:
        world.claim("db")
        world.asks("web", *uses)
        await world.settled(world.workloads.deploy("user", "db"))
        await world.settled(world.workloads.deploy("web", *uses))
        assert world.owners() == ["OnePasswordItem/db"]
        assert names.ITEM_NAME not in world.secrets.objects[world.key()].annotations

    async def test_an_owner_that_somebody_else_put_on_a_resources_secret_stays(self, world: World) -> None:
        key = await world.settled(world.claim("db"))
        theirs = OwnerReference(kind="Deployment", name="theirs", uid="theirs", api_version="apps/v1")
        world.secrets.edit(key, owners=(*world.secrets.objects[key].owners, theirs))
        await world.settled(world.secrets.overwrite(key, password="edited"))
        assert world.owners() == ["OnePasswordItem/db", "Deployment/theirs"]

    async def test_one_that_is_being_deleted_does_not_own_it_any_longer(self, world: World) -> None:
        world.asks("web")
        await world.settled(world.workloads.deploy("user", "db", finalizers=("theirs",)))
        assert set(world.owners()) == {"Deployment/web", "Deployment/user"}
        await world.settled(world.workloads.terminate("user"))
        assert world.owners() == ["Deployment/web"]

    async def test_a_user_that_was_made_anew_owns_it_though_the_deletion_of_its_namesake_was_not_seen(self, world: World) -> None:
        """The watch may tell the two in either order, and Kubernetes does not take one for the other."""
        world.asks("web")
        await world.settled(world.workloads.deploy("user", "db"))
        del world.workloads.objects["app", "user"]
        await world.settled(world.workloads.deploy("user", "db"))
        assert shown(world, "user").uid in {owner.uid for owner in world.secrets.objects[world.key()].owners}

    async def test_nothing_is_written_again_once_all_own_it(self, world: World) -> None:
        for name in ("web", "second"):
            world.asks(name, "db")
        await world.settled(world.workloads.deploy("user", "db"))
        await world.poll()
        await world.poll()
        world.forget_requests()
        await world.start_anew()
        assert (world.writes(), world.source.count("item")) == ([], 0)


class TestLettingGo:
    async def test_the_last_owner_keeps_its_reference(self, world: World) -> None:
        """Kubernetes deletes the Secret with it; nobody else does."""
        key = await world.settled(world.asks("web"))
        before = world.secrets.objects[key]
        await world.settled(world.workloads.deploy("web"))
        assert world.secrets.objects[key] == before
        assert key not in world.process.index.claims

    async def test_another_name_makes_another_secret_and_leaves_the_former_as_it_is(self, world: World) -> None:
        former = await world.settled(world.asks("web"))
        before = world.secrets.objects[former]
        renamed = await world.settled(world.asks("web", under="renamed"))
        assert (world.secrets.values(renamed), world.secrets.objects[former]) == ({"password": "one"}, before)
        assert former not in world.process.index.claims

    async def test_another_name_lets_go_while_somebody_else_still_asks(self, world: World) -> None:
        world.asks("web")
        await world.settled(world.asks("second"))
        await world.settled(world.asks("web", under="renamed"))
        assert (world.owners(), world.owners("renamed")) == (["Deployment/second"], ["Deployment/web"])

    async def test_a_secret_that_nobody_asks_for_any_more_is_not_written(self, world: World) -> None:
        item = world.source.put(world.vault, "mine", password="one")
        key = await world.settled(world.asks("web", path="vaults/Prod/items/mine"))
        await world.settled(world.workloads.deploy("web"))
        world.forget_requests()
        world.source.edit(item, password="two")
        world.secrets.overwrite(key, password="edited")
        await world.poll_after(60, times=3)
        world.secrets.delete(key)
        await world.live(120)
        assert (world.writes(), world.source.count("item")) == ([], 0)

    async def test_a_secret_with_the_marks_but_without_a_claim_is_nobodys(self, world: World) -> None:
        """The official operator fills it, so whoever may create a Secret may read any item."""
        item = world.source.put(world.vault, "crown jewels", password="forbidden")
        marked = world.official(item, version=0, data={})
        labelled = world.official(item, version=0, name="labelled", data={}, labels={names.MANAGED: "true"})
        world.workloads.deploy("user", "db", "labelled")
        before = dict(world.secrets.objects)
        await world.restart_process()
        await world.live(180)
        assert (world.secrets.objects[marked], world.secrets.objects[labelled]) == (before[marked], before[labelled])
        assert (world.writes(), world.source.count("item"), world.source.count("list")) == ([], 0, 0)

    async def test_a_deleted_secret_is_made_anew_while_its_deployment_asks_for_it(self, world: World) -> None:
        key = await world.settled(world.asks("web"))
        await world.settled(world.secrets.delete(key))
        assert world.secrets.values(key) == {"password": "one"}
        assert world.workloads.requests[-1] == "get"  # a live look comes first

    @pytest.mark.parametrize("by_now", ["", "renamed"])
    async def test_it_stays_gone_if_the_deployment_asks_for_nothing_or_another_name_by_now(self, world: World, by_now: str) -> None:
        key = await world.settled(world.asks("web"))
        world.asks("web", under=by_now)
        world.workloads.events.clear()
        await world.settled(world.secrets.delete(key))
        assert key not in world.secrets.objects


class TestFinalizer:
    @pytest.mark.parametrize("uses", [(), ("db",)])
    async def test_one_that_asks_for_nothing_is_let_go_at_once(self, world: World, uses: tuple[str, ...]) -> None:
        """Its annotations were removed, and the official operator leaves its finalizer there for ever."""
        await world.settled(world.workloads.deploy("web", *uses, finalizers=(names.ORPHAN_FINALIZER, names.OFFICIAL_FINALIZER)))
        assert shown(world).finalizers == (names.ORPHAN_FINALIZER,)
        assert world.finalizers.released == [WEB]
        assert world.source.requests == []

    async def test_one_that_asks_is_let_go_after_its_secret_was_seen_to(self, world: World) -> None:
        key = await world.settled(world.asks("web"))
        world.workloads.hold_up("web", names.OFFICIAL_FINALIZER)
        due = world.process.observe_workloads.record(shown(world))
        assert due == {key: Priority.LOW}
        assert world.process.finalizers.waiting() == set()
        await world.look(key)
        assert world.finalizers.released == [WEB]

    async def test_a_finalizer_that_has_been_seen_needs_no_further_look(self, world: World) -> None:
        world.asks("web", finalizers=(names.OFFICIAL_FINALIZER,))
        world.process.observe_workloads.record(shown(world))
        world.workloads.touch("web")
        assert world.process.observe_workloads.record(shown(world)) == {}
