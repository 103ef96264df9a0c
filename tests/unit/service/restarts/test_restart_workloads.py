"""Restarts: exactly once per workload and revision, whatever happens on the way."""

import contextlib
import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import (
    ClusterAbsentError,
    ClusterConflictError,
    ClusterDeniedError,
    ClusterError,
    ClusterUnavailableError,
)
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.workload_kind import KINDS
from onepassword_operator.rules.restart_window import RestartWindow
from onepassword_operator.service.restarts import restart_workloads
from onepassword_operator.service.restarts.rate_limiter import RateLimiter
from onepassword_operator.service.restarts.restart_workloads import NamespaceKey
from onepassword_operator.service.runtime.work_queue import Priority

JUST_AFTER = "2024-05-01T12:00:01Z"


@pytest.fixture
def world() -> World:
    made = World()
    made.process.restart._auto_restart = True
    return made


async def changed(world: World, *secrets: str) -> str:
    """Secrets of one item that has just changed; returns the item's ID."""
    item = await world.synced(*secrets)
    await world.polled(world.source.edit(item, password="two"))
    world.forget_requests()
    return item


async def test_users_of_a_changed_secret_restart_once_and_the_mark_goes_and_leaves_nothing_to_look_at(world: World) -> None:
    world.workloads.deploy("web", "db")
    world.workloads.deploy("cron", "unrelated")
    item = await changed(world)
    await world.restart()
    assert world.workloads.rollouts == {"web": 1}
    assert world.workloads.restarted_for("web") == {"db": f"{world.vault}/{item}@2"}
    assert (world.secrets.mark(world.key()), world.events.reasons("web")) == (None, ["Restarted"])
    assert (world.meter.restarts, world.process.index.states.count_pending()) == (1, 0)
    await world.restart()
    assert world.workloads.rollouts == {"web": 1}
    world.forget_requests()
    await world.restart_process()
    assert (world.process.queue.depth(), world.secrets.writes()) == (0, [])


async def test_two_secrets_on_one_deployment_are_one_patch(world: World) -> None:
    world.workloads.deploy("web", "db", "copy")
    await changed(world, "db", "copy")
    await world.restart()
    assert (world.workloads.rollouts, world.workloads.requests.count("patch")) == ({"web": 1}, 1)
    assert set(world.workloads.restarted_for("web")) == {"db", "copy"}
    assert (world.secrets.mark(world.key("db")), world.secrets.mark(world.key("copy"))) == (None, None)


@pytest.mark.parametrize(
    ("refusal", "patches"),
    [(ClusterDeniedError("RBAC"), 1), (ClusterConflictError("by a webhook"), restart_workloads.TRIES)],
)
async def test_a_refused_patch_keeps_the_mark_while_other_deployments_and_other_secrets_go_on(
    world: World, caplog: pytest.LogCaptureFixture, refusal: ClusterError, patches: int
) -> None:
    for name in ("api", "web", "zoo"):
        world.workloads.deploy(name, "db")
    await changed(world, "db", "copy")
    world.workloads.refused["web"] = refusal
    with pytest.raises(type(refusal)):
        await world.restart()
    assert (world.workloads.rollouts, world.workloads.requests.count("patch")) == ({"api": 1, "zoo": 1}, 2 + patches)
    assert caplog.messages.count("workload could not be restarted") == 1
    assert world.secrets.mark(world.key())
    assert world.secrets.mark(world.key("copy")) is None
    world.workloads.refused.clear()
    await world.restart()
    assert (world.workloads.rollouts, world.secrets.mark(world.key())) == ({"api": 1, "web": 1, "zoo": 1}, None)


async def test_a_conflict_reads_live_and_decides_again(world: World) -> None:
    world.workloads.deploy("web", "db")
    await changed(world)
    world.workloads.before["patch"] = lambda: world.workloads.touch("web")
    await world.restart()
    assert world.workloads.rollouts == {"web": 1}
    assert world.workloads.requests[:4] == ["list", "patch", "get", "patch"]


@pytest.mark.parametrize(
    ("meanwhile", "restarted"),
    [
        pytest.param(lambda workloads: workloads.touch("web", secrets=frozenset()), ["old"], id="stops using the Secret"),
        pytest.param(lambda workloads: workloads.objects.pop(("app", "web")), ["old"], id="is deleted"),
        pytest.param(lambda workloads: workloads.deploy("late", "db", created_at=JUST_AFTER), ["old", "web", "late"], id="is made"),
    ],
)
async def test_what_becomes_of_a_deployment_during_a_pass_counts(world: World, meanwhile: Callable[..., Any], restarted: list[str]) -> None:
    for name in ("web", "old"):
        world.workloads.deploy(name, "db")
    await changed(world)
    world.workloads.before["patch"] = lambda: meanwhile(world.workloads)
    await world.restart()
    assert (world.workloads.rollouts, world.secrets.mark(world.key())) == (dict.fromkeys(restarted, 1), None)


async def test_a_deployment_deleted_between_conflict_and_get_is_done(world: World) -> None:
    world.workloads.deploy("web", "db")
    await changed(world)
    world.workloads.faults.refuse("patch", ClusterConflictError("changed"))
    world.workloads.before["get"] = lambda: world.workloads.objects.pop(("app", "web"))
    await world.restart()
    assert world.secrets.mark(world.key()) is None


async def test_a_lost_answer_does_not_restart_twice(world: World) -> None:
    world.workloads.deploy("web", "db")
    await changed(world)
    world.workloads.faults.lose_answer("patch")
    with pytest.raises(ClusterUnavailableError):
        await world.restart()
    await world.restart()
    assert (world.workloads.rollouts, world.secrets.mark(world.key())) == ({"web": 1}, None)


async def test_workloads_that_never_come_to_rest_keep_the_mark(world: World) -> None:
    await changed(world)
    made = iter(range(100))

    def another() -> None:
        world.workloads.deploy(f"web-{next(made)}", "db")
        world.workloads.before["list"] = another

    world.workloads.before["list"] = another
    with pytest.raises(ClusterUnavailableError):
        await world.restart()
    assert world.secrets.mark(world.key())


@pytest.mark.parametrize("verb", ["list", "namespace"])
async def test_what_is_unknown_keeps_the_mark(world: World, verb: str) -> None:
    world.workloads.deploy("web", "db")
    await changed(world)
    world.workloads.faults.refuse(verb, ClusterUnavailableError("no answer"))
    with pytest.raises(ClusterUnavailableError):
        await world.restart()
    assert world.secrets.mark(world.key())
    assert world.workloads.rollouts == {}


class TestOptIn:
    async def test_without_it_the_mark_is_cleared_and_nothing_is_patched(self, world: World) -> None:
        world.process.restart._auto_restart = False
        world.workloads.deploy("web", "db")
        await changed(world)
        await world.restart()
        assert (world.workloads.requests, world.secrets.mark(world.key())) == (["list"], None)

    @pytest.mark.parametrize(("operator", "setting", "restarts"), [("off", "true", 1), ("on", "false", 0), ("on", "", 1)])
    async def test_the_namespace_overrules_the_operator(self, world: World, operator: str, setting: str, restarts: int) -> None:
        world.process.restart._auto_restart = operator == "on"
        world.workloads.settings["app"] = setting
        world.workloads.deploy("web", "db")
        await changed(world)
        await world.restart()
        assert world.workloads.rollouts["web"] == restarts

    async def test_the_resource_overrules_the_deployment(self, world: World) -> None:
        world.workloads.deploy("web", "db", annotations={names.AUTO_RESTART: "true"})
        item = world.source.put(world.vault, "db", password="one")
        key = await world.polled(world.claim("db", "vaults/Prod/items/db", annotations={names.AUTO_RESTART: "false"}))
        await world.polled(world.source.edit(item, password="two"))
        await world.restart()
        assert (world.workloads.rollouts, world.secrets.mark(key)) == ({}, None)


class TestClearing:
    async def test_a_mark_that_moved_on_meanwhile_stays(self, world: World) -> None:
        item = await changed(world)
        before = world.secrets.objects[world.key()].annotations[names.RESTART_PENDING]
        await world.polled(world.source.edit(item, password="three"))
        moved = world.secrets.mark(world.key())
        states = world.process.index.states
        earlier = type(moved).parse(before) if moved else None  # what a pass that began earlier goes by
        states.set_sealed(world.key(), held=states.of(world.key()).held, mark=earlier)
        await world.restart()
        assert world.secrets.mark(world.key()) == moved

    async def test_a_secret_that_somebody_edited_keeps_its_mark_until_it_is_put_right(self, world: World) -> None:
        await changed(world)
        world.secrets.edit(world.key(), data={"password": Confidential(b"edited")})
        world.secrets.events.clear()
        await world.restart()
        assert world.secrets.mark(world.key())

    async def test_a_secret_that_is_gone_keeps_its_mark_in_memory(self, world: World) -> None:
        await changed(world)
        world.secrets.delete(world.key())
        world.secrets.events.clear()
        await world.restart()
        assert world.process.index.states.count_pending() == 1

    async def test_a_conflict_keeps_the_mark_for_the_next_pass(self, world: World) -> None:
        await changed(world)
        world.secrets.before["annotate"] = lambda: world.secrets.edit(world.key(), labels={names.MANAGED: "true", "a": "b"})
        with pytest.raises(ClusterConflictError):
            await world.restart()
        await world.restart()
        assert (world.secrets.mark(world.key()), world.secrets.objects[world.key()].labels["a"]) == (None, "b")

    async def test_a_secret_that_goes_while_it_is_cleared_is_no_trouble(self, world: World) -> None:
        await changed(world)
        world.secrets.before["annotate"] = lambda: world.secrets.delete(world.key())
        await world.restart()
        assert world.secrets.mark(world.key())  # made anew, and still to be looked at

    async def test_a_secret_that_can_not_be_cleared_keeps_nobody_else_from_being_restarted(self, world: World) -> None:
        """And it is tried again with the next list."""
        world.workloads.deploy("web", "db")
        await changed(world, "db", "unused")
        world.secrets.faults.refuse("annotate", ClusterDeniedError("no"))
        world.workloads.before["patch"] = lambda: marked.append(world.secrets.mark(world.key("unused")))
        marked: list[object] = []
        await world.restart()
        assert world.workloads.rollouts == {"web": 1}
        assert marked[0]
        assert (world.secrets.mark(world.key("db")), world.secrets.mark(world.key("unused"))) == (None, None)


class TestKinds:
    """What is watched besides Deployments."""

    @pytest.fixture
    def world(self) -> World:
        made = World(workload_kinds=KINDS.values())
        made.process.restart._auto_restart = True
        return made

    @pytest.mark.parametrize("kind", KINDS)
    async def test_each_is_restarted_once_unless_its_next_pods_read_the_secret_anyway(self, world: World, kind: str) -> None:
        made = world.workloads.deploy("worker", "db", kind=KINDS[kind])
        await changed(world)
        await world.restart()
        await world.restart()
        assert world.workloads.rollouts == ({"worker": 1} if made.kind.restarts else {})
        assert world.secrets.mark(world.key()) is None
        await world.restart_process()
        await world.restart()
        assert world.workloads.rollouts == ({"worker": 1} if made.kind.restarts else {})

    async def test_a_rollout_that_runs_a_deployments_template_restarts_and_the_deployment_stays_as_it_is(self, world: World) -> None:
        world.workloads.deploy("template", "db")
        world.workloads.deploy("other", "db")
        made = world.workloads.deploy("rollout", kind=KINDS["Rollout"])
        world.workloads.objects["app", "rollout"] = dataclasses.replace(made, template_of="template")
        await changed(world)
        world.workloads.before["patch"] = lambda: world.workloads.touch("rollout")
        await world.restart()
        assert world.workloads.rollouts == {"rollout": 1, "other": 1}
        assert world.secrets.mark(world.key()) is None

    async def test_while_rollouts_can_not_be_listed_a_deployment_without_pods_is_not_touched(self, world: World) -> None:
        """A Rollout may run its template, and would take a change of it for a new version."""
        made = world.workloads.deploy("template", "db")
        world.workloads.objects["app", "template"] = dataclasses.replace(made, has_no_pods=True)
        world.workloads.deploy("web", "db")
        world.workloads.unlisted["Rollout"] = ClusterUnavailableError("500")
        await changed(world)
        with pytest.raises(ClusterUnavailableError):
            await world.restart()
        assert world.workloads.rollouts == {"web": 1}
        del world.workloads.unlisted["Rollout"]
        await world.restart()
        assert world.workloads.rollouts == {"web": 1, "template": 1}

    @pytest.mark.parametrize(("goes", "restarted"), [(True, {"template": 1}), (False, {"rollout": 1})])
    async def test_a_rollout_has_the_settings_of_the_deployment_unless_it_goes(
        self, world: World, *, goes: bool, restarted: dict[str, int]
    ) -> None:
        world.process.restart._auto_restart = False
        world.workloads.deploy("template", "db", annotations={names.AUTO_RESTART: "true"})
        made = world.workloads.deploy("rollout", kind=KINDS["Rollout"])
        world.workloads.objects["app", "rollout"] = dataclasses.replace(made, template_of="template", terminating=goes)
        await changed(world)
        await world.restart()
        assert world.workloads.rollouts == restarted

    async def test_the_owner_of_one_whose_restarts_are_taken_back_is_named(self, world: World) -> None:
        def revert() -> None:
            world.workloads.revert("web")
            world.workloads.before["list"] = revert

        world.workloads.deploy("web", "db", kind=KINDS["StatefulSet"], controller="main")
        world.workloads.before["list"] = revert
        await changed(world)
        for _ in range(8):
            world.clock.advance(10)
            with contextlib.suppress(ClusterUnavailableError):
                await world.restart()
        assert world.events.reasons("web") == ["Restarted"] * 3 + ["RestartReverted"]
        assert 'Owner "main", which controls it' in world.events.reported[-1].message

    async def test_people_are_told_what_is_left_to_do(self, world: World) -> None:
        made = world.workloads.deploy("web", "db", kind=KINDS["DaemonSet"])
        world.workloads.objects["app", "web"] = dataclasses.replace(made, left_to_do="delete its pods")
        await changed(world)
        await world.restart()
        assert world.events.reported[-1].message == "Restarted for changed Secrets: db; delete its pods"

    async def test_marks_stay_while_a_kind_may_not_be_listed_and_the_others_restart(self, world: World) -> None:
        for kind in ("Deployment", "StatefulSet"):
            world.workloads.deploy(kind, "db", kind=KINDS[kind])
        world.workloads.unlisted = {"StatefulSet": ClusterDeniedError("RBAC"), "Rollout": ClusterAbsentError("no such kind")}
        await changed(world)
        with pytest.raises(ClusterDeniedError):
            await world.restart()
        assert world.workloads.rollouts == {"Deployment": 1}
        assert world.secrets.mark(world.key())
        del world.workloads.unlisted["StatefulSet"]
        await world.restart()
        assert world.workloads.rollouts == {"Deployment": 1, "StatefulSet": 1}
        assert world.secrets.mark(world.key()) is None


class TestWindow:
    """Restarts wait for a time of day, and Secrets do not."""

    OPENS = "2024-05-02T02:00:00Z"

    @pytest.fixture
    def world(self) -> World:
        made = World(restart_window=RestartWindow(datetime.time(2), datetime.time(5), datetime.UTC, "02:00-05:00 UTC"))
        made.process.restart._auto_restart = True
        made.workloads.deploy("web", "db")
        made.workloads.deploy("urgent", "db", annotations={names.RESTART_AT_ONCE: "true"})
        return made

    async def test_outside_of_it_they_are_due_and_told_but_for_those_whose_owner_does_not_wait(self, world: World) -> None:
        await changed(world)
        assert world.secrets.values(world.key()) == {"password": "two"}
        await world.restart()
        assert world.workloads.rollouts == {"urgent": 1}
        assert world.events.reasons("web") == ["RestartPending"]
        assert "02:00-05:00 UTC" in next(event.message for event in world.events.reported if event.name == "web")
        assert (world.secrets.mark(world.key()) is not None, world.process.index.states.count_pending()) == (True, 1)

    async def test_when_it_opens_they_are_made_also_after_a_restart_of_the_operator(self, world: World) -> None:
        async def turns() -> None:
            world.process.first_poll.set()
            world.process.rollouts.wake("app")
            while world.process.restarts.waiting():
                await world.process.restart_loop.run_next()

        await changed(world)
        for _ in range(2):
            await turns()
            due, _ = world.process.restarts.retries[NamespaceKey("app")]
            assert due - world.clock.now == 14 * 3600
            await world.restart_process()
            world.process.restart._auto_restart = True
        world.secrets.time = self.OPENS
        await turns()
        assert world.workloads.rollouts == {"urgent": 1, "web": 1}
        assert world.secrets.mark(world.key()) is None
        assert NamespaceKey("app") not in world.process.restarts.retries

    async def test_one_that_opens_while_they_are_put_off_is_not_missed(self, world: World) -> None:
        world.process.first_poll.set()
        world.workloads.delete("urgent")
        await changed(world, "db", "copy")

        def open_it(*_: object) -> None:
            world.secrets.time = self.OPENS

        world.secrets.before["annotate"] = open_it
        world.process.rollouts.wake("app")
        while world.process.restarts.waiting():
            await world.process.restart_loop.run_next()
        due, _ = world.process.restarts.retries[NamespaceKey("app")]
        assert due - world.clock.now == restart_workloads.OPENED_SECONDS

    async def test_those_that_wait_are_told_also_while_another_can_not_be_restarted(self, world: World) -> None:
        world.workloads.refused["urgent"] = ClusterDeniedError("RBAC")
        await changed(world)
        with pytest.raises(ClusterDeniedError):
            await world.restart()
        assert world.events.reasons("web") == ["RestartPending"]

    async def test_one_that_closes_while_they_wait_for_their_turn_puts_off_the_rest(self, world: World) -> None:
        world.workloads.deploy("later", "db")
        await changed(world)
        world.secrets.time = self.OPENS

        def close() -> None:
            world.secrets.time = "2024-05-02T05:00:00Z"

        world.workloads.before["patch"] = close
        await world.restart()
        assert world.workloads.rollouts == {"web": 1, "urgent": 1}
        assert world.secrets.mark(world.key())


class TestReverted:
    """A tool that owns the pod template takes the annotations away as often as they come."""

    @pytest.fixture
    def reverting(self, world: World) -> None:
        def revert() -> None:
            world.workloads.revert("web")
            world.workloads.before["list"] = revert

        world.workloads.deploy("web", "db")
        world.workloads.before["list"] = revert

    async def passes(self, world: World, count: int) -> None:
        for _ in range(count):
            world.clock.advance(10)
            with contextlib.suppress(ClusterUnavailableError):
                await world.restart()

    @pytest.mark.usefixtures("reverting")
    async def test_three_patches_and_a_warning_are_all_it_gets_until_the_next_change(self, world: World) -> None:
        item = await changed(world)
        await self.passes(world, 20)
        assert world.workloads.requests.count("patch") == 3
        assert world.events.reasons("web") == ["Restarted"] * 3 + ["RestartReverted"]
        assert "db" in world.events.reported[-1].message
        assert names.RESTARTED_FOR in world.events.reported[-1].message
        assert world.secrets.mark(world.key()) is None
        await world.polled(world.source.edit(item, password="three"))
        await self.passes(world, 5)
        assert world.workloads.requests.count("patch") == 6
        assert world.events.reasons("web").count("RestartReverted") == 2

    async def test_a_tool_that_reverts_slowly_undoes_nothing(self, world: World) -> None:
        """The pods have restarted, and the mark is gone by then."""
        world.workloads.deploy("web", "db")
        await changed(world)
        await world.restart()
        world.workloads.revert("web")
        await self.passes(world, 5)
        assert (world.workloads.rollouts, world.events.reasons("web")) == ({"web": 1}, ["Restarted"])


class TestNewProcess:
    """It owes what its predecessor owed, whether or not the Secret can be brought in line."""

    @pytest.mark.parametrize("path", ["vaults/Prod/items/typo", "nonsense"])
    async def test_for_a_secret_whose_path_leads_nowhere_by_now(self, world: World, path: str) -> None:
        world.workloads.deploy("web", "db")
        await changed(world)
        world.claims.apply(world.key(), path)
        await self.restarted(world)

    async def test_for_a_secret_that_several_ask_for_whose_item_is_frozen_by_now(self, world: World, item: str) -> None:
        await world.settled(world.asks("web", "db"))
        await world.polled(world.source.edit(item, password="two"))
        held = world.source.item(item)
        world.source._keep(dataclasses.replace(held, version=held.version + 1, tags=(names.IGNORE_TAG,)))
        await self.restarted(world)

    async def restarted(self, world: World) -> None:
        await world.restart_process()
        world.process.restart._auto_restart = True
        await world.poll()
        assert world.process.woken == {"app"}
        for _ in range(2):
            await world.restart()
        assert (world.workloads.rollouts, world.secrets.mark(world.key())) == ({"web": 1}, None)


class TestSuspended:
    async def test_nobody_is_restarted_until_it_is_resumed(self, world: World) -> None:
        world.workloads.deploy("web", "db")
        await changed(world)
        await world.settled(world.claims.annotate(world.key(), suspended=True))
        await world.restart()
        assert world.workloads.requests == []
        assert world.secrets.mark(world.key())
        await world.settled(world.claims.annotate(world.key(), suspended=False))
        await world.restart()
        assert (world.workloads.rollouts, world.secrets.mark(world.key())) == ({"web": 1}, None)

    async def test_other_secrets_of_the_namespace_are_restarted_for(self, world: World) -> None:
        world.workloads.deploy("web", "db", "copy")
        await changed(world, "db", "copy")
        await world.settled(world.claims.annotate(world.key(), suspended=True))
        await world.restart()
        assert set(world.workloads.restarted_for("web")) == {"copy"}
        assert world.secrets.mark(world.key("copy")) is None
        assert world.secrets.mark(world.key("db"))


async def test_the_resource_that_shares_the_secret_overrules(world: World) -> None:
    item = world.source.put(world.vault, "db", password="one")
    world.asks("web")
    await world.settled(world.claim("db", annotations={names.AUTO_RESTART: "false"}))
    await world.polled(world.source.edit(item, password="two"))
    await world.restart()
    assert world.workloads.rollouts == {}


class TestWhoHasNoSay:
    """A resource of the same name that asks for another item, and was refused."""

    @pytest.fixture
    async def item(self, world: World) -> str:
        item = world.source.put(world.vault, "db", password="one")
        world.source.put(world.vault, "other", password="x")
        await world.settled(world.asks("web", "db"))
        await world.poll()
        return item

    @pytest.mark.parametrize("restarts", [1, 0])
    @pytest.mark.parametrize(
        "refused", [{"suspended": True}, {"annotations": {names.AUTO_RESTART: "true"}}, {"annotations": {names.AUTO_RESTART: "false"}}]
    )
    async def test_it_neither_prevents_restarts_nor_causes_them(
        self, world: World, item: str, restarts: int, refused: dict[str, Any]
    ) -> None:
        world.process.restart._auto_restart = bool(restarts)
        key = await world.settled(world.claim("db", "vaults/Prod/items/other", **refused))
        assert world.claims.ready(key).reason == "TargetClaimed"
        await world.polled(world.source.edit(item, password="two"))
        await world.restart()
        assert (world.workloads.rollouts["web"], world.secrets.mark(key)) == (restarts, None)

    async def test_nor_does_it_before_the_first_look_of_a_new_process(self, world: World, item: str) -> None:
        key = world.claim("db", "vaults/Prod/items/other", suspended=True)
        await world.polled(world.source.edit(item, password="two"))
        await world.restart_process()
        world.process.restart._auto_restart = True
        await world.poll()
        await world.restart()
        assert (world.workloads.rollouts["web"], world.secrets.mark(key)) == (1, None)


class TestTurns:
    """Namespaces are restarted in turns, of one workload each."""

    async def changed_in(self, world: World, *namespaces: str) -> None:
        """A Secret in each namespace has just changed, and all restarts wait for their first turn."""
        world.process.first_poll.set()
        item = world.source.put(world.vault, "db", password="one")
        for namespace in namespaces:
            world.claims.apply(world.key(namespace=namespace), "vaults/Prod/items/db")
        await world.settle()
        await world.polled(world.source.edit(item, password="two"))
        assert world.process.woken == set(namespaces)

    async def test_a_restart_behind_four_thousand_in_four_namespaces_waits_for_one_of_each(self, world: World) -> None:
        large = [f"large-{number}" for number in range(4)]
        for namespace in large:
            for number in range(1000):
                world.workloads.deploy(f"{namespace}-{number}", "db", namespace=namespace)
        world.workloads.deploy("web", "db", namespace="small")
        await self.changed_in(world, *large, "small")
        while not world.workloads.rollouts["web"]:
            await world.process.restart_loop.run_next()
        assert world.workloads.rollouts.total() == 5
        assert world.workloads.requests == ["list", "patch"] * 5

    async def test_all_namespaces_come_to_their_end_with_two_lists_each(self, world: World) -> None:
        for namespace in ("app", "other"):
            for number in range(3):
                world.workloads.deploy(f"{namespace}-{number}", "db", namespace=namespace)
        await self.changed_in(world, "app", "other")
        while world.process.restarts.depth():
            await world.process.restart_loop.run_next()
        assert set(world.workloads.rollouts.values()) == {1}
        assert (world.workloads.rollouts.total(), world.workloads.requests.count("list")) == (6, 4)
        assert world.process.index.states.count_pending() == 0

    async def test_five_hundred_of_two_thousand_of_every_kind_restart_once_each_by_turns_of_their_namespaces(self) -> None:
        world = World(workload_kinds=KINDS.values())
        world.process.restart._auto_restart = True
        namespaces = [f"team-{number}" for number in range(100)]
        restarting = [row for row in KINDS.values() if row.restarts]
        for number, namespace in enumerate(namespaces):
            for each in range(5):
                world.workloads.deploy(f"due-{number}-{each}", "db", namespace=namespace, kind=restarting[each % len(restarting)])
            for each in range(15):
                kind = list(KINDS.values())[each % len(KINDS)]
                world.workloads.deploy(f"other-{number}-{each}", "db" if not kind.restarts else "another", namespace=namespace, kind=kind)
        await self.changed_in(world, *namespaces)
        for _ in namespaces:
            await world.process.restart_loop.run_next()
        assert len({name.split("-")[1] for name in world.workloads.rollouts}) == len(namespaces)
        while world.process.restarts.depth():
            await world.process.restart_loop.run_next()
        assert (len(world.workloads.rollouts), set(world.workloads.rollouts.values())) == (500, {1})
        assert all(name.startswith("due-") for name in world.workloads.rollouts)
        assert world.process.index.states.count_pending() == 0

    async def test_a_workload_that_can_not_be_restarted_is_tried_ever_less_often(self, world: World) -> None:
        for name in ("stuck", "web"):
            world.workloads.deploy(name, "db")
        await self.changed_in(world, "app")
        world.workloads.refused["stuck"] = ClusterUnavailableError("no answer")
        waits = []
        for _ in range(3):
            world.workloads.deploy("web", "db")
            while world.process.restarts.depth():
                await world.process.restart_loop.run_next()
            ((key, (due, _)),) = world.process.restarts.retries.items()
            waits.append(due - world.clock.now)
            world.clock.now = due
            world.process.restarts.ripen()
            assert key == NamespaceKey("app")
        assert waits[0] < waits[1] < waits[2]
        assert world.workloads.rollouts["web"] == 3

    async def test_nothing_is_restarted_before_the_first_poll(self, world: World) -> None:
        world.workloads.deploy("web", "db")
        await self.changed_in(world, "app")
        world.process.first_poll.clear()
        await world.process.restart_loop.run_next()
        assert (world.workloads.requests, world.process.restarts.depth()) == ([], 0)

    async def test_a_namespace_whose_secrets_are_not_written_yet_holds_up_no_other(self, world: World) -> None:
        for namespace in ("busy", "app"):
            world.workloads.deploy(namespace, "db", namespace=namespace)
        await self.changed_in(world, "busy", "app")
        await world.process.restarts.drop()
        world.process.queue.add(world.key("slow", "busy"), Priority.NEW)
        for namespace in ("busy", "app"):
            world.process.rollouts.wake(namespace)
        assert world.process.woken == {"app"}
        world.process.queue.done(await world.process.queue.take())
        assert world.process.woken == {"app", "busy"}

    async def test_it_waits_for_its_secrets_for_half_a_minute_however_often_it_is_woken(self, world: World) -> None:
        world.process.queue.add(world.key(), Priority.NEW)
        for _ in range(3):
            assert world.process.woken == set()
            world.process.rollouts.wake("app")
            world.clock.advance(10)
            world.process.restarts.ripen()
        assert world.process.woken == {"app"}

    async def test_a_second_change_meanwhile_is_one_restart_for_the_newest(self, world: World) -> None:
        """Of all workloads whose turn is yet to come: of `b`, which waits for the limiter, and of `c`."""

        async def rotate(seconds: float) -> None:
            world.clock.advance(seconds)
            if world.source.item(item).version == 2:
                await world.polled(world.source.edit(item, password="three"))

        for name in ("a", "b", "c"):
            world.workloads.deploy(name, "db")
        item = await changed(world)
        world.process.restart._limiter = RateLimiter(10.0, world.clock, sleep=rotate)
        for _ in range(2):
            await world.restart()
        assert world.workloads.rollouts == {"a": 2, "b": 1, "c": 1}
        assert {world.workloads.restarted_for(name)["db"] for name in "abc"} == {f"{world.vault}/{item}@3"}
        assert world.secrets.mark(world.key()) is None

    async def test_a_secret_that_is_suspended_meanwhile_restarts_nobody_whose_turn_is_yet_to_come(self, world: World) -> None:
        async def suspend(seconds: float) -> None:
            world.clock.advance(seconds)
            await world.settled(world.claims.annotate(world.key(), suspended=True))

        for name in ("a", "b", "c"):
            world.workloads.deploy(name, "db")
        await changed(world)
        world.process.restart._limiter = RateLimiter(10.0, world.clock, sleep=suspend)
        await world.restart()
        assert world.workloads.rollouts == {"a": 1}
        assert world.secrets.mark(world.key())


async def test_a_change_that_overtakes_the_answer_to_the_clearing_is_still_due(world: World) -> None:
    world.workloads.deploy("web", "db")
    item = await changed(world)
    annotate = world.secrets.annotate

    async def slow(basis: ObservedSecret, annotations: dict[str, str | None]) -> ObservedSecret:
        world.secrets.annotate = annotate  # type: ignore[method-assign]
        written = await annotate(basis, annotations)
        await world.polled(world.source.edit(item, password="three"))
        return written

    world.secrets.annotate = slow  # type: ignore[method-assign]
    await world.restart()
    await world.restart()
    assert world.workloads.rollouts == {"web": 2}
    assert world.workloads.restarted_for("web") == {"db": f"{world.vault}/{item}@3"}


async def test_a_restart_that_is_due_outlives_its_resource(world: World) -> None:
    world.workloads.deploy("web", "db")
    await changed(world)
    world.secrets.delete(world.key())
    world.claims.delete(world.key())
    world.watch()
    await world.settled(world.claim("db", "vaults/Prod/items/db"))
    world.process.restart._auto_restart = True
    await world.restart()
    assert world.workloads.rollouts == {"web": 1}


async def test_every_patch_takes_a_turn_the_repeated_ones_too(world: World) -> None:
    turns = 0

    async def sleep(seconds: float) -> None:
        nonlocal turns
        turns += 1
        world.clock.advance(seconds)

    for number in range(5):
        world.workloads.deploy(f"web-{number}", "db")
    await changed(world)
    world.process.restart._limiter = RateLimiter(10.0, world.clock, sleep=sleep)
    world.workloads.before["patch"] = lambda: world.workloads.touch("web-0")
    await world.restart()
    assert world.workloads.requests.count("patch") == 6
    assert turns == 5  # the first is at once


@pytest.mark.parametrize(("on_content", "restarts"), [(True, 1), (False, 2)])
async def test_a_new_title_restarts_nobody_if_only_content_does_but_what_is_due_stays_due(
    world: World, *, on_content: bool, restarts: int
) -> None:
    world.process.reconcile._restart_on_content = on_content
    world.workloads.deploy("web", "db")
    item = await changed(world)
    world.source.rename(item, "renamed")
    await world.poll()
    await world.look(world.key())
    assert world.secrets.marked(world.key()) == [2 if on_content else 3]
    await world.restart()
    assert (world.workloads.rollouts, world.secrets.mark(world.key())) == ({"web": 1}, None)
    world.source.rename(item, "renamed again")
    await world.poll()
    await world.restart()
    assert (world.workloads.rollouts["web"], world.secrets.mark(world.key())) == (restarts, None)
