"""Worlds in which 1Password is polled."""

import asyncio
from collections.abc import Sequence

import pytest

from fakes.calls import turns
from fakes.world import World
from onepassword_operator.model.errors import (
    BackendDeniedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    VaultNotFoundError,
)
from onepassword_operator.model.item import ItemSummary, Vault
from onepassword_operator.service.vaults.catalog import IDLE_POLLS
from onepassword_operator.service.vaults.trust import SHOWN_CHANGES


async def test_an_unchanged_poll_is_exactly_one_vault_list_and_nothing_in_the_cluster(world: World) -> None:
    await world.synced("db", "copy")
    assert await world.poll() is None
    assert (world.source.requests, world.secrets.requests) == (["vaults"], [])
    assert world.claims.requests == []
    assert world.meter.polls[-1] is True


async def test_a_changed_item_is_read_once_and_every_secret_on_it_is_replaced_with_a_mark(world: World) -> None:
    names = ("db", "copy", "third")
    item = await world.synced(*names)
    await world.polled(world.source.edit(item, password="two"))
    assert (world.source.count("item"), world.secrets.count("replace")) == (1, 3)
    for name in names:
        assert world.secrets.values(world.key(name)) == {"password": "two"}
        mark = world.secrets.mark(world.key(name))
        assert mark
        assert str(mark) == f"{world.vault}/{item}@2@{world.secrets.time}"
        assert world.events.reasons(name) == ["Updated"]


async def test_a_changed_vault_is_listed_now_and_once_more_at_the_next_poll(world: World, item: str) -> None:
    await world.polled(world.source.edit(item, password="two"))
    world.forget_requests()
    await world.poll()
    assert world.source.requests == ["vaults", f"list {world.vault}"]
    world.forget_requests()
    await world.poll()
    assert world.source.requests == ["vaults"]


@pytest.mark.parametrize(("what", "reason"), [("delete", "ItemNotFound"), ("archive", "ItemArchived")])
async def test_an_item_missing_from_three_polls_is_told_and_the_secret_stays(world: World, item: str, what: str, reason: str) -> None:
    getattr(world.source, what)(item)
    for _ in range(2):
        await world.poll_after(60)
        assert world.claims.ready(world.key()).reason == "Synced"
    await world.poll_after(60)
    assert world.claims.ready(world.key()).reason == reason
    assert world.secrets.values(world.key()) == {"password": "one"}
    assert world.events.reasons("db") == [reason]


async def test_a_new_item_of_the_title_takes_the_place_of_one_that_is_gone(world: World, item: str) -> None:
    world.source.delete(item)
    await world.poll_after(60, times=2)
    successor = world.source.put(world.vault, "db", password="successor")
    await world.poll_after(60)
    assert world.secrets.values(world.key()) == {"password": "successor"}
    assert world.claims.ready(world.key()).reason == "Synced"
    assert world.secrets.mark(world.key())
    world.source.delete(successor)
    world.source.put(world.vault, "db", password="third")
    world.clock.advance(30)
    await world.settled(world.claim("typo", "vaults/Prod/items/nothing"))
    await world.poll_after(60, times=3)
    assert world.secrets.values(world.key()) == {"password": "third"}, "a look-up between two polls does not delay the news"


async def test_look_ups_use_up_none_of_the_lists_that_wait_for_the_news(world: World) -> None:
    item, other = await world.synced(), world.source.put(world.vault, "other", password="x")
    tenant = world.claim("tenant", "vaults/Prod/items/other")
    await world.poll_after(60, times=5)
    world.source.hold_list(world.vault)
    world.source.edit(item, password="two")
    await world.poll_after(60)
    world.forget_requests()
    for number in range(9):
        world.clock.advance(11)
        await world.settled(world.claims.annotate(tenant, refresh=f"{number}"))
    assert world.source.count("list") == world.source.count(f"item {other}") == 9
    world.source.catch_up()
    await world.poll_after(60)
    assert world.secrets.values(world.key()) == {"password": "two"}


async def test_a_list_one_poll_behind_its_vault_does_not_delay_the_news_either(world: World, item: str) -> None:
    world.source.hold_list(world.vault)
    world.source.delete(item)
    await world.poll_after(60)
    world.source.catch_up()
    await world.poll_after(60, times=3)
    assert world.claims.ready(world.key()).reason == "ItemNotFound"


async def test_the_first_list_of_a_process_may_lag_as_well(world: World, item: str) -> None:
    world.source.hold_list(world.vault)
    world.source.edit(item, password="two")
    await world.restart_process()
    await world.poll()
    world.source.catch_up()
    await world.poll_after(60)
    assert world.secrets.values(world.key()) == {"password": "two"}


async def test_a_new_resource_gets_the_new_item_of_a_title_whose_old_one_is_not_listed_any_more(world: World) -> None:
    item = await world.synced()
    world.source.delete(item)
    world.source.put(world.vault, "db", password="successor")
    await world.poll_after(60)
    key = await world.settled(world.claim("new", "vaults/Prod/items/db"))
    assert world.secrets.values(key) == {"password": "successor"}
    assert world.secrets.values(world.key()) == {"password": "one"}


class TestTrouble:
    async def test_a_refused_token_is_told_to_all_after_the_poll_and_taken_back_after_recovery(self, world: World) -> None:
        await world.synced("db", "copy")
        world.source.outage = BackendDeniedError("the token is refused")
        assert await world.poll_after(60) is world.source.outage
        for name in ("db", "copy"):
            assert world.claims.ready(world.key(name)).reason == "Unauthorized"
        assert world.secrets.writes() == []
        world.source.outage = None
        await world.poll_after(60)
        for name in ("db", "copy"):
            assert world.claims.ready(world.key(name)).reason == "Synced"

    async def test_it_is_taken_back_from_all_of_a_vault_in_which_an_item_changed_meanwhile(self, world: World) -> None:
        await world.synced("db")
        other = world.source.put(world.vault, "other", password="1")
        world.clock.advance(5)
        world.claim("other", "vaults/Prod/items/other")
        await world.poll_after(60)
        world.source.outage = BackendDeniedError("the token is refused")
        await world.poll_after(60)
        world.source.outage = None
        world.source.edit(other, password="2")
        await world.poll_after(60)
        assert [world.claims.ready(world.key(name)).reason for name in ("db", "other")] == ["Synced", "Synced"]

    async def test_a_blip_writes_no_status_and_an_outage_longer_than_the_limit_is_told_and_taken_back(self, world: World) -> None:
        await world.synced()
        world.source.outage = BackendUnavailableError("no answer")
        await world.poll_after(60, times=2)
        world.source.outage = None
        await world.poll_after(30)
        assert (world.claims.requests, world.meter.polls[-3:]) == ([], [False, False, True])
        world.source.outage = BackendUnavailableError("no answer")
        await world.poll_after(60, times=4)
        reported = world.claims.ready(world.key())
        assert reported.reason == "OnePasswordUnavailable"
        assert "no answer" in reported.message
        assert world.claims.count("status") == 1
        world.source.outage = None
        await world.poll_after(60)
        assert (world.claims.ready(world.key()).reason, world.claims.count("status")) == ("Synced", 2)
        assert world.secrets.writes() == []

    async def test_one_vault_that_cannot_be_listed_does_not_disturb_the_others(self, world: World, item: str) -> None:
        other = world.source.add_vault("Other")
        theirs = world.source.put(other, "cache", password="one")
        world.clock.advance(5)
        cache = world.claim("cache", "vaults/Other/items/cache")
        await world.poll_after(60)
        world.source.refused[other] = BackendForbiddenError("no access to this vault")
        world.source.edit(item, password="two")
        world.source.edit(theirs, password="two")
        assert await world.poll_after(60) is None
        assert world.secrets.values(world.key()) == {"password": "two"}
        assert world.claims.ready(world.key()).reason == "Synced"
        assert world.claims.ready(cache).reason == "AccessDenied"
        assert world.meter.polls[-1] is False
        world.source.refused.clear()
        await world.poll_after(60)
        assert world.secrets.values(cache) == {"password": "two"}
        assert world.claims.ready(cache).reason == "Synced"

    async def test_a_vault_deleted_between_the_two_lists_does_not_end_the_poll(self, world: World, item: str) -> None:
        world.source.edit(item, password="two")
        world.source.refused[world.vault] = VaultNotFoundError("no such vault")
        assert await world.poll_after(60) is None
        assert (world.meter.polls[-1], world.claims.requests) == (True, [])

    async def test_a_rate_limit_is_no_news_for_resources(self, world: World) -> None:
        await world.synced()
        world.source.outage = BackendRateLimitedError("slow down", delay_seconds=5)
        assert await world.poll_after(60) is world.source.outage
        assert world.claims.requests == []

    async def test_something_else_than_a_known_error_is_not_swallowed(self, world: World, item: str) -> None:
        world.source.edit(item, password="two")
        world.source.refused[world.vault] = ZeroDivisionError()  # type: ignore[assignment]  # a bug
        with pytest.raises(ZeroDivisionError):
            await world.poll()


class TestFull:
    @pytest.mark.parametrize("arrives", [False, True])
    async def test_it_finds_and_counts_what_fingerprints_had_hidden_and_not_what_arrives_between_its_lists(
        self, world: World, item: str, *, arrives: bool
    ) -> None:
        world.source.hold_fingerprint(world.vault)
        await world.polled(world.source.edit(item, password="two"))
        assert world.secrets.values(world.key()) == {"password": "one"}
        if arrives:
            world.source.before["list"] = world.source.catch_up
        await world.poll(full=True)
        assert world.secrets.values(world.key()) == {"password": "two"}
        await world.poll()
        assert world.meter.found == (0 if arrives else 1)

    @pytest.mark.parametrize("what", ["delete", "archive"])
    async def test_an_item_that_went_unseen_is_counted_too(self, world: World, item: str, what: str) -> None:
        world.source.hold_fingerprint(world.vault)
        getattr(world.source, what)(item)
        await world.poll(full=True)
        await world.poll()
        assert world.meter.found == 1

    async def test_a_secret_behind_a_list_that_did_not_change_is_no_miss(self, world: World, item: str) -> None:
        """The item can't be read, so its Secret stays behind: the poll has told as much as a resync can."""
        world.source.edit(item, password="two")
        world.source.refused[item] = BackendUnavailableError("of this item")
        await world.poll_after(60, times=4)
        await world.poll(full=True)
        assert (world.secrets.values(world.key()), world.meter.found) == ({"password": "one"}, 0)
        assert not world.process.poller.trust.lost()


async def test_the_list_of_a_vault_that_nobody_follows_any_more_is_dropped_after_some_polls(world: World) -> None:
    await world.synced()
    other = world.source.add_vault("Other")
    world.source.put(other, "db", password="x")
    await world.polled(world.claim("db", "vaults/Other/items/db"))
    for kept in (True,) * IDLE_POLLS + (False,) * 2:
        await world.poll()
        assert (world.process.catalog.listed(world.vault) is not None) is kept
    assert world.process.catalog.listed(other)


class TestTrust:
    """A vault list that hides changes."""

    async def lose(self, world: World) -> str:
        item = await world.synced()
        world.source.hold_fingerprint(world.vault)
        world.source.edit(item, password="two")
        await world.poll(full=True)
        await world.poll()
        world.forget_requests()
        return item

    async def test_after_a_miss_polls_list_items_and_find_every_change_for_a_list_per_vault(self, world: World) -> None:
        item = await self.lose(world)
        await world.polled(world.source.edit(item, password="three"))
        assert world.secrets.values(world.key()) == {"password": "three"}
        assert world.source.requests == ["vaults", f"list {world.vault}", f"item {item}"]
        world.forget_requests()
        await world.poll()
        assert (world.meter.found, world.source.requests) == (2, ["vaults", f"list {world.vault}"])

    async def test_changes_that_the_vault_list_shows_bring_the_cheap_poll_back(self, world: World) -> None:
        item = await self.lose(world)
        world.source.catch_up()
        for number in range(SHOWN_CHANGES):
            await world.poll()
            await world.polled(world.source.edit(item, password=str(number)))
        await world.poll()
        await world.poll()
        world.forget_requests()
        await world.poll()
        assert world.source.requests == ["vaults"]

    @pytest.mark.parametrize("behind", [False, True])
    async def test_silence_proves_nothing_and_no_rotation_is_hidden_for_longer_than_a_poll(self, world: World, *, behind: bool) -> None:
        """Fingerprints never move, or those of one vault of two never do."""
        other = world.source.put(world.source.add_vault("Other"), "other", password="one") if behind else None
        if other:
            world.claim("other", "vaults/Other/items/other")
        item = await self.lose(world)
        for number in range(5):
            for _ in range(2 * SHOWN_CHANGES):
                if other:
                    world.source.edit(other, password="two")
                await world.poll(full=True)
                await world.poll()
            await world.polled(world.source.edit(item, password=str(number)))
            assert world.secrets.values(world.key()) == {"password": str(number)}


async def test_polls_never_overlap_whoever_asks_for_one(world: World) -> None:
    await world.synced()
    world.source.gate = asyncio.Event()
    polls = [asyncio.create_task(world.process.poller.poll(full=full)) for full in (False, True, False)]
    await turns(20)
    assert world.source.requests == ["vaults"]
    world.source.gate.set()
    await asyncio.gather(*polls)
    assert world.source.requests == ["vaults", "vaults", f"list {world.vault}", "vaults"]
    assert world.source.peak == 1


async def test_a_vault_that_is_new_is_not_out_of_reach(world: World) -> None:
    await world.synced()
    await world.poll_after(60, times=60)
    world.clock.advance(5)
    new = world.source.add_vault("New")
    world.source.put(new, "fresh", password="x")
    key = await world.settled(world.claim("fresh", "vaults/New/items/fresh"))
    assert world.claims.ready(key).reason == "Synced"


async def test_a_vault_that_vanishes_while_another_is_listed_ends_nothing(world: World) -> None:
    await world.synced()
    other = world.source.add_vault("Other")
    world.source.put(other, "o", password="o")
    await world.settled(world.claim("o", "vaults/Other/items/o"))
    await world.poll_after(60)
    list_items = world.source.list_items

    async def slow(vault_id: str) -> Sequence[ItemSummary]:
        listed = await list_items(vault_id)
        if vault_id == other:  # look-ups read the vaults meanwhile
            world.source.delete_vault(world.vault)
            for _ in range(3):
                await world.process.catalog.read_vaults(polled=True)
        return listed

    world.source.list_items = slow  # type: ignore[method-assign]
    await world.poll(full=True)


async def test_one_vault_list_without_a_vault_is_a_blip(world: World) -> None:
    await world.synced()
    listing = world.source.list_vaults

    async def empty() -> list[Vault]:
        world.source.list_vaults = listing  # type: ignore[method-assign]
        return []

    world.source.list_vaults = empty  # type: ignore[method-assign]
    await world.poll_after(60)
    assert world.claims.ready(world.key()).status == "True"


async def test_a_vault_whose_list_does_not_come_holds_up_no_change_in_another(world: World) -> None:
    await world.synced("db")
    other = world.source.add_vault("Other")
    item = world.source.put(other, "x", a="one")
    world.clock.advance(5)
    await world.polled(world.claim("x", "vaults/Other/items/x"))
    world.process.poller._wait_seconds = 0.01
    world.source.gates[world.vault] = asyncio.Event()
    world.source.put(world.vault, "new", a="b")
    await world.polled(world.source.edit(item, a="two"))
    assert world.secrets.values(world.key("x")) == {"a": "two"}
    assert world.meter.polls[-1] is True  # a list may take longer than a poll waits
    await world.poll()
    assert world.meter.polls[-1] is False  # but not until the next one


class TestLateLists:
    """Lists that come when their poll waits for them no more."""

    @pytest.fixture
    def gate(self) -> asyncio.Event:
        return asyncio.Event()

    @pytest.fixture
    async def item(self, world: World, gate: asyncio.Event) -> str:
        item = await world.synced("db")
        world.process.poller._wait_seconds = 0.01
        world.source.gates[world.vault] = gate
        return item

    async def come(self, world: World, gate: asyncio.Event) -> None:
        gate.set()
        await turns(5)
        await world.settle()

    async def test_the_next_poll_does_not_ask_for_it_again_and_what_it_shows_is_done_at_once(
        self, world: World, gate: asyncio.Event, item: str
    ) -> None:
        await world.polled(world.source.edit(item, password="two"))
        await world.poll()
        assert (world.secrets.values(world.key("db")), world.source.count("list")) == ({"password": "one"}, 1)
        await self.come(world, gate)
        assert world.secrets.values(world.key("db")) == {"password": "two"}

    async def test_a_mistake_of_our_own_ends_the_next_poll(self, world: World, gate: asyncio.Event, item: str) -> None:
        world.source.edit(item, password="two")
        world.source.refused[world.vault] = ZeroDivisionError()  # type: ignore[assignment]  # a bug
        await world.poll()
        await self.come(world, gate)
        with pytest.raises(ZeroDivisionError):
            await world.poll()

    async def test_a_list_that_comes_in_time_waits_for_the_others_of_its_poll(self, world: World, gate: asyncio.Event, item: str) -> None:
        other = world.source.add_vault("Other")
        theirs = world.source.put(other, "x", password="one")
        world.clock.advance(5)
        world.claim("x", "vaults/Other/items/x")
        gate.set()
        await world.poll()
        gate.clear()
        world.process.poller._wait_seconds = 5
        world.source.edit(item, password="two")
        world.source.edit(theirs, password="two")
        world.forget_requests()
        poll = asyncio.create_task(world.process.poller.poll())
        await turns(50)
        assert (world.source.count("list"), world.process.queue.depth()) == (2, 0)
        gate.set()
        await poll
        assert world.process.queue.depth() == 2

    async def test_a_failure_is_told_at_once_and_the_next_poll_tries_again(self, world: World, gate: asyncio.Event, item: str) -> None:
        world.source.edit(item, password="two")
        world.source.refused[world.vault] = BackendForbiddenError("for a moment")
        await world.poll()
        await self.come(world, gate)
        world.clock.advance(1.0)
        await world.settle()
        assert world.claims.ready(world.key("db")).reason == "AccessDenied"
        del world.source.refused[world.vault]
        await world.poll_after(60)
        assert world.claims.ready(world.key("db")).reason == "Synced"
        assert world.secrets.values(world.key("db")) == {"password": "two"}

    async def test_what_it_shows_and_the_vault_list_hid_costs_the_latter_its_trust(
        self, world: World, gate: asyncio.Event, item: str
    ) -> None:
        world.source.hold_fingerprint(world.vault)
        world.source.edit(item, password="two")
        await world.poll(full=True)
        await self.come(world, gate)
        assert world.secrets.values(world.key("db")) == {"password": "two"}
        await world.poll()
        assert (world.meter.found, world.process.poller.trust.lost()) == (1, True)
