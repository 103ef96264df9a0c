"""Complete LISTs against what is known."""

import contextlib
from typing import Any

import pytest

from fakes.claim_store import FakeClaimStore
from fakes.workload_store import FakeWorkloadStore
from fakes.world import World
from onepassword_operator.model.errors import ClusterAbsentError, ClusterDeniedError, ClusterUnavailableError
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.workload_kind import KINDS


async def resync(world: World) -> None:
    """A resync, while the watches are silent."""
    world.claims.events.clear()
    world.workloads.events.clear()
    world.secrets.events.clear()
    await world.process.resync.run()


async def test_settled_secrets_are_not_queued(world: World) -> None:
    await world.synced("db", "copy")
    await resync(world)
    assert (world.process.queue.depth(), world.claims.requests, world.secrets.requests) == (0, ["list"], ["list"])


async def test_what_the_watches_missed_is_queued_and_new_resources_come_first(world: World) -> None:
    await world.synced("db", "copy")
    world.secrets.overwrite(world.key(), password="edited")
    del world.secrets.objects[world.key("copy")]
    third = world.claim("third", "vaults/Prod/items/db")
    await resync(world)
    assert world.process.queue.depth() == 3
    assert await world.process.queue.take() == third
    await world.process.controller.run(third)
    world.process.queue.done(third)
    await world.settle()
    for name in ("db", "copy", "third"):
        assert world.secrets.values(world.key(name)) == {"password": "one"}


async def test_a_refresh_that_the_watch_missed_is_answered(world: World) -> None:
    await world.synced()
    world.clock.advance(1)
    world.claims.annotate(world.key(), refresh="now")
    await resync(world)
    await world.settle()
    assert (world.source.requests[0], world.events.reasons("db")) == ("vaults", ["Refreshed"])


async def test_a_kind_of_workloads_that_is_refused_holds_up_nothing_else_and_one_that_is_gone_is_forgotten() -> None:
    world = World(workload_kinds=KINDS.values())
    world.source.put(world.vault, "db", password="one")
    for kind in ("StatefulSet", "Rollout", "Job"):
        world.asks(kind.lower(), under=kind.lower(), kind=KINDS[kind])
    await world.settle()
    world.workloads.unlisted = {"StatefulSet": ClusterDeniedError("RBAC"), "Rollout": ClusterAbsentError("none")}
    del world.workloads.objects["app", "rollout"]
    world.asks("late", under="late", kind=KINDS["Job"])
    await resync(world)
    kinds = {ref.kind for ref in world.process.index.claims.workloads()}
    assert kinds == {"StatefulSet", "Job"}
    assert [kind.kind for kind in world.process.index.kinds.refused("")] == ["StatefulSet", "Rollout"]
    await world.settle()
    assert world.secrets.values(world.key("late")) == {"password": "one"}
    assert [owner.kind for owner in world.secrets.objects[world.key("statefulset")].owners] == ["StatefulSet"]


async def test_the_trouble_of_one_kind_is_its_own_and_that_of_all_is_the_api_servers() -> None:
    world = World(workload_kinds=[KINDS["Deployment"], KINDS["Rollout"]])
    world.workloads.unlisted["Rollout"] = ClusterUnavailableError("a conversion webhook")
    await resync(world)
    assert [kind.kind for kind in world.process.index.kinds.refused("")] == ["Rollout"]
    world.workloads.unlisted["Deployment"] = ClusterUnavailableError("503")
    with pytest.raises(ClusterUnavailableError):
        await resync(world)


async def test_an_absent_resource_is_let_go_after_a_live_look(world: World) -> None:
    await world.synced()
    del world.claims.objects[world.key()]
    await resync(world)
    assert (world.claims.requests, len(world.process.index.claims)) == (["list", "get app/db"], 0)
    assert world.key() not in world.process.index.claims
    assert world.process.index.states._states == {}


async def test_a_namesake_that_a_live_look_shows_takes_the_place(world: World) -> None:
    await world.synced()
    del world.claims.objects[world.key()]
    world.claims.before["get"] = lambda: world.claims.apply(world.key(), "vaults/Prod/items/db")
    await resync(world)
    held = world.process.index.claims.resource(world.ref())
    assert (held and held.uid, world.process.queue.depth()) == (world.claims.objects[world.key()].uid, 1)


async def test_an_absent_deployment_is_let_go_after_a_live_look(world: World) -> None:
    await world.synced()
    world.asks("web", under="mine")
    await world.settled(world.workloads.deploy("user", "mine"))
    world.forget_requests()
    for name in ("web", "user"):
        del world.workloads.objects["app", name]
    await resync(world)
    assert world.workloads.requests == ["list all", "get", "get"]
    assert world.key("mine") not in world.process.index.claims
    assert world.process.index.claims.workloads() == set()


async def test_a_namesake_of_a_deployment_that_a_live_look_shows_takes_the_place(world: World) -> None:
    world.asks("web")
    world.watch()
    former = world.workloads.objects.pop(("app", "web")).uid
    world.workloads.before["get"] = lambda: world.asks("web", under="renamed")
    await resync(world)
    assert [claim.key.name for key in ("db", "renamed") for claim in world.process.index.claims.of(world.key(key))] == ["renamed"]
    assert world.workloads.objects["app", "web"].uid != former
    assert world.process.index.claims.of(world.key("renamed"))[0].uid != former


async def test_a_new_resource_on_the_secret_of_a_known_deployment_comes_first(world: World) -> None:
    await world.synced()
    await world.settled(world.asks("web", under="late"))
    world.secrets.overwrite(world.key(), password="edited")
    late = world.claim("late")
    await resync(world)
    assert await world.process.queue.take() == late


@pytest.mark.parametrize("kind", ["resource", "deployment"])
@pytest.mark.parametrize("fails", [False, True], ids=["that shows it", "that fails"])
async def test_what_the_list_lacked_is_kept_after_a_live_look(world: World, kind: str, *, fails: bool) -> None:
    key = world.claim("db") if kind == "resource" else world.asks("web")
    world.watch()
    store: FakeClaimStore | FakeWorkloadStore = world.claims if kind == "resource" else world.workloads
    objects: dict[Any, Any] = store.objects
    hidden = dict(objects)
    objects.clear()
    store.before["get"] = lambda: objects.update(hidden)
    if fails:
        store.faults.refuse("get", ClusterUnavailableError("no answer"))
    with pytest.raises(ClusterUnavailableError) if fails else contextlib.nullcontext():
        await resync(world)
    assert key in world.process.index.claims


async def test_a_resync_of_a_namespace_asks_for_and_concludes_nothing_of_others(world: World) -> None:
    await world.synced()
    world.claims.apply(SecretKey("other", "db"), "vaults/Prod/items/db")
    await world.settled(world.workloads.deploy("user", "db"))
    for objects in (world.claims.objects, world.workloads.objects):
        objects.clear()
    world.forget_requests()
    await world.process.resync.run("other")
    assert world.claims.requests == ["list", "get other/db", "exists other"]
    assert world.process.index.claims.keys() == [world.key()]
    assert (len(world.process.index.claims.workloads()), world.process.queue.depth()) == (1, 0)


async def test_a_namespace_without_resources_may_be_absent_and_is_looked_for(world: World) -> None:
    await world.synced()
    world.claims.absent = {"other", "app"}
    await world.process.resync.run("app")
    await world.process.resync.run("")
    with pytest.raises(ClusterAbsentError, match="namespace other does not exist; create it, or take it out of WATCH_NAMESPACE"):
        await world.process.resync.run("other")
    assert [request for request in world.claims.requests if request.startswith("exists")] == ["exists other"]


@pytest.mark.parametrize("which", ["claims", "workloads", "secrets"])
async def test_nothing_is_concluded_from_a_list_that_broke_off(world: World, which: str) -> None:
    await world.synced("db", "copy", "third")
    for name in ("web", "api", "cron"):
        world.workloads.deploy(name, "db")
    world.watch()
    store = getattr(world, which)
    store.objects.popitem()
    store.faults.refuse("list", ClusterUnavailableError("no answer"))
    with pytest.raises(ClusterUnavailableError):
        await resync(world)
    assert (len(world.process.index.claims), len(world.process.index.claims.workloads())) == (3, 3)
    assert world.process.queue.depth() == 0
