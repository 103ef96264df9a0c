"""The store: ids, counters, and what lagging readers see."""

from typing import Any

import pytest

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.store.editing import Editor
from onepassword_operator.devconnect.store.seed import Seed
from onepassword_operator.devconnect.store.vault_store import VaultStore
from onepassword_operator.devconnect.store.visibility import Lag

SEED = Seed.build({"vaults": [{"name": "a", "items": [{"title": "x"}, {"title": "x"}, {"title": "y", "version": 7}]}, {"name": "a"}]})


@pytest.fixture
def store(clock: Any) -> VaultStore:
    filled = VaultStore(clock=clock)
    SEED.fill(filled)
    return filled


@pytest.fixture
def vault(store: VaultStore) -> str:
    return store.vaults()[0].id


def listed(store: VaultStore, vault: str) -> dict[str, int]:
    return {item.id: item.version for item in store.visible.items(vault)}


def test_the_same_seed_gives_the_same_data_on_every_start(store: VaultStore, clock: Any) -> None:
    clock.advance(1000)
    again = VaultStore(clock=clock)
    SEED.fill(again)
    assert again.vaults() == store.vaults()
    assert [again.items(found.id) for found in again.vaults()] == [store.items(found.id) for found in store.vaults()]


def test_equal_names_get_different_ids(store: VaultStore, vault: str) -> None:
    assert len({found.id for found in store.vaults()}) == 2
    assert len({item.id for item in store.items(vault)}) == 3


def test_a_deleted_and_created_title_is_another_item(store: VaultStore, vault: str) -> None:
    editor = Editor(store)
    old = editor.find_item(vault, "y")
    editor.delete_item(vault, "y")
    assert editor.create_item(vault, {"title": "y"}).id != old.id


def test_renaming_a_vault_moves_its_attribute_version_only(store: VaultStore, vault: str) -> None:
    before = store.vault(vault)
    after = store.rename_vault(vault, "b")
    assert (after.attribute_version, after.content_version) == (before.attribute_version + 1, before.content_version)


def test_an_edit_moves_version_content_version_and_times(store: VaultStore, vault: str, clock: Any) -> None:
    before = store.vault(vault)
    item = Editor(store).edit_item(vault, "y", edit={"fields": {"k": "v"}})
    assert (item.version, item.updated_at) == (8, clock.now)
    assert (store.vault(vault).content_version, store.vault(vault).updated_at) == (before.content_version + 1, clock.now)


@pytest.mark.parametrize(
    ("lag", "order"),
    [
        (Lag(vault_seconds=1, list_seconds=2, get_seconds=3), ["vault", "list", "get"]),
        (Lag(vault_seconds=3, list_seconds=2, get_seconds=1), ["get", "list", "vault"]),
        (Lag(vault_seconds=2, list_seconds=3, get_seconds=1), ["get", "vault", "list"]),
    ],
)
def test_each_way_of_reading_lags_on_its_own(store: VaultStore, vault: str, clock: Any, lag: Lag, order: list[str]) -> None:
    content_version = store.vault(vault).content_version
    store.visible.set_lag(lag)
    item = Editor(store).edit_item(vault, "y", edit={"tags": ["new"]})
    seen: list[str] = []
    for _ in range(4):
        fresh = {
            "vault": store.visible.vault(vault).content_version > content_version,
            "list": listed(store, vault)[item.id] == 8 and b"new" in store.visible.listing(vault),
            "get": store.visible.item(vault, item.id).version == 8,
        }
        seen += [name for name, is_fresh in fresh.items() if is_fresh and name not in seen]
        clock.advance(1)
    assert seen == order


def test_a_created_item_is_missing_and_a_deleted_one_still_there_until_the_lag_is_over(store: VaultStore, vault: str, clock: Any) -> None:
    editor = Editor(store)
    old = editor.find_item(vault, "y")
    store.visible.set_lag(Lag(list_seconds=5, get_seconds=5))
    new = editor.create_item(vault, {"title": "z"})
    editor.delete_item(vault, "y")
    assert store.visible.item(vault, old.id) == old
    with pytest.raises(ApiError, match="not found"):
        store.visible.item(vault, new.id)
    clock.advance(5)
    assert store.visible.item(vault, new.id) == new
    assert old.id not in listed(store, vault)


def test_changes_become_visible_in_the_order_they_were_made_when_the_lag_shrinks(store: VaultStore, vault: str) -> None:
    editor = Editor(store)
    store.visible.set_lag(Lag(get_seconds=100))
    editor.edit_item(vault, "y", edit={"fields": {"k": "first"}})
    store.visible.set_lag(Lag())
    item = editor.edit_item(vault, "y", edit={"fields": {"k": "second"}})
    assert store.visible.item(vault, item.id).version == 9


def test_a_deleted_vault_is_gone_for_readers_and_writers(store: VaultStore, vault: str) -> None:
    store.delete_vault(vault)
    for read in (store.visible.vault, store.visible.listing, store.visible.items, store.items, store.delete_vault):
        with pytest.raises(ApiError, match=f"vault {vault} not found"):
            read(vault)
