"""Worlds in which lists concern Secrets: users of changed items, and Secrets that wait for one."""

import dataclasses

import pytest

from fakes.item_source import fields_of
from fakes.world import World


async def test_a_vault_that_nobody_follows_is_not_listed(world: World) -> None:
    await world.synced()
    other = world.source.add_vault("Other")
    await world.polled(world.source.put(other, "x", a="b"))
    assert world.source.requests == ["vaults"]


@pytest.mark.parametrize("how", ["made", "renamed", "renamed at an unmoved version"])
async def test_a_path_to_an_unknown_vault_is_woken_when_it_appears(world: World, how: str) -> None:
    key = world.claim("db", "vaults/Staging/items/db")
    other = world.source.add_vault("Other")
    await world.polled(world.source.put(other, "db", password="one"))
    assert world.claims.ready(key).reason == "VaultNotFound"
    if how == "made":
        world.source.put(world.source.add_vault("Staging"), "db", password="one")
    else:
        world.source.rename_vault(other, "Staging", moves=how == "renamed")
    await world.poll_after(60)
    assert world.claims.ready(key).reason == "Synced"


async def test_a_path_is_woken_even_if_another_look_up_saw_the_change_first(world: World) -> None:
    key = await world.polled(world.claim("db", "vaults/Prod/items/db"))
    world.source.put(world.vault, "db", password="one")
    world.clock.advance(30)
    await world.settled(world.claim("lost", "vaults/Nowhere/items/db"))  # reads the vault list anew, between two polls
    await world.poll_after(30)
    assert world.claims.ready(key).reason == "Synced"


async def test_an_item_that_is_gone_is_looked_for_once_and_not_whenever_its_vault_changes(world: World) -> None:
    item = await world.synced()
    world.source.delete(item)
    await world.poll_after(60, times=3)
    assert world.claims.ready(world.key()).reason == "ItemNotFound"
    world.forget_requests()
    await world.polled(world.source.put(world.vault, "other", a="b"))
    assert world.source.count("item") == 0


@pytest.mark.parametrize("seen_first", [False, True], ids=["", "by another look-up"])
async def test_a_vault_that_is_gone_is_told_and_its_secrets_stay(world: World, *, seen_first: bool) -> None:
    world.source.add_vault("Other")
    await world.synced()
    world.clock.advance(30)
    world.source.delete_vault(world.vault)
    if seen_first:
        await world.settled(world.claim("lost", "vaults/Nowhere/items/db"))
    for seconds in (30, 60):
        await world.poll_after(seconds)
        assert world.claims.ready(world.key()).reason == "Synced"
    await world.poll_after(60)
    assert world.claims.ready(world.key()).reason == "VaultNotFound"
    assert world.secrets.values(world.key()) == {"password": "one"}


async def test_a_new_item_that_lists_show_late_wakes_its_resource(world: World) -> None:
    await world.synced()
    key = await world.settled(world.claim("late", "vaults/Prod/items/late"))
    world.source.hold_list(world.vault)
    world.source.put(world.vault, "late", password="x")
    await world.poll_after(60)
    world.source.catch_up()
    await world.poll_after(60, times=3)
    assert world.claims.ready(key).reason == "Synced"


async def test_a_change_that_lookups_listed_first_is_still_noticed(world: World, item: str) -> None:
    world.source.edit(item, password="two")
    world.clock.advance(5)
    await world.settled(world.claim("a", "vaults/Nowhere/items/x"))  # reads the vaults
    for name in ("b", "c"):  # list the vault
        world.clock.advance(5)
        await world.settled(world.claim(name, f"vaults/Prod/items/{name}"))
    await world.poll_after(60, times=5)
    assert world.secrets.values(world.key()) == {"password": "two"}


async def test_other_values_at_the_same_version_are_read_once_for_all_secrets(world: World) -> None:
    item = await world.synced("a", "b", "c")
    await world.poll_after(60)
    world.forget_requests()
    world.source._keep(dataclasses.replace(world.source.item(item), fields=fields_of({"password": "two"})))
    world.source.updated[item] = "later"
    await world.poll_after(60)
    assert {name: world.secrets.values(world.key(name))["password"] for name in "abc"} == dict.fromkeys("abc", "two")
    assert world.source.count("item") == 1


async def used_once(world: World) -> str:
    """A vault whose only resource came and went, so that polls do not list it any more; returns the item "api" in it."""
    item = world.source.put(world.source.add_vault("Dev"), "api", password="old")
    await world.synced()
    first = world.claim("first", "vaults/Dev/items/api")
    await world.live(120)
    world.claims.delete(first)
    world.secrets.objects.pop(first)
    await world.live(300)
    return item


@pytest.mark.parametrize("what", ["renamed", "deleted"])
async def test_a_title_in_a_vault_that_nobody_followed_is_looked_up_as_it_is_now(world: World, what: str) -> None:
    item = await used_once(world)
    if what == "renamed":
        world.source.rename(item, "api-old")
    else:
        world.source.delete(item)
    world.source.put(next(v.id for v in await world.source.list_vaults() if v.name == "Dev"), "api", password="new")
    await world.live(3600)
    key = world.claim("second", "vaults/Dev/items/api")
    await world.live(600)
    assert world.claims.ready(key).status == "True"
    assert world.secrets.values(key) == {"password": "new"}


async def test_a_path_is_woken_by_names_whose_letters_have_another_unicode_form(world: World) -> None:
    key = await world.settled(world.claim("db", "vaults/Cafe\u0301/items/Menu\u0308"))
    vault = await world.polled(world.source.add_vault("Caf\u00e9"))
    assert world.claims.ready(key).reason == "ItemNotFound"
    world.source.put(vault, "Men\u00fc", password="one")
    await world.poll_after(60)
    assert world.claims.ready(key).reason == "Synced"
