"""From a path and a pin to an item."""

import dataclasses

import pytest

from fakes.clock import FakeClock
from fakes.item_source import FakeItemSource
from fakes.world import World
from onepassword_operator.model.errors import (
    BackendForbiddenError,
    BackendUnavailableError,
    ItemAmbiguousError,
    ItemArchivedError,
    ItemNotFoundError,
    VaultNotFoundError,
)
from onepassword_operator.model.item import Revision
from onepassword_operator.model.item_path import ItemPath
from onepassword_operator.service.vaults.catalog import Catalog
from onepassword_operator.service.vaults.lookup import ItemLookup

DB = ItemPath("Prod", "db")


async def test_names_are_found_with_one_list_each(catalog: Catalog, source: FakeItemSource, vault: str) -> None:
    """And their tags with them."""
    item = source.put(vault, "db", a="b")
    source._keep(dataclasses.replace(source.item(item), tags=("one", "two")))
    for pin in (None, None, Revision(vault, item, 1)):
        found = await ItemLookup(catalog).find(DB, pin)
        assert (found.listed, found.tags) == (Revision(vault, item, 1), ("one", "two"))
    assert source.requests == ["vaults", f"list {vault}"]


async def test_ambiguity_is_a_warning_about_the_vault_first(catalog: Catalog, source: FakeItemSource, vault: str) -> None:
    item = source.put(vault, "db", a="b")
    source.put(vault, "db", a="c")
    found = await ItemLookup(catalog).find(DB, None)
    assert found.listed.item_id == item
    assert "2 items" in found.warning
    source.add_vault("Prod")
    await catalog.read_vaults()
    assert "2 vaults" in (await ItemLookup(catalog).find(DB, None)).warning


async def test_what_a_list_lacks_is_believed_only_while_the_list_is_fresh(
    catalog: Catalog, source: FakeItemSource, vault: str, clock: FakeClock
) -> None:
    find = ItemLookup(catalog)
    with pytest.raises(ItemNotFoundError):
        await find.find(DB, None)
    assert source.count("list") == 1
    item = source.put(vault, "db", a="b")
    clock.advance(3)
    assert (await find.find(DB, None)).listed.item_id == item


async def test_an_archived_item_is_looked_at_twice_as_well(catalog: Catalog, source: FakeItemSource, vault: str, clock: FakeClock) -> None:
    source.archive(source.put(vault, "db", a="b"))
    await catalog.listing(vault)
    clock.advance(3)
    with pytest.raises(ItemArchivedError):
        await ItemLookup(catalog).find(DB, None)
    assert source.count("list") == 2


async def test_an_unknown_vault_is_looked_for_once_more(catalog: Catalog, source: FakeItemSource, vault: str, clock: FakeClock) -> None:
    find = ItemLookup(catalog)
    with pytest.raises(VaultNotFoundError):
        await find.find(ItemPath("Late", "db"), None)
    late = source.add_vault("Late")
    source.put(late, "db", a="b")
    clock.advance(3)
    assert (await find.find(ItemPath("Late", "db"), None)).listed.vault_id == late


@pytest.mark.official(52, 57, 63, 68)
async def test_a_failed_look_up_is_a_failure_and_not_an_absence(catalog: Catalog, source: FakeItemSource, vault: str) -> None:
    source.outage = BackendUnavailableError("no answer")
    with pytest.raises(BackendUnavailableError):
        await ItemLookup(catalog).find(DB, None)
    source.outage = None
    source.refused[vault] = BackendUnavailableError("no answer")
    with pytest.raises(BackendUnavailableError):
        await ItemLookup(catalog).find(DB, None)


class TestPin:
    async def test_without_a_list_a_pin_is_believed_and_costs_nothing(self, catalog: Catalog, source: FakeItemSource) -> None:
        pin = Revision("v", "i", 7)
        assert ((await ItemLookup(catalog).find(DB, pin)).listed, source.requests) == (pin, [])

    async def test_a_pin_into_a_vault_that_no_list_has_is_kept_from_an_item_of_another_vault(
        self, catalog: Catalog, source: FakeItemSource, vault: str
    ) -> None:
        item, pin = source.put(vault, "db", a="b"), Revision("another", "i", 1)
        await catalog.read_vaults()
        with pytest.raises(ItemAmbiguousError, match=f"i, is gone; item {item} has its title, but was there before"):
            await ItemLookup(catalog).find(DB, pin)
        assert (await ItemLookup(catalog).find(DB, pin, any_successor=True)).listed.item_id == item


class TestSuccessor:
    """The pinned item is gone, and its title means something else now."""

    async def gone(self, catalog: Catalog, vault: str) -> Revision:
        await catalog.read_vaults()
        for _ in range(3):
            await catalog.list_for_poll(vault)
            catalog.note_missing(vault, frozenset({"gone"}))
        return Revision(vault, "gone", 1)

    async def test_several_are_refused_with_their_ids_and_an_id_is_never_unclear(
        self, catalog: Catalog, source: FakeItemSource, vault: str
    ) -> None:
        candidates = [source.put(vault, "db", a="b") for _ in range(2)]
        pin = await self.gone(catalog, vault)
        with pytest.raises(ItemAmbiguousError) as refused:
            await ItemLookup(catalog).find(DB, pin)
        for part in ("gone", *candidates, "itemPath"):
            assert part in str(refused.value)
        assert (await ItemLookup(catalog).find(ItemPath("Prod", candidates[0]), pin)).listed.item_id == candidates[0]

    async def test_an_archived_namesake_does_not_make_it_unclear(self, catalog: Catalog, source: FakeItemSource, vault: str) -> None:
        source.archive(source.put(vault, "db", a="b"))
        pin = await self.gone(catalog, vault)
        successor = source.put(vault, "db", a="b")
        await catalog.list_for_poll(vault)
        assert (await ItemLookup(catalog).find(DB, pin)).listed.item_id == successor

    async def test_a_secret_stays_as_it_was_until_one_is_left(self) -> None:
        world = World()
        item = await world.synced()
        twins = [world.source.put(world.vault, "db", password=password) for password in ("two", "three")]
        world.source.delete(item)
        await world.poll_after(60, times=3)
        assert world.claims.ready(world.key()).reason == "ItemAmbiguous"
        assert (world.secrets.values(world.key()), world.secrets.writes()) == ({"password": "one"}, [])
        world.source.delete(twins[0])
        await world.poll_after(60, times=3)
        assert world.secrets.values(world.key()) == {"password": "three"}
        assert world.claims.ready(world.key()).reason == "Synced"


class TestRefresh:
    async def test_vaults_and_the_vaults_list_are_read_once_for_all_who_asked_before(
        self, catalog: Catalog, source: FakeItemSource, vault: str, clock: FakeClock
    ) -> None:
        source.put(vault, "db", a="b")
        find = ItemLookup(catalog)
        await find.find(DB, None)
        source.requests.clear()
        clock.advance(0.1)  # both are fresh, and older than the demand
        asked = clock.monotonic()
        for _ in range(3):
            await find.refresh(DB, None, since=asked)
            clock.advance(10)
        assert source.requests == ["vaults", f"list {vault}"]

    async def test_the_pinned_items_vault_is_the_one_that_counts(self, catalog: Catalog, source: FakeItemSource, vault: str) -> None:
        other = source.add_vault("Other")
        await ItemLookup(catalog).refresh(DB, Revision(other, "i", 1), since=0.0)
        assert source.requests == ["vaults", f"list {other}"]
        assert catalog.listed(vault) is None


class TestUnlistedVault:
    """The vault list shows what the token may see; asking for the vault itself tells forbidden from absent."""

    HIDDEN = "h" * 26

    async def test_one_that_may_not_be_seen_is_told_from_one_that_is_not_there(
        self, catalog: Catalog, source: FakeItemSource, clock: FakeClock
    ) -> None:
        with pytest.raises(VaultNotFoundError):
            await ItemLookup(catalog).find(ItemPath(self.HIDDEN, "db"), None)
        clock.advance(3)
        source.refused[self.HIDDEN] = BackendForbiddenError("no access")
        with pytest.raises(BackendForbiddenError):
            await ItemLookup(catalog).find(ItemPath(self.HIDDEN, "db"), None)

    async def test_a_name_is_not_asked_for(self, catalog: Catalog, source: FakeItemSource) -> None:
        with pytest.raises(VaultNotFoundError):
            await ItemLookup(catalog).find(ItemPath("Hidden", "db"), None)
        assert source.requests == ["vaults"]
