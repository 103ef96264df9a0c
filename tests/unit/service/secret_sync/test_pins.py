"""Which item a Secret follows when titles move, items vanish, and the token is a new one."""

import dataclasses

import pytest

from fakes.world import World
from onepassword_operator.model import names
from onepassword_operator.model.errors import BackendUnavailableError
from onepassword_operator.model.recipe import Part, Recipe, Shape
from onepassword_operator.rules.secret import seal


@pytest.fixture
async def item(world: World) -> str:
    return await world.synced()


def followed(world: World) -> str:
    return world.secrets.objects[world.key()].annotations[names.ITEM_PATH].rpartition("/")[2]


async def polls(world: World, number: int) -> None:
    await world.poll_after(60, times=number)


async def start_with(world: World, token: str) -> None:
    """A restart, perhaps with another token, and three polls."""
    world.token = token.encode()
    world.forget_requests()
    await world.restart_process()
    await world.live(200)


class TestTitleThatMoved:
    async def test_a_rotation_by_renaming_is_followed_once_three_polls_agree(self, world: World, item: str) -> None:
        world.source.rename(item, "db (old)")
        new = world.source.put(world.vault, "db", password="two")
        await polls(world, 2)
        assert followed(world) == item
        world.forget_requests()
        await polls(world, 1)
        assert (followed(world), world.secrets.values(world.key())) == (new, {"password": "two"})
        assert world.secrets.mark(world.key()) is not None
        assert f"means item {new} now, where it meant {item}" in world.events.reported[-1].message

    @pytest.mark.parametrize("polls_between", [1, 3, 5])
    async def test_it_may_take_its_time_after_the_new_item_has_the_title(self, world: World, item: str, polls_between: int) -> None:
        new = world.source.put(world.vault, "db", password="two")
        await polls(world, polls_between)
        assert followed(world) == item
        world.source.rename(item, "db (old)")
        await polls(world, 3)
        assert (followed(world), world.secrets.values(world.key())) == (new, {"password": "two"})

    async def test_resources_that_write_the_title_differently_move_together(self, world: World, item: str) -> None:
        world.asks("web", path=f"vaults/Prod/items/{item}", created_at="2024-01-01T00:00:00Z")
        await world.settle()
        world.source.rename(item, "production")
        world.events.reported.clear()
        await polls(world, 3)
        assert world.claims.ready(world.key()).status == "True"
        assert not [event for event in world.events.reported if event.kind == "Warning"]

    async def test_a_new_item_is_noticed_long_after_the_other_was_renamed(self, world: World, item: str) -> None:
        world.source.rename(item, "db (old)")
        await polls(world, 10)
        assert (followed(world), world.claims.ready(world.key()).reason) == (item, "Synced")
        new = world.source.put(world.vault, "db", password="two")
        await polls(world, 3)
        assert followed(world) == new

    @pytest.mark.parametrize("token", ["a token", "another token"])
    async def test_it_is_noticed_by_the_next_process_too(self, world: World, item: str, token: str) -> None:
        world.source.rename(item, "db (old)")
        await polls(world, 3)
        new = world.source.put(world.vault, "db", password="two")
        await start_with(world, token)
        assert followed(world) == new

    async def test_of_several_items_with_the_title_the_followed_one_stays(self, world: World) -> None:
        older = world.source.put(world.vault, "other", password="other")
        item = await world.synced()
        world.source.rename(older, "db")
        await polls(world, 5)
        assert followed(world) == item
        await start_with(world, "another token")
        assert followed(world) == item

    async def test_two_items_that_took_the_title_change_nothing(self, world: World, item: str) -> None:
        world.source.rename(item, "db (old)")
        for password in ("two", "three"):
            world.source.put(world.vault, "db", password=password)
        await polls(world, 5)
        assert followed(world) == item

    async def test_a_title_that_a_lagging_server_takes_back_starts_over(self, world: World, item: str) -> None:
        world.source.rename(item, "db (old)")
        await polls(world, 2)
        new = world.source.put(world.vault, "db", password="two")
        await polls(world, 1)
        world.source.hide(new)
        await polls(world, 4)
        assert followed(world) == item


class TestNewToken:
    """No seal can be verified: what is followed is what would have been followed without."""

    @pytest.mark.parametrize("renamed", [False, True])
    async def test_a_secret_stays_with_its_item_for_one_read_and_a_new_seal(self, world: World, item: str, *, renamed: bool) -> None:
        if renamed:
            world.source.rename(item, "db production")
            await polls(world, 3)
        before = world.secrets.objects[world.key()]
        await start_with(world, "another token")
        after = world.secrets.objects[world.key()]
        assert (world.source.count("item"), len(world.secrets.writes())) == (1, 1)
        changed = {name for name in after.annotations if after.annotations[name] != before.annotations.get(name)}
        assert (changed, after.data) == ({names.SEAL}, before.data)
        await polls(world, 2)
        await start_with(world, "another token")
        assert (world.source.count("item"), world.writes()) == (0, [])
        await world.polled(world.source.edit(item, password="two"))
        assert world.secrets.values(world.key()) == {"password": "two"}

    @pytest.mark.parametrize("named_so", [0, 1, 2])
    async def test_what_nothing_proves_is_not_believed_and_the_secret_stays(self, world: World, item: str, named_so: int) -> None:
        world.source.rename(item, "db production")
        await polls(world, 3)
        others = [world.source.put(world.vault, "db", password=f"other {number}") for number in range(named_so)]
        world.source.edit(item, password="changed meanwhile")
        await start_with(world, "another token")
        condition = world.claims.ready(world.key())
        assert (condition.reason, world.secrets.values(world.key()), world.secrets.writes()) == ("ItemAmbiguous", {"password": "one"}, [])
        assert item in condition.message
        assert all(other in condition.message for other in others[:1])
        world.clock.advance(60)
        await world.settled(world.claims.annotate(world.key(), refresh="now"))
        assert world.secrets.values(world.key()) == {"password": "other 0" if others else "one"}

    async def test_nobody_chooses_another_item_by_the_annotations_of_a_shaped_secret(self, world: World, item: str) -> None:
        finance = world.source.add_vault("Finance")
        prize = world.source.put(finance, "payroll", password="payroll")
        for number, added in enumerate(
            ({names.REVISIONS: f"{finance}/{prize}@0"}, {names.REVISIONS: "-", names.RECIPE: "vaults/Prod/items/db"})
        ):
            world.secrets.edit(world.key(), annotations={**world.secrets.objects[world.key()].annotations, **added})
            await (start_with(world, "a token") if number else world.settle())
            await polls(world, 3)
            assert (followed(world), world.secrets.values(world.key())) == (item, {"password": "one"})

    @pytest.mark.usefixtures("item")
    @pytest.mark.parametrize(
        ("there", "reason"), [("", "Synced"), ("read", "Synced"), ("listed", "ItemAmbiguous"), ("elsewhere", "ItemAmbiguous")]
    )
    async def test_an_optional_item_that_is_gone_for_sure_leaves_the_others_proven(self, world: World, there: str, reason: str) -> None:
        lost = world.source.put(world.vault, "cache", cache="two")
        parts = Part("vaults/Prod/items/db"), Part("vaults/Prod/items/cache", optional=True)
        shaped = world.claim("shaped", "", shaped=Recipe(parts, Shape()))
        await world.settle()
        await polls(world, 3)
        if there == "read":
            world.source.hold_item(lost)
        world.source.delete(lost)
        if there == "elsewhere":  # as somebody says who may edit Secrets
            held = world.secrets.objects[shaped].annotations
            revisions = held[names.REVISIONS].replace(f"{world.vault}/{lost}", f"{world.source.add_vault('Finance')}/{lost}")
            world.secrets.edit(shaped, annotations={**held, names.REVISIONS: revisions})
        if there == "listed":
            world.source.put(world.vault, "cache", cache="another")
        await start_with(world, "another token")
        condition = world.claims.ready(shaped)
        assert (condition.reason, "and no item;" in condition.message) == (reason, there == "elsewhere")
        assert world.secrets.values(shaped) == {"password": "one"} | ({"cache": "two"} if there else {})

    @pytest.mark.parametrize("versions", ["1", "1,1"])
    async def test_equal_data_of_another_vault_or_of_several_items_prove_nothing(self, world: World, item: str, versions: str) -> None:
        """Whoever edits a Secret can write any annotation, and may know another item's present value."""
        finance = world.source.add_vault("Finance")
        path = f"vaults/{finance}/items/{world.source.put(finance, 'payroll', password='one')}"
        edited = {names.ITEM_PATH: ",".join([path] * len(versions.split(","))), names.ITEM_VERSION: versions}
        world.secrets.edit(world.key(), annotations={**world.secrets.objects[world.key()].annotations, **edited})
        await start_with(world, "a token")
        assert (followed(world), world.claims.ready(world.key()).reason) == (item, "Synced")

    async def test_no_older_version_is_written(self, world: World, item: str) -> None:
        world.source.hold_item(item)
        world.source.hold_list(world.vault)
        stale, lists = dict(world.source.still_items), dict(world.source.still_lists)
        world.source.catch_up()
        await world.polled(world.source.edit(item, password="two"))
        world.source.still_items, world.source.still_lists = stale, lists
        await start_with(world, "another token")
        assert world.secrets.values(world.key()) == {"password": "two"}


async def test_a_new_mapping_version_keeps_every_pin(world: World, item: str, monkeypatch: pytest.MonkeyPatch) -> None:
    world.source.rename(item, "db production")
    await polls(world, 3)
    monkeypatch.setattr(seal, "MAPPING_VERSION", 99)
    await start_with(world, "a token")
    assert (followed(world), world.claims.ready(world.key()).reason) == (item, "Synced")


class TestLoss:
    @pytest.mark.parametrize("how", ["archived", "deleted"])
    @pytest.mark.parametrize("by_id", [False, True])
    async def test_its_end_is_told_once_and_by_the_next_process_not_again(self, world: World, item: str, *, how: str, by_id: bool) -> None:
        other = world.claim("other", f"vaults/Prod/items/{item}" if by_id else "vaults/Prod/items/db")
        await world.settle()
        world.source.hide(item)
        world.source.archive(item) if how == "archived" else world.source.delete(item)
        await polls(world, 4)
        for key in (world.key(), other):
            condition = world.claims.ready(key)
            assert condition.reason == ("ItemArchived" if how == "archived" else "ItemNotFound")
            assert "restore" in condition.message
        await start_with(world, "a token")
        assert (world.writes(), world.events.reported) == ([], [])

    async def test_a_server_that_still_delivers_a_deleted_item_delays_its_end_no_longer_than_it_lags(self, world: World, item: str) -> None:
        world.source.hold_item(item)
        world.source.delete(item)
        await polls(world, 4)
        assert world.claims.ready(world.key()).reason == "Synced"
        world.source.catch_up()
        await polls(world, 60)
        assert world.claims.ready(world.key()).reason == "ItemNotFound"

    async def test_an_item_that_was_there_before_does_not_take_the_place_of_a_lost_one(self, world: World, item: str) -> None:
        twin = world.source.put(world.vault, "db", password="twin")
        await polls(world, 3)
        world.source.delete(item)
        await polls(world, 4)
        condition = world.claims.ready(world.key())
        assert (condition.reason, world.secrets.values(world.key())) == ("ItemAmbiguous", {"password": "one"})
        assert {item, twin} <= set(condition.message.replace(",", " ").split())
        await world.settled(world.claims.annotate(world.key(), refresh="now"))
        assert world.secrets.values(world.key()) == {"password": "twin"}

    @pytest.mark.parametrize("meanwhile", ["suspended", "an outage"])
    async def test_a_refresh_from_before_the_loss_chooses_nothing(self, world: World, item: str, meanwhile: str) -> None:
        world.source.put(world.vault, "db", password="twin")
        await polls(world, 5)
        if meanwhile == "suspended":
            await world.settled(world.claims.annotate(world.key(), suspended=True))
        else:
            world.source.outage = BackendUnavailableError("down")
        await world.settled(world.claims.annotate(world.key(), refresh="now"))
        world.source.delete(item)
        world.source.outage = None
        await polls(world, 4)
        await world.settled(world.claims.annotate(world.key(), suspended=False))
        await polls(world, 2)
        assert (world.claims.ready(world.key()).reason, world.secrets.values(world.key())) == ("ItemAmbiguous", {"password": "one"})

    async def test_a_refresh_takes_the_vault_of_that_name_if_the_former_is_gone(self, world: World) -> None:
        await world.synced()
        world.source.put(world.source.add_vault("prod"), "db", password="two")
        await polls(world, 2)
        world.source.delete_vault(world.vault)
        await polls(world, 4)
        assert world.claims.ready(world.key()).reason == "ItemAmbiguous"
        await world.settled(world.claims.annotate(world.key(), refresh="now"))
        assert world.secrets.values(world.key()) == {"password": "two"}

    async def test_an_item_that_is_back_under_another_title_is_followed_again(self, world: World, item: str) -> None:
        world.source.rename(item, "db (old)")
        world.source.archive(item)
        await polls(world, 4)
        assert world.claims.ready(world.key()).reason == "ItemArchived"
        world.source._keep(dataclasses.replace(world.source.item(item), active=True))
        await polls(world, 2)
        assert (followed(world), world.claims.ready(world.key()).reason) == (item, "Synced")

    async def test_a_path_to_nowhere_costs_nothing_while_its_former_item_changes(self, world: World, item: str) -> None:
        world.source.edit(item, password="two")
        await world.settled(world.claims.apply(world.key(), "vaults/Prod/items/nowhere"))
        await polls(world, 6)
        world.forget_requests()
        await polls(world, 5)
        assert (world.source.requests, world.secrets.requests) == (["vaults"] * 5, [])

    async def test_others_that_ask_for_the_secret_of_a_lost_item_cost_no_reads(self, world: World, item: str) -> None:
        world.source.put(world.vault, "other", password="other")
        world.asks("web", path="vaults/Prod/items/other", created_at="2024-09-01T00:00:00Z")
        await world.settle()
        world.source.delete(item)
        await polls(world, 6)
        world.forget_requests()
        await polls(world, 5)
        assert world.source.requests == ["vaults"] * 5

    @pytest.mark.parametrize("polls_between", [0, 1, 5])
    async def test_an_item_that_was_made_later_does(self, world: World, item: str, polls_between: int) -> None:
        world.source.delete(item)
        await polls(world, polls_between)
        world.source.put(world.vault, "db", password="two")
        await polls(world, 3)
        assert world.secrets.values(world.key()) == {"password": "two"}

    async def test_an_older_item_that_is_given_the_title_later_does_not(self, world: World, item: str) -> None:
        other = world.source.put(world.vault, "spare", password="spare")
        await polls(world, 3)
        world.source.delete(item)
        world.source.rename(other, "db")
        await polls(world, 5)
        assert (world.claims.ready(world.key()).reason, world.secrets.values(world.key())) == ("ItemAmbiguous", {"password": "one"})

    @pytest.mark.parametrize(("made", "password"), [("before", "one"), ("after", "two")])
    async def test_a_vault_of_the_same_name_counts_only_if_it_is_newer(self, world: World, made: str, password: str) -> None:
        await world.synced()

        def make() -> None:
            world.source.put(world.source.add_vault("prod"), "db", password="two")

        if made == "before":
            make()
            await polls(world, 2)
        world.source.delete_vault(world.vault)
        if made == "after":
            make()
        await polls(world, 5)
        assert world.secrets.values(world.key()) == {"password": password}

    async def test_a_vault_that_loses_its_items_wakes_their_secrets_one_after_another(self, world: World) -> None:
        items = [world.source.put(world.vault, f"i{number}", password="x") for number in range(50)]
        for number in range(50):
            world.claim(f"s{number}", f"vaults/Prod/items/i{number}")
        await world.settle()
        await polls(world, 2)
        for each in items:
            world.source.delete(each)
        await polls(world, 2)
        world.clock.advance(60)
        await world.process.poller.poll()
        assert (len(world.process.queue.waiting()), len(world.process.queue.retries)) == (0, 50)
        await world.live(60)
        assert {world.claims.ready(world.key(f"s{number}")).reason for number in range(50)} == {"ItemNotFound"}
