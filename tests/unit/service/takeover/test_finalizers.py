"""Taking over from the official operator: its Secrets, and the finalizer that it leaves on the objects."""

from typing import Any

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.errors import BackendUnavailableError, ClusterConflictError, ClusterUnavailableError
from onepassword_operator.model.secret import OwnerReference
from onepassword_operator.model.target import ObjectRef

OFFICIAL = (names.OFFICIAL_FINALIZER,)
RESOURCE = ObjectRef("OnePasswordItem", "app", "db")
WEB = ObjectRef("Deployment", "app", "web")
STRANGER = OwnerReference(kind="Certificate", name="tls", uid="x", api_version="cert-manager.io/v1")
OTHER = OwnerReference(kind="Deployment", name="other", uid="other", api_version="apps/v1")


@pytest.fixture
def item(world: World) -> str:
    return world.source.put(world.vault, "db", password="one")


def as_left(world: World, item: str, *, version: int | None = None, owned: bool = True) -> None:
    """A resource and its Secret as the official operator left them."""
    key = world.claim("db", finalizers=OFFICIAL)
    world.official(item, *([world.claims.objects[key].owner_reference] if owned else []), version=version)


def history(world: World) -> list[str]:
    """Writes to the Secret and releases, in order."""
    return [write for write in world.writes() if not write.startswith("status")]


class TestAdoption:
    @pytest.mark.parametrize("owned", [True, False])
    async def test_a_secret_at_the_same_revision_is_adopted_by_one_write_without_a_restart(
        self, world: World, item: str, *, owned: bool
    ) -> None:
        as_left(world, item, owned=owned)
        await world.settle()
        assert (world.secrets.writes(), world.secrets.mark(world.key())) == (["replace app/db"], None)
        assert (world.owners(), world.events.reasons("db")) == (["OnePasswordItem/db"], ["Adopted"])
        assert world.claims.ready(world.key()).reason == "Synced"

    async def test_one_that_lags_behind_is_brought_up_with_one_restart(self, world: World, item: str) -> None:
        world.source.edit(item, password="two")
        as_left(world, item, version=1)
        await world.settled(world.workloads.deploy("web", "db"))
        assert (world.secrets.writes(), world.secrets.marked(world.key())) == (["replace app/db"], [2])
        world.process.restart._auto_restart = True
        await world.restart()
        await world.restart()
        assert world.workloads.rollouts == {"web": 1}

    async def test_a_deployments_is_adopted_with_those_who_share_it(self, world: World, item: str) -> None:
        world.asks("web", finalizers=OFFICIAL)
        world.asks("second", finalizers=OFFICIAL)
        world.workloads.deploy("user", "db")
        await world.settled(world.official(item, world.workloads.objects["app", "web"].owner_reference))
        assert (world.secrets.writes(), world.owners()[0]) == (["replace app/db"], "Deployment/web")
        assert set(world.owners()) == {"Deployment/web", "Deployment/second", "Deployment/user"}
        assert world.secrets.mark(world.key()) is None
        assert not [name for name in ("web", "second") if world.workloads.objects["app", name].finalizers]

    @pytest.mark.parametrize("members", [{"owners": (STRANGER,)}, {"owners": (OTHER,)}, {"annotations": {names.ITEM_VERSION: "1"}}])
    async def test_one_that_belongs_to_somebody_else_who_lives_or_lacks_the_marks_is_refused(
        self, world: World, item: str, members: dict[str, Any]
    ) -> None:
        key = world.claim("db")
        world.official(item, **members)
        before = world.secrets.objects[key]
        await world.settle()
        assert (world.secrets.objects[key], world.claims.ready(key).reason) == (before, "TargetNotOwned")


class TestTheFinalizer:
    async def test_it_goes_after_the_secret_has_its_owner(self, world: World, item: str) -> None:
        as_left(world, item, owned=False)
        owned: list[list[str]] = []
        world.others.append(lambda: owned.append(world.owners()) if not world.claims.objects[world.key()].finalizers else None)
        await world.settle()
        assert history(world) == ["replace app/db", f"release {RESOURCE}"]
        assert owned[0] == ["OnePasswordItem/db"]

    async def test_it_stays_while_1password_is_out_of_reach_and_goes_after_the_adoption(self, world: World, item: str) -> None:
        as_left(world, item)
        world.source.outage = BackendUnavailableError("no answer")
        await world.live(600)
        assert history(world) == []
        world.source.outage = None
        await world.live(60)
        assert history(world) == ["replace app/db", f"release {RESOURCE}"]

    async def test_it_stays_while_the_secret_cannot_be_read(self, world: World, item: str) -> None:
        as_left(world, item)
        world.secrets.faults.refuse("get", ClusterUnavailableError("no answer"), times=2)
        await world.settle()
        assert world.claims.objects[world.key()].finalizers == OFFICIAL
        await world.live(5)
        assert world.claims.objects[world.key()].finalizers == ()

    async def test_what_only_a_person_can_mend_does_not_hold_it_up(self, world: World) -> None:
        """The Secret gets its reference all the same, so that deleting the object deletes it."""
        item = world.source.put(world.vault, "gone", password="one")
        key = world.claim("db", "vaults/Prod/items/gone", finalizers=OFFICIAL)
        world.official(item)
        world.source.delete(item)
        await world.settle()
        assert world.claims.ready(key).reason == "ItemNotFound"
        assert history(world) == ["own app/db", f"release {RESOURCE}"]
        assert world.owners() == ["OnePasswordItem/db"]

    async def test_one_whose_secret_is_somebody_elses_is_let_go_and_the_secret_is_not_touched(self, world: World) -> None:
        key = world.claim("db", finalizers=OFFICIAL)
        before = await world.settled(world.secrets.place(key, owners=(STRANGER,)))
        assert world.secrets.objects[key] == before
        assert history(world) == [f"release {RESOURCE}"]

    @pytest.mark.usefixtures("item")
    async def test_who_is_let_go_first_does_not_rule_the_secret_for_that(self, world: World, item: str) -> None:
        """A Secret from before version 1.4.0, and a token that is refused: all are let go, none has been adopted."""
        world.asks("young", finalizers=OFFICIAL, created_at="2025-01-01T00:00:00Z")
        as_left(world, item, owned=False)
        world.watch()
        for source in (ObjectRef("Deployment", "app", "young"), RESOURCE):
            await world.process.remove_finalizers.run(source)
        assert [source.name for source in world.finalizers.released] == ["young", "db"]
        assert world.owners()[0] == "OnePasswordItem/db"

    async def test_a_suspended_one_is_let_go_as_well(self, world: World) -> None:
        key = await world.settled(world.claim("db", finalizers=OFFICIAL, suspended=True))
        assert world.claims.objects[key].finalizers == ()

    async def test_one_that_was_in_sync_with_us_is_let_go_by_the_first_resync(self, world: World) -> None:
        await world.synced()
        world.claims.hold_up(world.key(), *OFFICIAL)
        await world.restart_process()
        world.forget_requests()
        await world.settle()
        assert history(world) == [f"release {RESOURCE}"]

    async def test_a_release_that_failed_is_tried_again(self, world: World, item: str) -> None:
        as_left(world, item)
        world.finalizers.faults.refuse("release", ClusterUnavailableError("no answer"))
        await world.settle()
        assert world.finalizers.released == []
        await world.live(2)
        assert world.finalizers.released == [RESOURCE]

    async def test_a_release_whose_answer_was_lost_is_no_dispute(self, world: World, item: str) -> None:
        as_left(world, item)
        world.finalizers.faults.lose_answer("release")
        await world.live(120)
        assert world.finalizers.released == [RESOURCE]
        assert world.claims.ready(world.key()).reason == "Synced"

    async def test_one_that_is_gone_by_then_is_nobodys_trouble(self, world: World, item: str) -> None:
        as_left(world, item)
        world.watch()
        gone = world.claims.objects.pop(world.key())
        await world.process.remove_finalizers.run(RESOURCE)
        assert world.finalizers.released == []
        assert not world.process.index.conflicts.note_finalizer(gone.uid, 9999)

    async def test_in_a_conflict_it_stays_until_it_is_time_to_try(self, world: World, item: str) -> None:
        as_left(world, item)
        world.watch()
        world.process.index.conflicts.open(world.claims.objects[world.key()].uid)
        await world.process.remove_finalizers.run(RESOURCE)
        assert (world.finalizers.released, world.secrets.requests) == ([], [])
        world.clock.advance(3600)
        await world.process.remove_finalizers.run(RESOURCE)
        assert world.finalizers.released == [RESOURCE]

    async def test_a_holder_that_is_not_held_up_is_left_alone(self, world: World) -> None:
        await world.synced()
        await world.process.remove_finalizers.run(RESOURCE)
        await world.process.remove_finalizers.run(WEB)
        assert (world.secrets.requests, world.finalizers.released) == ([], [])


@pytest.mark.usefixtures("item")
class TestDeletion:
    @pytest.fixture(autouse=True)
    def _out_of_reach(self, world: World) -> None:
        """None of this asks 1Password."""
        world.source.outage = BackendUnavailableError("no answer")

    @pytest.mark.parametrize(("owned", "writes"), [(False, ["own app/db"]), (True, [])])
    async def test_the_secret_goes_along_by_its_owner_reference_which_is_written_if_it_is_not_there(
        self, world: World, item: str, writes: list[str], *, owned: bool
    ) -> None:
        as_left(world, item, owned=owned)
        await world.settled(world.claims.terminate(world.key()))
        assert history(world) == [*writes, f"release {RESOURCE}"]
        assert world.owners() == ["OnePasswordItem/db"]
        assert world.key() not in world.claims.objects
        assert world.source.requests == []

    async def test_a_secret_of_ours_gets_it_as_well(self, world: World) -> None:
        """A crash between write and release, say, or somebody who took the reference away."""
        world.source.outage = None
        await world.synced()
        world.source.outage = BackendUnavailableError("no answer")
        world.secrets.edit(world.key(), owners=())
        world.secrets.events.clear()
        world.claims.hold_up(world.key(), *OFFICIAL)
        await world.settled(world.claims.terminate(world.key()))
        assert history(world) == ["own app/db", f"release {RESOURCE}"]

    async def test_heirs_get_their_references_before_the_deployment_goes(self, world: World, item: str) -> None:
        world.asks("web", finalizers=OFFICIAL)
        world.asks("second")
        world.workloads.deploy("user", "db")
        world.official(item, world.workloads.objects["app", "web"].owner_reference)
        world.workloads.terminate("web")
        owned: list[list[str]] = []
        world.others.append(lambda: owned.append(world.owners()) if ("app", "web") not in world.workloads.objects else None)
        await world.settle()
        assert history(world)[0] == "own app/db"
        assert set(owned[0]) == {"Deployment/web", "Deployment/second", "Deployment/user"}

    async def test_the_first_of_the_heirs_is_the_one_that_would_rule(self, world: World, item: str) -> None:
        """A Secret from before version 1.4.0, which somebody else's Deployment only wants to have."""
        await world.settled(world.asks("young", path="vaults/Prod/items/other", created_at="2025-01-01T00:00:00Z"))
        world.asks("web", finalizers=OFFICIAL)
        as_left(world, item, owned=False)
        await world.settled(world.workloads.terminate("web"))
        assert world.owners()[:2] == ["OnePasswordItem/db", "Deployment/young"]

    @pytest.mark.parametrize("owners", [(), (STRANGER,)])
    async def test_a_strangers_secret_is_not_touched(self, world: World, owners: tuple[OwnerReference, ...]) -> None:
        """The official operator deletes whatever Secret has the object's name."""
        key = world.claim("db", finalizers=OFFICIAL)
        before = world.secrets.place(key, owners=owners)
        await world.settled(world.claims.terminate(key))
        assert world.secrets.objects[key] == before
        assert key not in world.claims.objects

    async def test_objects_that_were_being_deleted_before_the_start_are_let_go_by_the_first_resync(self, world: World, item: str) -> None:
        as_left(world, item)
        world.claims.terminate(world.key())
        world.asks("web", under="mine", finalizers=OFFICIAL)
        world.workloads.terminate("web")
        world.workloads.deploy("bare", finalizers=OFFICIAL)
        await world.restart_process()
        await world.settle()
        assert set(world.finalizers.released) == {RESOURCE, WEB, ObjectRef("Deployment", "app", "bare")}

    @pytest.mark.parametrize("error", [ClusterUnavailableError("no answer"), ClusterConflictError("changed since")])
    async def test_a_reference_that_could_not_be_written_keeps_the_object_until_it_is(
        self, world: World, item: str, error: ClusterUnavailableError | ClusterConflictError
    ) -> None:
        as_left(world, item, owned=False)
        world.claims.terminate(world.key())
        world.secrets.faults.refuse("own", error)
        await world.settle()
        assert world.key() in world.claims.objects
        await world.live(2)
        assert world.key() not in world.claims.objects
        assert world.owners() == ["OnePasswordItem/db"]
