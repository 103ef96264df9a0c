"""When 1Password is asked, when the Secret itself is proof enough, and when its content is to stay whatever 1Password says."""

from __future__ import annotations

import dataclasses

import pytest

from fakes.item_source import FakeItemSource
from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    BackendError,
    BackendForbiddenError,
    BackendUnavailableError,
    ClusterUnavailableError,
    SecretTooLargeError,
)
from onepassword_operator.model.recipe import Entry, Part, Recipe, Shape
from onepassword_operator.model.target import Claim
from onepassword_operator.rules.contents import item_room
from onepassword_operator.service.secret_sync.pins import CONFIRMATIONS
from unit.rules.samples import CLAIM

FROZEN = (names.IGNORE_TAG,)


def tag(source: FakeItemSource, item: str, *tags: str) -> None:
    """Somebody edits the tags, which is a new version."""
    held = source.item(item)
    source._keep(dataclasses.replace(held, version=held.version + 1, tags=tags))


async def frozen(world: World) -> str:
    """A Secret whose item was frozen after it had been synced."""
    item = await world.synced()
    tag(world.source, item, "other", *FROZEN)
    await world.poll()
    world.forget_requests()
    return item


class TestFrozen:
    async def test_its_condition_says_so_and_how_to_end_it(self, world: World) -> None:
        await frozen(world)
        condition = world.claims.ready(world.key())
        assert (condition.status, condition.reason) == ("True", "Frozen")
        assert names.IGNORE_TAG in condition.message

    async def test_a_secret_that_holds_another_item_is_left_alone_and_its_resource_is_not_ready(self, world: World, item: str) -> None:
        tag(world.source, world.source.put(world.vault, "other", password="other"), names.IGNORE_TAG)
        await world.poll()
        await world.settled(world.claim("db", "vaults/Prod/items/other"))
        condition = world.claims.ready(world.key())
        assert (condition.status, condition.reason, item in condition.message) == ("False", "Frozen", True)
        assert world.secrets.values(world.key()) == {"password": "one"}

    @pytest.mark.parametrize("restarted", [False, True])
    async def test_neither_new_values_nor_hand_edits_are_touched(self, world: World, *, restarted: bool) -> None:
        item = await frozen(world)
        world.source.edit(item, password="two")
        world.secrets.overwrite(world.key(), password="edited", extra="x")
        if restarted:
            await world.restart_process()
        await world.live(300)
        assert world.secrets.values(world.key()) == {"password": "edited", "extra": "x"}
        assert (world.secrets.mark(world.key()), world.writes()) == (None, [])
        assert (world.source.count("item"), world.events.reported) == (0, [])

    async def test_another_tag_does_not_freeze(self, world: World, item: str) -> None:
        tag(world.source, item, "ignore-secret", names.IGNORE_TAG + "s")
        await world.poll()
        await world.settled(world.secrets.overwrite(world.key(), password="edited"))
        assert world.secrets.values(world.key()) == {"password": "one"}

    @pytest.mark.parametrize("restarted", [False, True])
    async def test_when_it_is_thawed_it_catches_up_with_one_mark(self, world: World, restarted: object) -> None:
        item = await frozen(world)
        world.workloads.deploy("web", "db")
        for password in ("two", "three"):
            world.source.edit(item, password=password)
            await world.poll_after(60)
        if restarted:
            await world.start_anew()
        tag(world.source, item)
        await world.poll_after(60)
        assert world.secrets.values(world.key()) == {"password": "three"}
        assert world.claims.ready(world.key()).reason == "Synced"
        mark = world.secrets.mark(world.key())
        assert mark
        assert mark.content.endswith(f"@{world.source.item(item).version}")
        assert world.secrets.writes() == ["replace app/db"]
        world.process.restart._auto_restart = True
        await world.restart()
        await world.live(120)
        assert world.workloads.rollouts == {"web": 1}

    async def test_a_restart_of_the_operator_changes_nothing_for_those_who_share_it_either(self, world: World) -> None:
        """Who shares with whom takes a pass to tell, and it must know the item's tags by then."""
        await frozen(world)
        await world.settled(world.asks("web"))
        world.secrets.edit(world.key(), owners=world.secrets.objects[world.key()].owners[::-1])
        world.secrets.events.clear()
        world.forget_requests()
        await world.start_anew()
        assert world.writes() == []

    async def test_hand_edits_are_put_right_when_it_is_thawed(self, world: World) -> None:
        item = await frozen(world)
        await world.settled(world.secrets.overwrite(world.key(), password="edited"))
        tag(world.source, item)
        await world.poll_after(60)
        assert world.secrets.values(world.key()) == {"password": "one"}

    async def test_one_that_is_missing_is_created(self, world: World) -> None:
        await frozen(world)
        await world.settled(world.secrets.delete(world.key()))
        assert world.secrets.values(world.key()) == {"password": "one"}
        late = await world.settled(world.claim("late"))
        assert (world.secrets.values(late), world.claims.ready(late).reason) == ({"password": "one"}, "Frozen")
        assert world.events.reasons("late") == ["Created"]
        world.forget_requests()
        await world.live(180)
        assert (world.writes(), world.secrets.mark(late)) == ([], None)

    async def test_one_that_is_made_anew_after_a_change_restarts_nobody(self, world: World) -> None:
        """Whoever freezes an item has no use for what follows from its changes."""
        item = await frozen(world)
        world.source.edit(item, password="two")
        await world.poll_after(60)
        await world.settled(world.secrets.delete(world.key()))
        assert world.secrets.values(world.key()) == {"password": "two"}
        assert (world.secrets.mark(world.key()), world.events.reasons("db")) == (None, ["Created"])

    async def test_a_blip_says_nothing_about_it_to_a_deployment(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        key = await world.settled(world.asks("web"))
        tag(world.source, item, *FROZEN)
        await world.poll()
        world.secrets.overwrite(key, password="edited")
        await world.start_anew()
        world.forget_requests()
        world.secrets.faults.refuse("get", ClusterUnavailableError("no answer"))
        await world.look(key)
        assert world.events.reported == []

    async def test_a_version_that_somebody_wrote_on_it_meanwhile_is_not_taken_for_known(self, world: World) -> None:
        item = await frozen(world)
        edited = dict(world.secrets.objects[world.key()].annotations) | {names.ITEM_VERSION: "77"}
        world.secrets.edit(world.key(), annotations=edited)
        await world.start_anew()
        tag(world.source, item)
        await world.poll_after(60, times=2)
        assert world.secrets.objects[world.key()].annotations[names.ITEM_VERSION] == str(world.source.item(item).version)

    async def test_a_tag_that_only_the_item_itself_shows_freezes_as_well(self, world: World, item: str) -> None:
        """The list lags behind, or does not show tags at all."""
        world.source.hold_list(world.vault)
        listed = world.source.still_lists[world.vault]
        tag(world.source, item, *FROZEN)
        world.source.still_lists[world.vault] = [s._replace(version=s.version + 1) for s in listed]
        await world.poll()
        assert (world.claims.ready(world.key()).reason, world.secrets.mark(world.key())) == ("Frozen", None)
        late = await world.settled(world.claim("late"))
        assert (world.secrets.values(late), world.claims.ready(late).reason) == ({"password": "one"}, "Frozen")

    async def test_those_who_share_it_become_its_owners_all_the_same(self, world: World) -> None:
        item = await frozen(world)
        world.secrets.overwrite(world.key(), password="edited")
        await world.settled(world.asks("web", path=f"vaults/Prod/items/{item}"))
        assert world.owners() == ["OnePasswordItem/db", "Deployment/web"]
        assert world.secrets.writes() == ["own app/db"]
        assert world.secrets.values(world.key()) == {"password": "edited"}

    async def test_a_restart_that_was_due_before_it_was_frozen_is_done(self, world: World, item: str) -> None:
        world.workloads.deploy("web", "db")
        await world.polled(world.source.edit(item, password="two"))
        tag(world.source, item, *FROZEN)
        await world.poll_after(60)
        world.process.restart._auto_restart = True
        await world.restart()
        assert world.workloads.rollouts == {"web": 1}


class TestRefresh:
    async def test_a_new_value_reads_everything_again_although_nothing_moved(self, world: World, item: str) -> None:
        world.clock.advance(1)
        await world.settled(world.claims.annotate(world.key(), refresh="now"))
        assert world.source.requests == ["vaults", f"list {world.vault}", f"item {item}"]
        assert (world.secrets.writes(), world.events.reasons("db")) == ([], ["Refreshed"])

    async def test_a_change_that_has_not_shown_yet_is_found(self, world: World, item: str) -> None:
        world.source.hold_fingerprint(world.vault)
        await world.polled(world.source.edit(item, password="two"))
        world.clock.advance(1)
        await world.settled(world.claims.annotate(world.key(), refresh="now"))
        assert world.secrets.values(world.key()) == {"password": "two"}
        assert world.secrets.mark(world.key())
        assert world.events.reasons("db") == ["Updated"]

    async def test_an_item_that_was_read_a_moment_ago_is_read_again(self, world: World, item: str) -> None:
        """The list has moved and the item not yet, and the next moment it has."""
        world.source.hold_item(item)
        await world.polled(world.source.edit(item, password="two"))
        assert world.secrets.values(world.key()) == {"password": "one"}
        world.source.still_items.clear()
        world.clock.advance(1)
        await world.settled(world.claims.annotate(world.key(), refresh="now"))
        assert world.secrets.values(world.key()) == {"password": "two"}

    async def test_fifty_new_values_in_a_second_are_answered_once_now_and_once_ten_seconds_later(self, world: World) -> None:
        await world.synced()
        world.clock.advance(1)
        for number in range(50):
            await world.settled(world.claims.annotate(world.key(), refresh=str(number)))
            world.clock.advance(0.02)
        once = ["vaults", f"list {world.vault}", f"item {world.process.index.states.of(world.key()).held[0].item_id}"]  # type: ignore[index]
        assert world.source.requests == once
        world.clock.advance(8)
        await world.settle()
        assert world.source.requests == once
        await world.live(10)
        assert world.source.requests == once * 2
        assert world.events.reasons("db") == ["Refreshed"] * 2

    async def test_a_pass_for_another_reason_does_not_bring_the_next_answer_forward(self, world: World) -> None:
        await world.synced()
        world.clock.advance(1)
        for value in ("1", "2"):
            await world.settled(world.claims.annotate(world.key(), refresh=value))
        world.forget_requests()
        await world.settled(world.claims.annotate(world.key(), refresh="2", labels={"team": "a"}))
        assert world.source.requests == []
        await world.live(10)
        assert world.source.count("item") == 1

    async def test_the_first_sight_of_it_costs_nothing_extra(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        await world.settled(world.claim("db", refresh="before we were there"))
        assert world.source.requests == ["vaults", f"list {world.vault}", f"item {item}"]
        assert world.events.reasons("db") == ["Created"]
        await world.poll()
        await world.poll()
        world.forget_requests()
        await world.start_anew()
        assert world.source.requests == ["vaults", f"list {world.vault}"]
        assert world.events.reported == []

    async def test_a_refresh_that_could_not_be_answered_is_still_owed(self, world: World) -> None:
        await world.synced()
        world.clock.advance(1)
        world.source.outage = BackendUnavailableError("no answer")
        await world.settled(world.claims.annotate(world.key(), refresh="now"))
        assert world.events.reported == []
        world.source.outage = None
        await world.live(5)
        assert world.events.reasons("db") == ["Refreshed"]

    async def test_a_path_that_leads_nowhere_is_looked_up_anew(self, world: World) -> None:
        await world.poll()
        key = await world.settled(world.claim("db", "vaults/Prod/items/late"))
        world.source.hold_fingerprint(world.vault)
        world.source.put(world.vault, "late", password="one")
        world.clock.advance(1)
        await world.settled(world.claims.annotate(key, refresh="now"))
        assert world.secrets.values(key) == {"password": "one"}


class TestProof:
    async def test_a_secret_that_proves_to_hold_the_listed_version_costs_no_read(self, world: World) -> None:
        await world.synced()
        await world.restart_process()
        await world.settled(world.claims.annotate(world.key(), labels={"team": "a"}))  # something else that takes a pass
        assert (world.source.count("item"), world.secrets.objects[world.key()].labels["team"]) == (0, "a")

    async def test_one_that_was_edited_proves_nothing(self, world: World, item: str) -> None:
        world.clock.advance(10)  # longer than an item that was read is held
        await world.settled(world.secrets.overwrite(world.key(), password="edited"))
        assert world.source.count(f"item {item}") == 1


class TestReading:
    async def test_an_item_that_is_too_large_to_be_read_is_tried_again_at_its_next_version_only(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        world.source.refused[item] = SecretTooLargeError("more than a Secret takes")
        key = await world.settled(world.claim("db"))
        assert world.claims.ready(key).reason == "SecretTooLarge"
        await world.live(300)
        assert world.source.count("item") == 1
        world.source.refused.clear()
        world.source.edit(item, password="two")
        await world.live(60)
        assert world.secrets.values(key) == {"password": "two"}

    async def test_items_that_are_too_large_together_are_not_kept_in_memory_until_all_are_read(self, world: World) -> None:
        for title in ("a", "b", "c"):
            world.source.put(world.vault, title, password="x" * (item_room.MAXIMUM_BYTES // 2 + 1))
        parts = tuple(Part(f"vaults/Prod/items/{title}", prefix=title) for title in ("a", "b", "c"))
        key = await world.settled(world.claim("db", "", shaped=Recipe(parts, Shape(exclude=("*",)))))
        assert world.claims.ready(key).reason == "InvalidSpec"
        assert "bytes together" in world.claims.ready(key).message
        assert world.source.count("item") == 2

    async def test_an_id_that_no_list_shows_is_asked_for_itself(self, world: World) -> None:
        """Lists hide archived items; the item itself tells archived from absent."""
        item = world.source.put(world.vault, "db", password="one")
        world.source.hide(item)
        world.source.archive(item)
        archived = world.claim("archived", f"vaults/Prod/items/{item}")
        absent = await world.settled(world.claim("absent", f"vaults/Prod/items/{'x' * 26}"))
        assert world.claims.ready(archived).reason == "ItemArchived"
        assert world.claims.ready(absent).reason == "ItemNotFound"

    async def test_an_item_that_is_there_although_lists_lack_it_is_not_read_at_every_poll(self, world: World, item: str) -> None:
        world.source.hide(item)
        await world.poll_after(60, times=6)
        assert (world.claims.ready(world.key()).reason, world.source.count(f"item {item}")) == ("Synced", 1)

    async def test_an_item_that_lists_lack_is_asked_for_several_times_before_it_is_gone(self, world: World, item: str) -> None:
        world.source.delete(item)
        await world.poll_after(60, times=3)
        assert world.claims.ready(world.key()).reason == "ItemNotFound"
        assert world.source.count(f"item {item}") == CONFIRMATIONS

    async def test_an_item_that_lists_lack_and_that_is_too_large_to_be_read_is_there(self, world: World, item: str) -> None:
        world.source.hide(item)
        world.source.refused[item] = SecretTooLargeError("more than a Secret takes")
        await world.poll_after(60, times=3)
        assert world.claims.ready(world.key()).reason == "Synced"

    async def test_an_item_ahead_of_its_list_is_told_of_by_the_next_list(self, world: World) -> None:
        item = world.source.put(world.vault, "db", password="one")
        world.source.hold_list(world.vault)
        world.source.edit(item, password="two")
        key = await world.settled(world.claim("db"))
        assert world.secrets.values(key) == {"password": "two"}
        await world.poll()
        world.source.requests.clear()
        world.source.catch_up()
        await world.poll()
        assert f"list {world.vault}" in world.source.requests


class TwoItems(Claim):
    """A claim whose recipe has a second part: the room for such claims, before there are any."""

    @property
    def recipe(self) -> Recipe:
        return Recipe((*super().recipe.parts, Part("vaults/Other/items/api")))


class TestSeveralParts:
    @pytest.fixture
    async def made(self, world: World) -> tuple[str, str]:
        db = world.source.put(world.vault, "db", password="one", shared="db")
        api = world.source.put(world.source.add_vault("Other"), "api", token="two", shared="api")
        members = {field.name: getattr(CLAIM, field.name) for field in dataclasses.fields(CLAIM)}
        members |= {"key": world.key(), "item_path": "vaults/Prod/items/db", "labels": {}, "annotations": {}}
        world.claims.keep("ADDED", TwoItems(**members))
        await world.settle()
        world.forget_requests()
        return db, api

    async def test_the_keys_of_all_parts_are_in_the_secret_and_a_later_part_wins(self, world: World, made: tuple[str, str]) -> None:
        assert world.secrets.values(world.key()) == {"password": "one", "token": "two", "shared": "api"}
        assert all(item in world.claims.ready(world.key()).message for item in made)

    async def test_a_change_of_either_item_is_one_write_with_a_mark_of_both(self, world: World, made: tuple[str, str]) -> None:
        for number, item in enumerate(made, 1):
            world.source.edit(item, password=str(number))
            world.forget_requests()
            await world.poll_after(60)
            assert world.secrets.count("replace") == 1
            mark = world.secrets.mark(world.key())
            assert mark
            assert all(each in mark.content for each in made)

    async def test_a_restart_of_the_process_reads_no_item_again(self, world: World, made: tuple[str, str]) -> None:
        await world.restart_process()
        await world.settle()
        assert not world.source.count("item")
        world.source.edit(made[1], token="three")
        await world.poll_after(60)
        assert world.secrets.values(world.key()) == {"password": "one", "token": "three", "shared": "db"}

    async def test_an_archived_second_part_leaves_the_secret_as_it_is(self, world: World, made: tuple[str, str]) -> None:
        world.source.archive(made[1])
        await world.poll_after(60, times=4)
        assert world.claims.ready(world.key()).reason == "ItemArchived"
        assert world.secrets.values(world.key())["token"] == "two"


async def test_an_item_that_was_renamed_since_its_list_is_not_taken_for_the_title(world: World) -> None:
    """The next poll may be a minute away, so the vault is listed again at once."""
    item = await world.synced()
    world.clock.advance(20)
    world.source.rename(item, "db-old")
    new = world.source.put(world.vault, "db", password="new")
    world.forget_requests()
    key = await world.settled(world.claim("second", "vaults/Prod/items/db"))
    assert world.secrets.values(key) == {"password": "new"}
    assert world.secrets.values(world.key()) == {"password": "one"}
    assert world.source.requests == [f"item {item}", f"list {world.vault}", f"item {new}"]


async def test_an_item_that_lists_go_on_showing_by_its_former_title_is_not_believed(world: World) -> None:
    item = await world.synced()
    world.clock.advance(20)
    world.source.hold_list(world.vault)
    world.source.rename(item, "db-old")
    key = await world.settled(world.claim("second", "vaults/Prod/items/db"))
    condition = world.claims.ready(key)
    assert (condition.status, condition.reason) == ("False", "OnePasswordAnswerInvalid")
    assert key not in world.secrets.objects
    assert world.source.count("list") <= 2


DB, CACHE = Part("vaults/Prod/items/db"), Part("vaults/Prod/items/cache", "CACHE_", optional=True)


class TestOptionalItem:
    """A shaped Secret of two items, one of which need not be there."""

    @pytest.fixture
    async def without(self, world: World) -> World:
        world.source.put(world.vault, "db", password="one")
        world.claim("db", "", shaped=Recipe((DB, CACHE), Shape()))
        await world.settle()
        await world.polled_in()
        world.forget_requests()
        return world

    async def test_the_secret_goes_without_it_and_says_so_at_the_cost_of_an_idle_poll(self, without: World) -> None:
        assert without.secrets.values(without.key()) == {"password": "one"}
        assert "nothing of vaults/Prod/items/cache, which is not there" in without.claims.ready(without.key()).message
        await without.poll_after(60, times=3)
        assert (without.source.requests, without.writes()) == (["vaults"] * 3, [])

    async def test_a_change_of_another_item_wakes_no_secret_that_waits_for_it(self, without: World) -> None:
        other = without.source.put(without.vault, "other", password="x")
        await without.poll_after(60, times=3)
        without.forget_requests()
        without.source.edit(other, password="y")
        await without.poll_after(60, times=2)
        assert without.secrets.requests == []

    @pytest.mark.parametrize("restarted", [False, True])
    async def test_it_is_taken_in_when_it_comes_with_a_mark_and_left_out_when_it_is_gone_for_sure(
        self, without: World, *, restarted: bool
    ) -> None:
        world, both = without, {"password": "one", "CACHE_password": "two"}
        if restarted:
            await world.start_anew()
        item = world.source.put(world.vault, "cache", password="two")
        await world.poll_after(60)
        assert (world.secrets.values(world.key()), world.secrets.count("replace")) == (both, 1)
        assert world.secrets.mark(world.key())
        if restarted:
            await world.start_anew()
        world.source.delete(item)
        await world.poll_after(60, times=2)
        assert world.secrets.values(world.key()) == both
        await world.poll_after(60, times=3)
        assert (world.secrets.values(world.key()), world.secrets.count("replace")) == ({"password": "one"}, 2)
        await world.poll_after(60, times=6)
        world.forget_requests()
        await world.poll_after(60, times=3)
        assert (world.source.requests, world.writes()) == (["vaults"] * 3, [])

    async def test_where_it_is_the_only_one_its_coming_makes_the_secret_at_the_next_poll(self, world: World) -> None:
        world.claim("db", "", shaped=Recipe((CACHE,), Shape()))
        await world.settle()
        await world.polled_in()
        assert world.claims.ready(world.key()).reason == "NoUsableFields"
        world.source.put(world.vault, "cache", password="two")
        await world.poll_after(60)
        assert world.secrets.values(world.key()) == {"CACHE_password": "two"}

    @pytest.mark.parametrize("trouble", [BackendUnavailableError("down"), BackendForbiddenError("not yours")])
    async def test_any_other_trouble_with_it_leaves_the_secret_as_it_is(self, without: World, trouble: BackendError) -> None:
        item = without.source.put(without.vault, "cache", password="two")
        await without.poll_after(60)
        without.source.edit(item, password="three")
        without.source.refused[item] = trouble
        await without.poll_after(60, times=5)
        assert without.secrets.values(without.key()) == {"password": "one", "CACHE_password": "two"}

    @pytest.mark.parametrize("there", [False, True])
    async def test_it_may_be_named_by_its_id(self, world: World, *, there: bool) -> None:
        world.source.put(world.vault, "db", password="one")
        item = world.source.put(world.vault, "cache", password="two")
        if not there:
            world.source.delete(item)
        world.claim("db", "", shaped=Recipe((DB, CACHE._replace(path=f"vaults/Prod/items/{item}")), Shape()))
        await world.settle()
        assert set(world.secrets.values(world.key())) == ({"password", "CACHE_password"} if there else {"password"})


async def test_a_frozen_secret_says_that_another_shape_waits(world: World) -> None:
    item = world.source.put(world.vault, "db", password="one", user="two")
    shapes = [Recipe((DB,), Shape(include=(key,))) for key in ("password", "user")]
    await world.settled(world.claim("db", "", shaped=shapes[0]))
    tag(world.source, item, names.IGNORE_TAG)
    await world.poll_after(60)
    assert world.claims.ready(world.key()).status == "True"
    await world.settled(world.claim("db", "", shaped=shapes[1]))
    condition = world.claims.ready(world.key())
    assert (condition.status, condition.reason, "in its former shape" in condition.message) == ("False", "Frozen", True)
    assert world.secrets.values(world.key()) == {"password": "one"}


async def test_an_item_of_a_reference_is_followed_and_gives_the_keys_that_refer_to_it_only(world: World) -> None:
    world.source.put(world.vault, "db", password="one")
    item = world.source.put(world.vault, "cache", password="two")
    data = (Entry("db", field="password"), Entry("url", value="x:$(op://Prod/cache/password)"))
    world.claim("db", "", shaped=Recipe((DB, Part("vaults/Prod/items/cache", by_reference=True)), Shape(data=data)))
    await world.settle()
    await world.poll_after(60, times=4)
    assert world.secrets.values(world.key()) == {"db": "one", "url": "x:two"}
    world.source.edit(item, password="three")
    await world.poll_after(60)
    assert (world.secrets.values(world.key()), world.secrets.count("replace")) == ({"db": "one", "url": "x:three"}, 1)
    world.source.delete(item)
    await world.poll_after(60, times=5)
    assert world.claims.ready(world.key()).reason == "ItemNotFound"
    assert world.secrets.values(world.key()) == {"db": "one", "url": "x:three"}


async def test_of_what_became_no_key_only_what_is_told_is_kept(world: World) -> None:
    """An item may have 100,000 such labels, and they would be kept once for each of its Secrets."""
    item = world.source.put(world.vault, "db", password="one", unused="two", **{"..": "three", "empty": ""})
    for name, exclude in (("all", ()), ("shaped", ("unused",))):
        world.claim(name, "", shaped=Recipe((Part("vaults/Prod/items/db"),), Shape(exclude=exclude)))
    world.claim("plain")
    await world.settle()
    told = '".." (gives a key that is "." or starts with ".."; rename it in 1Password)'
    states = world.process.index.states
    assert {states.of(world.key(name)).skipped for name in ("all", "shaped", "plain")} == {told}
    world.source.edit(item, password="one", unused="two", **{".." * number: "three" for number in range(1, 1000)})
    await world.poll_after(60)
    for name in ("all", "shaped", "plain"):
        kept = states.of(world.key(name)).skipped or ""
        assert kept.startswith(told)
        assert kept.endswith(" and 994 more")
        assert kept in world.claims.ready(world.key(name)).message
