"""Worlds in which one Secret is brought in line."""

import dataclasses
import logging
from typing import Any

import pytest

from fakes.item_source import fields_of
from fakes.world import Process, World
from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    BackendDeniedError,
    BackendUnavailableError,
    ClusterAdmissionError,
    ClusterConflictError,
    ClusterInvalidError,
    ClusterTerminatingError,
    ClusterUnavailableError,
)
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.target import Rendering
from onepassword_operator.service.secret_sync.reconcile import CONFLICTS


async def test_a_new_resource_costs_one_item_read_one_create_one_status_write_and_no_get(world: World) -> None:
    await world.poll()
    item = world.source.put(world.vault, "db", password="one")
    key = world.claim("db", "vaults/Prod/items/db")
    world.forget_requests()
    await world.settle()
    assert world.secrets.values(key) == {"password": "one"}
    assert world.source.requests == [f"list {world.vault}", f"item {item}"]
    assert (world.secrets.requests, world.claims.requests) == (["create app/db"], ["status app/db"])
    assert world.claims.ready(key).reason == "Synced"
    assert [event.message for event in world.events.reported] == ['Secret "db" holds version 1, because there was no Secret']
    assert (world.secrets.mark(key), world.process.woken) == (None, set())


async def test_a_title_that_is_not_the_only_one_is_told(world: World) -> None:
    for password in ("one", "two"):
        world.source.put(world.vault, "db", password=password)
    key = await world.settled(world.claim("db", "vaults/Prod/items/db"))
    assert "2 items are named" in world.claims.ready(key).message


async def test_the_same_again_asks_and_writes_nothing_but_one_look(world: World) -> None:
    await world.synced()
    await world.look(world.key())
    assert (world.source.requests, world.secrets.requests) == ([], ["get app/db"])
    assert (world.claims.requests, world.events.reported) == ([], [])


async def test_a_restarted_process_finds_everything_in_place_without_reading_an_item(world: World) -> None:
    await world.synced("db", "copy")
    await world.start_anew()
    assert world.source.requests == ["vaults", f"list {world.vault}"]
    assert (world.secrets.writes(), world.claims.count("status")) == ([], 0)


async def test_a_changed_path_moves_the_secret_to_the_other_item_with_a_mark(world: World) -> None:
    await world.synced()
    other = world.source.put(world.vault, "other", user="x")
    world.clock.advance(5)  # a list older than this is not believed when it lacks an item
    key = await world.settled(world.claim("db", "vaults/Prod/items/other"))
    assert world.secrets.values(key) == {"user": "x"}
    mark = world.secrets.mark(key)
    assert mark
    assert (other in mark.content, mark.time) == (True, world.secrets.time)
    assert world.process.woken == {"app"}


async def test_an_invalid_path_is_told_at_once_and_costs_no_request(world: World) -> None:
    key = await world.settled(world.claim("db", "nonsense"))
    assert (world.claims.ready(key).reason, world.source.requests) == ("InvalidItemPath", [])
    assert (world.secrets.requests, world.process.queue.retries) == ([], {})


async def test_a_pinned_item_survives_a_rename_and_a_new_item_of_its_title(world: World, item: str) -> None:
    world.source.rename(item, "db (old)")
    world.source.put(world.vault, "db", password="impostor")
    await world.polled(world.source.edit(item, password="two"))
    assert world.secrets.values(world.key()) == {"password": "two"}


async def test_a_pin_survives_an_edit_that_breaks_the_seal(world: World, item: str) -> None:
    world.source.rename(item, "db (old)")
    await world.polled(world.source.put(world.vault, "db", password="impostor"))
    await world.settled(world.secrets.overwrite(world.key(), password="edited"))
    assert world.secrets.values(world.key()) == {"password": "one"}


async def test_a_pin_on_the_secret_is_believed_by_a_process_that_has_not_listed_secrets_yet(world: World, item: str) -> None:
    world.source.rename(item, "db (old)")
    world.source.put(world.vault, "db", password="impostor")
    world.process = Process(world)
    world.process.observe.claim_seen(world.claims.objects[world.key()])
    await world.settle()
    assert world.secrets.values(world.key()) == {"password": "one"}


async def test_annotations_without_a_seal_do_not_decide_what_is_followed(world: World) -> None:
    await world.synced()
    secret = world.source.put(world.vault, "crown jewels", password="forbidden")
    key = world.key()
    forged = dict(world.secrets.objects[key].annotations) | {names.ITEM_PATH: f"vaults/{world.vault}/items/{secret}"}
    world.secrets.edit(key, annotations=forged)
    await world.restart_process()
    await world.settle()
    assert world.secrets.values(key) == {"password": "one"}
    assert world.secrets.objects[key].annotations[names.ITEM_PATH] != forged[names.ITEM_PATH]


async def test_an_edited_secret_is_put_right_without_a_restart_mark(world: World) -> None:
    await world.synced()
    await world.settled(world.secrets.overwrite(world.key(), password="edited"))
    assert (world.secrets.values(world.key()), world.secrets.mark(world.key())) == ({"password": "one"}, None)
    assert (world.meter.repairs, world.events.reasons("db")) == (1, ["DriftCorrected"])


async def test_what_needs_no_value_is_put_right_while_1password_is_away(world: World) -> None:
    await world.synced()
    before = world.secrets.objects[world.key()]
    world.source.outage = BackendUnavailableError("no answer")
    world.secrets.edit(world.key(), owners=(), labels={})
    world.process.observe.secret_gone(world.key())  # as a watch that selects by label tells it
    await world.settle()
    repaired = world.secrets.objects[world.key()]
    assert (repaired.owners, repaired.labels, world.source.requests) == (before.owners, before.labels, [])


class TestDeleted:
    async def test_a_deleted_secret_is_made_anew_while_its_resource_lives(self, world: World) -> None:
        await world.synced()
        await world.settled(world.secrets.delete(world.key()))
        assert world.secrets.values(world.key()) == {"password": "one"}
        assert world.claims.requests[0] == "get app/db"  # a live look comes first

    @pytest.mark.parametrize("restarted", [False, True])
    async def test_it_carries_the_mark_it_had_when_it_was_deleted(self, world: World, item: str, *, restarted: bool) -> None:
        await world.polled(world.source.edit(item, password="two"))
        mark = world.secrets.mark(world.key())
        assert mark
        if restarted:
            await world.restart_process()
        world.secrets.time = "2024-06-01T00:00:00Z"
        await world.settled(world.secrets.delete(world.key()))
        assert world.secrets.mark(world.key()) == mark

    @pytest.mark.parametrize("restarted", [False, True])
    async def test_it_gets_a_mark_if_the_item_changed_together_with_the_deletion(self, world: World, item: str, *, restarted: bool) -> None:
        if restarted:
            await world.restart_process()
        world.source.edit(item, password="two")
        await world.polled(world.secrets.delete(world.key()))
        assert world.secrets.marked(world.key()) == [2]

    @pytest.mark.parametrize("restarted", [False, True])
    async def test_a_write_of_another_process_that_was_deleted_before_anybody_looked_is_marked_again(
        self, world: World, item: str, *, restarted: bool
    ) -> None:
        """A deletion is told without what was deleted; what the Secret was last seen to hold is not what it holds now."""
        world.workloads.deploy("web", "db", annotations={names.AUTO_RESTART: "true"})
        await world.restart_process()
        standing_by, world.process = world.process, Process(world)
        await world.process.resync.run()
        await world.polled(world.source.edit(item, password="two"))
        assert world.secrets.mark(world.key())
        if restarted:
            await world.restart()
            assert world.secrets.mark(world.key()) is None
        world.process = standing_by
        world.secrets.events.clear()
        world.workloads.events.clear()
        rollouts = world.workloads.rollouts["web"]
        await world.settled(world.secrets.delete(world.key()))
        await world.poll()
        assert world.secrets.marked(world.key()) == [2]
        await world.restart()
        assert world.workloads.rollouts["web"] - rollouts == (0 if restarted else 1)
        assert world.secrets.mark(world.key()) is None

    async def test_one_that_goes_while_a_new_process_looks_at_it_for_the_first_time_keeps_its_restart(self, world: World) -> None:
        item = await world.synced()
        world.source.edit(item, password="two")
        world.claims.objects.clear()
        await world.restart_process()
        world.claim("db")
        replace = world.secrets.replace

        async def too_late(*desired: Any, **basis: Any) -> ObservedSecret:
            world.secrets.replace = replace  # type: ignore[method-assign]
            world.secrets.delete(world.key())
            return await replace(*desired, **basis)

        world.secrets.replace = too_late  # type: ignore[method-assign]
        await world.settle()
        assert world.secrets.values(world.key()) == {"password": "two"}
        assert world.secrets.marked(world.key()) == [2]

    async def test_it_stays_gone_if_the_resource_is_gone(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "onepassword_operator")
        await world.synced()
        del world.claims.objects[world.key()]  # the watch has not told yet
        await world.settled(world.secrets.delete(world.key()))
        assert world.key() not in world.secrets.objects
        assert world.key() not in world.process.index.claims
        said = [vars(record) for record in caplog.records if record.getMessage() == "the object that asks is gone, its Secret stays gone"]
        assert [(each["secret"], each["object"]) for each in said] == [("app/db", "OnePasswordItem app/db")]

    @pytest.mark.parametrize("by_now", ["a namesake", "being deleted"])
    async def test_it_stays_gone_if_the_resource_is_another_by_now(self, world: World, by_now: str) -> None:
        await world.synced()
        if by_now == "a namesake":
            del world.claims.objects[world.key()]
            world.claims.apply(world.key(), "vaults/Prod/items/db")
        else:
            world.claims.terminate(world.key())
        world.claims.events.clear()
        await world.settled(world.secrets.delete(world.key()))
        assert world.key() not in world.secrets.objects

    async def test_a_secret_that_is_orphaned_with_its_resource_is_not_taken_back(self, world: World) -> None:
        """Kubernetes takes our reference away, and the watch on Secrets may tell it first."""
        await world.synced()
        del world.claims.objects[world.key()]
        await world.settled(world.secrets.edit(world.key(), owners=()))
        assert (world.owners(), world.secrets.writes()) == ([], [])

    async def test_a_failed_look_at_the_resource_re_creates_nothing_until_it_succeeds(self, world: World) -> None:
        await world.synced()
        world.claims.faults.refuse("get", ClusterUnavailableError("no answer"))
        await world.settled(world.secrets.delete(world.key()))
        assert world.key() not in world.secrets.objects
        world.clock.advance(1)
        await world.settle()
        assert world.key() in world.secrets.objects

    @pytest.mark.parametrize("how", ["delete", "terminate"])
    async def test_a_secret_of_a_deleted_resource_is_left_to_the_garbage_collector(self, world: World, item: str, how: str) -> None:
        await world.settled(getattr(world.claims, how)(world.key()))
        await world.polled(world.source.edit(item, password="two"))
        assert (world.secrets.writes(), world.source.requests) == ([], ["vaults"])


class TestOwnersInTrouble:
    """What a Secret should hold may be unknown for a long time; who needs it is known."""

    @pytest.fixture
    async def item(self, world: World) -> str:
        item = world.source.put(world.vault, "db", password="one")
        await world.settled(world.asks("web"))
        await world.poll()
        return item

    async def lost(self, world: World, item: str) -> None:
        """The item is deleted, and that is believed."""
        world.source.delete(item)
        await world.poll_after(60, times=3)
        assert world.events.reported[-1].message.endswith("(ItemNotFound)")
        world.forget_requests()

    async def test_who_uses_the_secret_owns_it_although_its_item_is_gone(self, world: World, item: str) -> None:
        """Else Kubernetes deletes the Secret with the Deployment that asked for it."""
        await self.lost(world, item)
        before = world.secrets.objects[world.key()]
        await world.settled(world.workloads.deploy("user", "db"))
        assert world.owners() == ["Deployment/web", "Deployment/user"]
        assert world.secrets.writes() == ["own app/db"]
        assert world.secrets.objects[world.key()].annotations == before.annotations
        await world.look(world.key())
        assert world.secrets.writes() == ["own app/db"]

    async def test_owners_that_can_not_be_added_hide_no_error_of_the_item(self, world: World, item: str) -> None:
        await self.lost(world, item)
        world.secrets.faults.refuse("own", ClusterAdmissionError("a webhook said no"))
        await world.settled(world.workloads.deploy("user", "db"))
        assert "AdmissionDenied" not in world.meter.passes

    @pytest.mark.usefixtures("item")
    @pytest.mark.parametrize("path", ["vaults/nonsense", "vaults/Prod/items/typo"])
    @pytest.mark.parametrize("let_go", [False, True])
    async def test_so_it_does_when_the_ruling_one_asks_for_nonsense(self, world: World, path: str, *, let_go: bool) -> None:
        if let_go:
            await world.settled(world.workloads.deploy("web"))
        await world.settled(world.asks("web", path=path))
        await world.settled(world.workloads.deploy("user", "db"))
        assert world.owners() == ["Deployment/web", "Deployment/user"]

    @pytest.mark.parametrize(("path", "owns"), [("vaults/Prod/items/db", True), ("vaults/Prod/items/other", False)])
    async def test_who_asks_for_the_same_does_too_but_nobody_else(self, world: World, item: str, path: str, *, owns: bool) -> None:
        world.source.put(world.vault, "other", password="two")
        await self.lost(world, item)
        await world.settled(world.asks("second", path=path))
        assert world.owners() == ["Deployment/web", "Deployment/second"][: 1 + owns]

    async def test_so_does_who_shared_it_by_another_spelling(self, world: World, item: str) -> None:
        await world.settled(world.asks("second", path=f"vaults/Prod/items/{item}"))
        await self.lost(world, item)
        await world.settled(world.secrets.edit(world.key(), owners=world.secrets.objects[world.key()].owners[:1]))
        assert world.owners() == ["Deployment/web", "Deployment/second"]

    async def test_a_secret_that_is_not_adopted_yet_is_not_touched(self, world: World) -> None:
        item = world.source.put(world.vault, "late", password="one")
        world.official(item, name="late")
        world.asks("second", under="late", path="vaults/Prod/items/typo")
        await world.settled(world.workloads.deploy("user", "late"))
        assert (world.owners("late"), world.secrets.writes()) == ([], [])


class TestConflict:
    async def test_a_secret_that_is_there_already_and_ours_is_adopted_after_one_get(self, world: World) -> None:
        await world.synced()
        world.claims.keep("MODIFIED", dataclasses.replace(world.claims.objects[world.key()], conditions=()))
        world.process = type(world.process)(world)  # a process that has not listed yet
        await world.settle()
        assert world.secrets.requests == ["create app/db", "get app/db"]
        assert world.claims.ready(world.key()).reason == "Synced"

    async def test_a_refused_name_is_taken_at_the_next_interval_after_it_was_freed(self, world: World) -> None:
        world.source.put(world.vault, "db", password="one")
        world.secrets.place(world.key())
        key = await world.settled(world.claim("db", "vaults/Prod/items/db"))
        del world.secrets.objects[key]
        world.clock.advance(60)
        await world.settle()
        assert world.secrets.values(key) == {"password": "one"}

    async def test_somebody_who_writes_in_between_makes_the_pass_decide_anew(self, world: World, item: str) -> None:
        key = world.key()
        world.source.edit(item, password="two")
        labels = dict(world.secrets.objects[key].labels) | {"team": "a"}
        world.secrets.before["replace"] = lambda: world.secrets.edit(key, labels=labels)
        await world.poll()
        assert world.secrets.values(key) == {"password": "two"}
        assert world.secrets.objects[key].labels["team"] == "a"

    async def test_a_secret_that_is_deleted_in_between_is_made_anew_and_nobody_is_told_of_trouble(self, world: World, item: str) -> None:
        key = world.key()
        world.source.edit(item, password="two")
        world.secrets.before["replace"] = lambda: world.secrets.delete(key)
        await world.poll()
        assert world.secrets.values(key) == {"password": "two"}
        assert world.secrets.mark(key)
        assert (world.claims.count("status"), world.events.reasons("db")) == (1, ["Updated"])

    async def test_a_namespace_that_is_going_is_no_place_to_try_again_at_once(self, world: World) -> None:
        await world.poll()
        world.source.put(world.vault, "db", password="one")
        world.secrets.faults.refuse("create", ClusterTerminatingError("the namespace is being deleted"))
        key = await world.settled(world.claim("db"))
        assert world.secrets.requests == ["create app/db"]
        assert world.claims.ready(key).reason == "NamespaceTerminating"

    async def test_endless_conflicts_give_others_their_turn_and_come_back_soon(self, world: World, item: str) -> None:
        world.source.edit(item, password="two")
        world.secrets.faults.refuse("replace", ClusterConflictError("changed"), times=CONFLICTS)
        await world.poll()
        assert (world.secrets.count("replace"), world.process.index.retries.attempts(world.key())) == (CONFLICTS, 1)
        assert world.claims.ready(world.key()).reason == "Synced"  # a blip is not told
        world.clock.advance(1)
        await world.settle()
        assert world.secrets.values(world.key()) == {"password": "two"}

    async def test_a_secret_that_is_being_deleted_is_waited_for(self, world: World) -> None:
        await world.synced()
        world.secrets.edit(world.key(), terminating=True)
        await world.settled(world.secrets.overwrite(world.key(), password="edited"))
        assert world.secrets.writes() == []
        await world.settled(world.secrets.delete(world.key()))
        assert world.secrets.values(world.key()) == {"password": "one"}

    async def test_a_write_is_told_even_if_what_became_no_key_can_not_be_read(self, world: World) -> None:
        item = world.source.put(world.vault, "odd", **{"password": "x", "..": "y"})
        await world.settled(world.asks("web", path="vaults/Prod/items/odd"))
        await world.start_anew()
        world.source.refused[item] = BackendUnavailableError("no answer")
        key = await world.settled(world.claim("db", "vaults/Prod/items/odd"))
        assert world.owners()[-1] == "OnePasswordItem/db"
        assert world.claims.ready(key).reason == "OnePasswordUnavailable"
        world.source.refused.clear()
        await world.live(60)
        assert world.claims.ready(key).reason == "FieldsSkipped"

    async def test_another_type_than_the_secret_has_is_refused_before_anything_is_read(self, world: World) -> None:
        await world.synced()
        key = await world.settled(world.claim("db", "vaults/Prod/items/db", secret_type="kubernetes.io/tls"))
        assert (world.claims.ready(key).reason, world.source.requests) == ("SecretTypeImmutable", [])
        await world.settled(world.secrets.delete(key))
        assert (world.claims.ready(key).reason, world.secrets.objects[key].type) == ("Synced", "kubernetes.io/tls")

    async def test_the_secret_of_a_dead_namesake_is_taken_over_without_a_restart(self, world: World) -> None:
        await world.synced()
        key = world.key()
        await world.settled(world.claims.delete(key))
        renewed = await world.settled(world.claims.apply(key, "vaults/Prod/items/db"))
        assert [reference.uid for reference in world.secrets.objects[key].owners] == [renewed.uid]
        assert (world.secrets.mark(key), world.claims.ready(key).reason) == (None, "Synced")


class TestLostAnswer:
    async def test_a_create_that_happened_unheard_is_found_and_nothing_is_written_again(self, world: World) -> None:
        world.source.put(world.vault, "db", password="one")
        world.secrets.faults.lose_answer("create")
        key = await world.settled(world.claim("db", "vaults/Prod/items/db"))
        world.clock.advance(1)
        await world.settle()
        assert (world.secrets.count("replace"), world.secrets.mark(key)) == (0, None)
        assert world.claims.ready(key).reason == "Synced"

    async def test_a_replace_that_happened_unheard_sets_no_second_mark(self, world: World, item: str) -> None:
        world.source.edit(item, password="two")
        world.secrets.faults.lose_answer("replace")
        await world.poll()
        mark = world.secrets.mark(world.key())
        world.secrets.time = "2024-06-01T00:00:00Z"
        world.clock.advance(1)
        await world.settle()
        assert (world.secrets.writes(), world.secrets.mark(world.key())) == (["replace app/db"], mark)
        assert world.process.woken == {"app"}


class TestOutOfStep:
    @pytest.mark.parametrize("behind", ["item", "list"])
    async def test_what_is_behind_the_other_converges_with_one_read_per_poll(self, world: World, item: str, behind: str) -> None:
        if behind == "item":
            world.source.hold_item(item)
        else:
            world.source.edit(item, password="two")
            world.source.hold_list(world.vault)
        world.source.edit(item, password="new")
        await world.poll_after(60, times=3)
        assert world.secrets.values(world.key()) == {"password": "one" if behind == "item" else "new"}
        assert world.secrets.count("replace") == (behind == "list")
        assert world.source.count("item") <= 3
        world.source.catch_up()
        await world.poll_after(60)
        assert world.secrets.values(world.key()) == {"password": "new"}
        await world.poll_after(60, times=2)
        world.forget_requests()
        await world.poll_after(60)
        assert world.source.requests == ["vaults"]

    async def test_an_item_that_is_listed_but_not_delivered_keeps_secret_and_status_and_is_told_if_it_is_archived(
        self, world: World, item: str
    ) -> None:
        world.source.edit(item, password="two")
        late = world.source.put(world.vault, "late", password="one")
        world.source.hold_list(world.vault)
        world.source.delete(item)
        await world.poll()
        assert (world.secrets.values(world.key()), world.claims.ready(world.key()).reason) == ({"password": "one"}, "Synced")
        world.source.archive(late)
        key = await world.settled(world.claim("late", "vaults/Prod/items/late"))
        assert world.claims.ready(key).reason == "ItemArchived"
        assert 'item "late" is archived' in world.claims.ready(key).message


class TestRestored:
    """The item shows a lower version than the Secret records."""

    async def edited(self, world: World) -> str:
        item = await world.synced()
        for password in ("two", "three"):
            world.source.edit(item, password=password)
            await world.poll_after(60)
        world.forget_requests()
        world.source._keep(dataclasses.replace(world.source.item(item), version=1, fields=fields_of({"password": "one"})))
        return item

    @pytest.mark.parametrize("restarted", [False, True])
    async def test_it_is_followed_after_ten_minutes_by_one_write_one_event_and_one_count(self, world: World, *, restarted: bool) -> None:
        await self.edited(world)
        if restarted:  # a new process takes its time as well
            await world.restart_process()
        for _ in range(10):
            await world.poll_after(60)
            assert world.writes() == []
        await world.poll_after(60)
        await world.poll_after(60, times=5)
        assert world.secrets.values(world.key()) == {"password": "one"}
        assert (world.secrets.marked(world.key()), len(world.secrets.writes())) == ([1], 1)
        assert (world.events.reasons("db"), world.meter.restored_count) == (["VersionRestored"], 1)

    async def test_a_secret_that_was_suspended_meanwhile_gets_what_was_edited_since(self, world: World) -> None:
        item = await world.synced("db", "late")
        for password in ("two", "three", "four"):
            world.source.edit(item, password=password)
            await world.poll_after(60)
        world.claims.annotate(world.key("late"), suspended=True)
        await world.settle()
        older = dataclasses.replace(world.source.item(item), version=1, fields=fields_of({"password": "one"}))
        world.source._keep(older)
        await world.poll_after(60, times=11)
        world.source.edit(item, password="since")
        await world.poll_after(60, times=2)
        world.claims.annotate(world.key("late"), suspended=False)
        await world.settle()
        assert [world.secrets.values(world.key(name))["password"] for name in ("db", "late")] == ["since", "since"]
        world.source.still_items[item] = older  # a server that lags behind: nothing goes back
        world.claims.annotate(world.key(), refresh="1")
        await world.settle()
        assert world.secrets.values(world.key()) == {"password": "since"}

    async def test_reads_have_to_agree_with_the_lists(self, world: World) -> None:
        item = await self.edited(world)
        world.source.still_items[item] = dataclasses.replace(world.source.item(item), version=3, fields=fields_of({"password": "three"}))
        await world.poll_after(60, times=19)
        assert (world.writes(), world.source.count("item")) == ([], 1)

    async def test_a_repair_waits_until_the_newer_version_can_be_read(self, world: World) -> None:
        item = await self.edited(world)
        world.secrets.delete(world.key())
        await world.poll_after(60)
        assert world.key() not in world.secrets.objects
        assert world.claims.ready(world.key()).reason == "Synced"
        world.source._keep(dataclasses.replace(world.source.item(item), version=3, fields=fields_of({"password": "three"})))
        await world.poll_after(60)
        assert world.secrets.values(world.key()) == {"password": "three"}
        assert world.secrets.writes() == ["create app/db"]

    @pytest.mark.parametrize("polls", [0, 1])
    async def test_an_edit_that_is_made_again_meanwhile_is_found_although_its_version_is_not_new(self, world: World, polls: int) -> None:
        item = await self.edited(world)
        world.workloads.settings["app"] = "true"
        world.workloads.deploy("web", "db")
        await world.restart()
        await world.poll_after(60, times=polls)
        world.secrets.time = "2024-06-01T00:00:00Z"
        world.source._keep(dataclasses.replace(world.source.item(item), version=3, fields=fields_of({"password": "again"})))
        world.source.updated[item] = "later"
        await world.poll_after(60)
        await world.restart()
        assert (world.secrets.values(world.key()), world.workloads.rollouts["web"]) == ({"password": "again"}, 2)
        assert "same version" in world.events.reported[-2].message

    async def test_what_somebody_wrote_on_a_secret_tells_nothing_about_the_item(self, world: World) -> None:
        """A Secret in the official operator's shape, with a version that the item has never had."""
        item = await world.synced("other")
        world.official(item, name="db", version=999_999, data={})
        await world.settled(world.claim("db"))
        assert world.claims.ready(world.key()).reason == "OnePasswordAnswerInvalid"
        world.forget_requests()
        await world.live(300)
        assert world.secrets.count("get app/other") == 0
        await world.live(400)
        assert world.claims.ready(world.key()).reason == "Synced"
        assert world.secrets.values(world.key()) == {"password": "one"}

    async def test_a_version_that_somebody_edited_on_our_secret_is_put_right_at_once_after_a_start(self, world: World) -> None:
        await world.synced()
        annotations = dict(world.secrets.objects[world.key()].annotations) | {names.ITEM_VERSION: "77"}
        world.secrets.edit(world.key(), annotations=annotations)
        await world.start_anew()
        assert world.secrets.objects[world.key()].annotations[names.ITEM_VERSION] == "1"


class TestFailures:
    async def test_an_item_that_gives_no_key_is_told_and_the_old_secret_stays(self, world: World, item: str) -> None:
        await world.polled(world.source.edit(item, password=""))
        assert world.claims.ready(world.key()).reason == "NoUsableFields"
        assert world.secrets.values(world.key()) == {"password": "one"}

    async def test_another_option_is_an_update_and_no_repair(self, world: World) -> None:
        world.source.put(world.vault, "db", password="one", empty="")
        key = await world.settled(world.claim("db", "vaults/Prod/items/db"))
        world.rendering = Rendering(allow_empty_values=True)
        await world.restart_process()
        await world.look(key)
        assert world.secrets.values(key) == {"password": "one", "empty": ""}
        assert world.events.reasons("db") == ["Created", "Updated"]

    async def test_a_refused_write_is_told_and_tried_again(self, world: World) -> None:
        world.source.put(world.vault, "db", password="one")
        world.secrets.faults.refuse("create", ClusterAdmissionError("a webhook said no"))
        key = await world.settled(world.claim("db", "vaults/Prod/items/db"))
        assert world.claims.ready(key).reason == "AdmissionDenied"
        world.clock.advance(60)
        await world.settle()
        assert world.claims.ready(key).reason == "Synced"

    async def test_content_that_the_api_server_refuses_is_tried_again_when_the_item_changes(self, world: World) -> None:
        item = await world.polled(world.source.put(world.vault, "db", password="one"))
        world.secrets.faults.refuse("create", ClusterInvalidError("a key is missing"))
        key = await world.settled(world.claim("db", "vaults/Prod/items/db"))
        assert (world.claims.ready(key).reason, world.process.queue.retries) == ("SecretInvalid", {})
        world.source.edit(item, password="two")
        await world.poll_after(60)
        assert (world.secrets.values(key), world.claims.ready(key).reason) == ({"password": "two"}, "Synced")


class TestSeveralWhoAsk:
    @pytest.fixture(autouse=True)
    def other(self, world: World) -> str:
        """Two items."""
        world.source.put(world.vault, "db", password="one")
        return world.source.put(world.vault, "other", user="x")

    async def test_an_owner_rules_though_an_older_one_comes(self, world: World) -> None:
        key = await world.settled(world.asks("young", created_at="2024-03-01T00:00:00Z"))
        await world.settled(world.asks("old", created_at="2024-02-01T00:00:00Z", path="vaults/Prod/items/other"))
        assert (world.secrets.values(key), world.owners()) == ({"password": "one"}, ["Deployment/young"])

    async def test_who_asks_for_another_item_is_refused_and_told_and_nothing_flips_in_a_hundred_polls(
        self, world: World, other: str
    ) -> None:
        await world.settled(world.asks("ruler"))
        key = world.claim("db", "vaults/Prod/items/other")
        await world.settled(world.asks("second", path=f"vaults/Prod/items/{other}"))
        assert world.claims.ready(key).reason == "TargetClaimed"
        assert 'Deployment "ruler"' in world.claims.ready(key).message
        assert world.events.reasons("second") == ["ReconcileError"]
        assert "(TargetClaimed)" in world.events.reported[-1].message
        before = world.secrets.objects[key]
        world.forget_requests()
        await world.poll_after(60, times=100)
        assert (world.writes(), world.secrets.objects[key]) == ([], before)
        assert world.source.count("item") == 0
        assert set(world.events.reasons("second")) <= {"ReconcileError"}
        assert world.events.reasons("ruler") == world.events.reasons("db") == []

    async def test_who_asks_for_another_type_is_refused(self, world: World) -> None:
        await world.settled(world.asks("ruler"))
        key = await world.settled(world.claim("db", secret_type="kubernetes.io/basic-auth"))
        assert (world.claims.ready(key).reason, world.secrets.objects[key].type) == ("TargetClaimed", "Opaque")

    async def test_who_was_refused_gets_the_name_when_it_is_free(self, world: World, other: str) -> None:
        await world.settled(world.asks("ruler"))
        key = await world.settled(world.claim("db", f"vaults/{world.vault}/items/{other}"))
        await world.settled(world.workloads.delete("ruler"))
        assert (world.secrets.values(key), world.claims.ready(key).reason) == ({"user": "x"}, "Synced")

    async def test_a_change_is_told_once_to_all_who_share_and_a_path_that_leads_nowhere_to_who_asked_for_it(self, world: World) -> None:
        world.claim("db", "vaults/Prod/items/db")
        key = await world.settled(world.asks("web"))
        assert [event.reason for event in world.events.reported].count("Created") == 1
        assert world.claims.ready(key).reason == "Synced"
        told = world.events.reasons("web")
        await world.settled(world.claim("db", "vaults/Prod/items/typo"))
        assert (world.claims.ready(key).reason, world.events.reasons("web")) == ("ItemNotFound", told)

    @pytest.mark.parametrize("path", ["vaults/Prod/items/db", "vaults/Prod/items/typo"])
    async def test_who_asks_for_something_else_is_let_go_and_told_once_though_the_ruling_one_gets_nothing(
        self, world: World, path: str
    ) -> None:
        world.asks("web", path="vaults/Prod/items/none", finalizers=(names.OFFICIAL_FINALIZER,))
        key = await world.settled(world.claim("db", path, finalizers=(names.OFFICIAL_FINALIZER,)))
        assert (world.claims.ready(key).reason, len(world.finalizers.released)) == ("TargetClaimed", 2)
        await world.live(300)
        assert (world.claims.ready(key).reason, world.claims.count("status")) == ("TargetClaimed", 1)

    async def test_a_blip_is_told_to_a_new_resource_and_to_nobody_who_knows_more(self, world: World) -> None:
        refused = world.asks("web", path="vaults/Prod/items/db")
        await world.settled(world.claim("db", "vaults/Prod/items/other"))
        assert world.claims.ready(refused).reason == "TargetClaimed"
        world.asks("api", under="late", path="vaults/Prod/items/another")
        world.source.outage = BackendUnavailableError("no answer")
        world.clock.advance(5)
        world.secrets.overwrite(refused, password="edited")
        new = await world.settled(world.claim("late", "vaults/Prod/items/db"))
        assert world.claims.ready(refused).reason == "TargetClaimed"
        assert world.claims.ready(new).reason == "OnePasswordUnavailable"

    async def test_a_ruling_one_that_changes_its_mind_takes_the_secret_along(self, world: World, other: str) -> None:
        key = world.asks("ruler")
        await world.settled(world.asks("second"))
        assert world.owners()[0] == "Deployment/ruler"
        await world.settled(world.asks("ruler", path=f"vaults/Prod/items/{other}"))
        assert world.secrets.values(key) == {"user": "x"}
        assert world.events.reasons("second")[-1] == "ReconcileError"

    async def test_a_ruling_one_that_is_gone_though_the_watch_has_not_told_makes_way(self, world: World) -> None:
        key = world.asks("ruler")
        await world.settled(world.asks("second"))
        gone = world.workloads.objects.pop(("app", "ruler"))
        await world.settled(world.secrets.delete(key))
        world.clock.advance(1)
        await world.settle()
        assert world.owners()[0] == "Deployment/second"
        world.workloads.events.append(("DELETED", gone))
        await world.settle()
        assert world.owners() == ["Deployment/second"]

    async def test_a_blip_in_which_a_spelling_cannot_be_looked_up_changes_nothing_for_who_shared(self, world: World) -> None:
        key = await world.settled(world.claim("db", labels={"team": "a"}))
        items = world.process.index.item_users.of(key).revisions
        assert items
        await world.settled(world.asks("web", path=items[0].path))
        world.forget_requests()
        await world.restart_process()
        world.source.outage = BackendUnavailableError("no answer")
        await world.poll()
        await world.live(60)
        assert (world.writes(), world.events.reported) == ([], [])

    async def test_a_new_one_whose_spelling_cannot_be_looked_up_is_told_at_once(self, world: World) -> None:
        await world.settled(world.asks("web"))
        await world.restart_process()
        world.forget_requests()
        world.source.outage = BackendUnavailableError("no answer")
        await world.settled(world.asks("api", path="vaults/Prod/items/DB"))
        assert (world.events.reasons("api"), world.events.reasons("web")) == (["ReconcileError"], [])
        assert world.owners() == ["Deployment/web"]

    async def test_a_restarted_process_writes_nothing_for_those_who_share_or_were_refused(self, world: World) -> None:
        await world.settled(world.asks("ruler"))
        world.asks("web")
        await world.settled(world.claim("db", "vaults/Prod/items/other"))
        world.forget_requests()
        await world.start_anew()
        await world.poll()
        assert (world.writes(), world.source.count("item")) == ([], 0)


class TestSeveralWhoMeanTheSame:
    async def test_the_same_item_by_another_spelling_is_shared(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        key = await world.settled(world.claim("db", "vaults/Prod/items/db", labels={"team": "a"}))
        world.asks("web", path=f"vaults/{world.vault}/items/{item}")
        await world.settled(world.asks("api", path="vaults/prod/items/DB"))
        assert world.owners()[0] == "OnePasswordItem/db"
        assert set(world.owners()) == {"OnePasswordItem/db", "Deployment/web", "Deployment/api"}
        assert (world.claims.ready(key).reason, world.secrets.objects[key].labels["team"]) == ("Synced", "a")
        assert world.secrets.mark(key) is None
        assert not [event for event in world.events.reported if event.kind == "Warning"]

    async def test_one_that_leads_nowhere_does_not_keep_the_next_one_from_sharing(self, world: World, item: str) -> None:
        world.asks("lost", path="vaults/Prod/items/typo", created_at="2024-02-01T00:00:00Z")
        await world.settled(world.asks("web", path=f"vaults/Prod/items/{item}", created_at="2024-03-01T00:00:00Z"))
        assert world.owners() == ["OnePasswordItem/db", "Deployment/web"]

    async def test_a_resource_that_joins_later_says_what_became_no_key_as_well(self, world: World) -> None:
        world.source.put(world.vault, "odd", **{"password": "x", "..": "y"})
        await world.settled(world.asks("web", path="vaults/Prod/items/odd"))
        await world.start_anew()
        key = await world.settled(world.claim("db", "vaults/Prod/items/odd"))
        assert world.claims.ready(key).reason == "FieldsSkipped"

    async def test_who_asks_for_the_same_in_other_words_is_told_the_same(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="")
        world.asks("web")
        key = await world.settled(world.claim("db", f"vaults/Prod/items/{item}"))
        assert world.claims.ready(key).reason == "NoUsableFields"

    async def test_all_who_share_are_told_when_the_trouble_of_the_item_lasts_or_it_is_gone(self, world: World) -> None:
        """However they spell it."""
        item = world.source.put(world.vault, "db", password="one")
        await world.settled(world.asks("web"))
        key = await world.settled(world.claim("db", f"vaults/Prod/items/{item}"))
        assert world.owners()[0] == "Deployment/web"
        world.source.edit(item, password="two")
        world.source.refused[item] = BackendUnavailableError("no answer")
        await world.live(120)
        assert world.claims.ready(key).reason == "Synced"
        await world.live(180)
        assert world.claims.ready(key).reason == "OnePasswordUnavailable"
        world.source.refused.clear()
        await world.live(60)
        assert world.claims.ready(key).reason == "Synced"
        world.forget_requests()
        world.source.delete(item)
        await world.live(180)
        assert world.events.reasons("web")[-1] == "ReconcileError"
        assert world.claims.ready(key).reason == "ItemNotFound"

    async def test_one_that_shared_and_has_lost_its_way_shares_no_longer(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        await world.settled(world.asks("web"))
        key = await world.settled(world.claim("db", f"vaults/Prod/items/{item}", labels={"team": "a"}))
        assert world.secrets.objects[key].labels["team"] == "a"
        await world.settled(world.claim("db", "vaults/Prod/items/typo"))
        assert world.claims.ready(key).reason == "ItemNotFound"
        assert "team" not in world.secrets.objects[key].labels

    async def test_a_new_process_takes_the_owners_for_those_who_share_until_it_knows(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        await world.settled(world.asks("web"))
        key = await world.settled(world.claim("db", f"vaults/Prod/items/{item}"))
        world.secrets.overwrite(key, password="edited")
        await world.restart_process()
        world.source.outage = BackendDeniedError("refused")
        await world.settle()
        assert world.claims.ready(key).reason == "Unauthorized"

    async def test_an_owner_that_asks_for_something_else_by_now_does_not_share_the_trouble(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        world.source.put(world.vault, "other", user="x")
        await world.settled(world.asks("web"))
        key = await world.settled(world.claim("db", f"vaults/Prod/items/{item}"))
        await world.settled(world.claim("db", "vaults/Prod/items/other"))
        assert "OnePasswordItem/db" in world.owners()
        world.source.delete(item)
        await world.live(180)
        assert world.events.reasons("web")[-1] == "ReconcileError"
        assert world.claims.ready(key).reason == "TargetClaimed"

    async def test_whoever_waits_behind_a_claim_in_trouble_is_told_so(self, world: World) -> None:
        world.source.put(world.vault, "db", password="one")
        await world.settled(world.asks("broken", path="vaults/Prod/items/typo", created_at="2020-01-01T00:00:00Z"))
        key = await world.settled(world.claim("db"))
        condition = world.claims.ready(key)
        assert condition.reason == "TargetClaimed"
        for part in ('Deployment "broken"', "ItemNotFound"):
            assert part in condition.message
        await world.settled(world.workloads.delete("broken"))
        assert world.claims.ready(key).reason == "Synced"

    async def test_a_blip_of_who_rules_says_nothing_to_those_who_ask_for_something_else(self, world: World) -> None:
        world.source.outage = BackendUnavailableError("no answer")
        world.asks("ruler", created_at="2020-01-01T00:00:00Z")
        await world.settled(world.asks("second", path="vaults/Prod/items/other"))
        assert (world.events.reasons("ruler"), world.events.reasons("second")) == (["ReconcileError"], [])


class TestSuspended:
    async def test_who_else_asks_is_let_go_by_the_official_finalizer(self, world: World) -> None:
        """Nothing is said about the Secret, and nothing is left behind on the Deployment."""
        world.claim("db", suspended=True)
        await world.settled(world.asks("web", finalizers=(names.OFFICIAL_FINALIZER,), created_at="2025-01-01T00:00:00Z"))
        assert world.workloads.objects["app", "web"].finalizers == ()
        assert (world.secrets.writes(), world.events.reported) == ([], [])

    async def test_nothing_of_the_secret_is_written_and_the_condition_keeps_its_status_until_it_is_resumed(
        self, world: World, item: str
    ) -> None:
        await world.settled(world.claims.annotate(world.key(), suspended=True))
        condition = world.claims.ready(world.key())
        assert (condition.status, condition.reason) == ("True", "Suspended")
        assert names.SUSPEND in condition.message
        world.secrets.overwrite(world.key(), password="edited")
        world.source.edit(item, password="two")
        await world.poll_after(60, times=5)
        assert (world.secrets.values(world.key()), world.secrets.writes()) == ({"password": "edited"}, [])
        assert world.claims.count("status") == 1
        await world.restart_process()
        world.forget_requests()
        await world.poll()
        assert world.writes() == []
        await world.settled(world.claims.annotate(world.key(), suspended=False))
        assert world.secrets.values(world.key()) == {"password": "two"}
        assert (world.claims.ready(world.key()).reason, world.secrets.marked(world.key())) == ("Synced", [2])

    async def test_a_new_resource_that_is_suspended_makes_no_secret_and_knows_nothing(self, world: World) -> None:
        world.source.put(world.vault, "db", password="one")
        key = await world.settled(world.claim("db", suspended=True))
        assert key not in world.secrets.objects
        condition = world.claims.ready(key)
        assert (condition.status, condition.reason) == ("Unknown", "Suspended")
        assert world.source.requests == []

    async def test_one_whose_secret_is_gone_is_not_ready_and_says_so_until_it_resumes(self, world: World) -> None:
        await world.synced()
        await world.settled(world.claims.annotate(world.key(), suspended=True))
        await world.settled(world.secrets.delete(world.key()))
        for start in (world.settle, world.start_anew):
            await start()
            condition = world.claims.ready(world.key())
            assert (condition.status, condition.reason) == ("False", "Suspended")
            assert 'Secret "db" does not exist, and is not made, while the annotation' in condition.message
        assert world.claims.count("status") == 2
        await world.settled(world.claims.annotate(world.key(), suspended=False))
        assert (world.claims.ready(world.key()).status, world.secrets.values(world.key())) == ("True", {"password": "one"})

    @pytest.mark.parametrize("shared", [False, True])
    async def test_a_refresh_that_is_asked_for_meanwhile_says_that_it_waits_and_is_answered_afterwards(
        self, world: World, *, shared: bool
    ) -> None:
        if shared:
            world.source.put(world.vault, "db", password="one")
            await world.settled(world.asks("web"))
            await world.settled(world.claim("db", "vaults/Prod/items/db"))
        else:
            await world.synced()
        for asked in ({"suspended": True}, {"refresh": "now"}):
            await world.settled(world.claims.annotate(world.key(), **asked))
        assert world.claims.ready(world.key()).message.endswith("remove it to resume, which also answers the refresh that waits")
        world.forget_requests()
        world.clock.advance(60)
        await world.settled(world.claims.annotate(world.key(), suspended=False))
        assert world.source.count("item") == 1

    async def test_a_resource_that_shares_the_secret_may_suspend_it(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        key = await world.settled(world.asks("web"))
        await world.settled(world.claim("db", suspended=True))
        assert world.claims.ready(key).reason == "Suspended"
        world.source.edit(item, password="two")
        await world.live(120)
        assert world.secrets.values(key) == {"password": "one"}
        await world.settled(world.claims.annotate(key, suspended=False))
        assert world.secrets.values(key) == {"password": "two"}

    async def test_one_that_was_refused_suspends_nothing(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        world.source.put(world.vault, "other", password="x")
        key = await world.settled(world.asks("web", "db"))
        world.claim("db", "vaults/Prod/items/other", suspended=True)
        world.source.edit(item, password="two")
        await world.live(60)
        assert world.claims.ready(key).reason == "TargetClaimed"
        assert world.secrets.values(key) == {"password": "two"}
        world.process.restart._auto_restart = True
        await world.restart()
        assert (world.workloads.rollouts, world.secrets.mark(key)) == ({"web": 1}, None)


async def test_fields_skipped_is_told_again_after_an_outage_that_a_new_process_saw(world: World) -> None:
    world.source.put(world.vault, "db", password="x", 日本="y")
    key = await world.settled(world.claim("db", "vaults/Prod/items/db"))
    await world.poll()
    assert world.claims.ready(key).reason == "FieldsSkipped"
    await world.start_anew()
    assert world.claims.ready(key).reason == "FieldsSkipped"
    world.source.outage = BackendUnavailableError("down")
    await world.poll_after(60, times=5)
    assert world.claims.ready(key).reason == "OnePasswordUnavailable"
    world.source.outage = None
    world.source.requests.clear()
    await world.poll_after(60)
    assert world.claims.ready(key).reason == "FieldsSkipped"
    assert not [request for request in world.source.requests if request.startswith("item ")]  # however many resources there are


async def test_what_another_process_wrote_is_not_put_back_to_what_this_one_read_a_moment_ago(world: World) -> None:
    item = world.source.put(world.vault, "db", password="one")
    key = world.claim("db", "vaults/Prod/items/db")
    await world.poll()  # and the item is held for seconds
    ours, other = world.process, Process(world)
    await other.resync.run()
    world.process = other
    await world.poll()
    await world.polled(world.source.edit(item, password="two"))
    assert world.secrets.values(key) == {"password": "two"}
    world.process = ours
    world.forget_requests()
    ours.observe.secret_seen(world.secrets.objects[key])
    await world.settle()
    assert (world.secrets.values(key), world.secrets.writes()) == ({"password": "two"}, [])


async def test_a_deployment_that_names_a_secret_and_no_item_does_not_keep_it_from_a_resource(world: World) -> None:
    world.source.put(world.vault, "db", password="one")
    world.workloads.deploy("web", annotations={names.ITEM_NAME: "db"})
    key = await world.polled(world.claim("db", "vaults/Prod/items/db"))
    assert (world.claims.ready(key).reason, world.events.reasons("web")) == ("Synced", ["ReconcileError"])
