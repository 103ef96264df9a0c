"""The catalog: what is asked for, and what is believed without asking."""

import asyncio

import pytest

from fakes.calls import begun
from fakes.clock import FakeClock
from fakes.item_source import FakeItemSource
from onepassword_operator.model.errors import BackendUnavailableError
from onepassword_operator.service.vaults.catalog import Catalog


async def test_a_fresh_vault_list_serves_everybody_with_one_request(
    catalog: Catalog, source: FakeItemSource, clock: FakeClock, vault: str
) -> None:
    seen = await asyncio.gather(*(catalog.fresh_vaults() for _ in range(5)))
    assert all(list(vaults) == [vault] for vaults in seen)
    assert source.requests == ["vaults"]
    clock.advance(2.5)
    await catalog.fresh_vaults()
    assert source.count("vaults") == 2


async def test_a_listing_is_shared_and_kept_until_a_fresh_one_is_asked_for_which_is_shared_too(
    catalog: Catalog, source: FakeItemSource, clock: FakeClock, vault: str
) -> None:
    item = source.put(vault, "db", a="b")
    await asyncio.gather(*(catalog.listing(vault) for _ in range(5)))
    clock.advance(100)
    listing = await catalog.listing(vault)
    assert (list(listing.items), source.count("list")) == ([item], 1)
    await asyncio.gather(*(catalog.fresh_listing(vault) for _ in range(5)))
    assert source.count("list") == 2
    clock.advance(2.5)
    await catalog.fresh_listing(vault)
    assert source.count("list") == 3


async def test_a_list_that_shows_nothing_new_leaves_the_old_objects_in_place(
    catalog: Catalog, source: FakeItemSource, clock: FakeClock, vault: str
) -> None:
    source.put(vault, "db", a="b")
    first = (await catalog.fresh_listing(vault)).items
    clock.advance(3)
    assert (await catalog.fresh_listing(vault)).items is first
    source.put(vault, "cache", a="b")
    clock.advance(3)
    assert (await catalog.fresh_listing(vault)).items.keys() > first.keys()


async def test_a_listing_counts_as_read_under_the_fingerprint_from_before_it(catalog: Catalog, source: FakeItemSource, vault: str) -> None:
    await catalog.read_vaults(polled=True)
    source.hold_list(vault)
    gate = source.gate = asyncio.Event()
    listing = asyncio.create_task(catalog.list_for_poll(vault))
    await asyncio.sleep(0)
    source.gate = None
    source.put(vault, "db", a="b")
    await catalog.read_vaults(polled=True)
    gate.set()
    await listing
    assert not catalog.is_current(vault)


async def test_a_vault_that_is_gone_takes_its_listing_along(catalog: Catalog, source: FakeItemSource, vault: str) -> None:
    other = source.add_vault("Other")
    await catalog.read_vaults(polled=True)
    await catalog.listing(vault)
    await catalog.list_for_poll(other)
    source.delete_vault(vault)
    source.delete_vault(other)
    await catalog.read_vaults(polled=True)
    await catalog.read_vaults(polled=True)
    assert catalog.listed(vault) is not None  # two lists may be incomplete
    await catalog.read_vaults(polled=True)
    assert catalog.listed(vault) is None
    assert catalog.listed(other) is None
    assert catalog.vaults == {}


async def test_a_vault_that_vanishes_while_its_listing_is_read_is_asked_for_again(catalog: Catalog, vault: str) -> None:
    first = asyncio.create_task(catalog.listing(vault))
    second = asyncio.create_task(catalog.fresh_listing(vault))
    await first
    catalog._listings.clear()  # what a vault list without the vault does in between
    assert (await second).items == {}


async def test_nothing_is_confirmed_about_a_vault_that_was_never_listed(catalog: Catalog) -> None:
    assert not catalog.confirmed_gone("unknown", "x")
    catalog.expect_more("unknown")
    assert catalog.listed("unknown") is None


async def test_a_look_up_waits_for_a_list_in_turn_and_asks_for_none_of_its_own(
    catalog: Catalog, source: FakeItemSource, vault: str
) -> None:
    await catalog.read_vaults(polled=True)
    source.gates[vault] = asyncio.Event()
    both = await begun(catalog.list_for_poll(vault), catalog.listing(vault))
    source.gates[vault].set()
    await asyncio.gather(*both)
    assert source.count("list") == 1


async def test_a_poll_asks_although_a_look_up_has_failed_a_moment_ago(catalog: Catalog, source: FakeItemSource, vault: str) -> None:
    source.refused[vault] = BackendUnavailableError("500")
    for _ in range(2):
        with pytest.raises(BackendUnavailableError):
            await catalog.listing(vault)
    assert source.count("list") == 1
    source.refused.clear()
    await catalog.list_for_poll(vault)
    assert catalog.listed(vault)
