"""The store: ids and counters."""

from typing import Any

import pytest

from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.store.editing import Editor
from onepassword_operator.devconnect.store.seed import Seed
from onepassword_operator.devconnect.store.vault_store import VaultStore

SEED = Seed.build({"vaults": [{"name": "a", "items": [{"title": "x"}, {"title": "x"}, {"title": "y", "version": 7}]}, {"name": "a"}]})


@pytest.fixture
def store(clock: Any) -> VaultStore:
    filled = VaultStore(clock=clock)
    SEED.fill(filled)
    return filled


@pytest.fixture
def vault(store: VaultStore) -> str:
    return store.vaults()[0].id


def test_the_same_seed_gives_the_same_data_on_every_start(store: VaultStore, clock: Any) -> None:
    clock.advance(1000)
    again = VaultStore(clock=clock)
    SEED.fill(again)
    assert again.vaults() == store.vaults()
    assert [again.items(found.id) for found in again.vaults()] == [store.items(found.id) for found in store.vaults()]


def test_equal_names_get_different_ids(store: VaultStore, vault: str) -> None:
    assert len({found.id for found in store.vaults()}) == 2
    assert len({item.id for item in store.items(vault)}) == 3


def test_an_edit_moves_version_content_version_and_times(store: VaultStore, vault: str, clock: Any) -> None:
    before = store.vault(vault)
    item = Editor(store).edit_item(vault, "y", edit={"fields": {"k": "v"}})
    assert (item.version, item.updated_at) == (8, clock.now)
    assert (store.vault(vault).content_version, store.vault(vault).updated_at) == (before.content_version + 1, clock.now)


def test_a_deleted_vault_is_gone_for_readers_and_writers(store: VaultStore, vault: str) -> None:
    store.delete_vault(vault)
    for read in (store.visible.vault, store.visible.listing, store.visible.items, store.items, store.delete_vault):
        with pytest.raises(ApiError, match=f"vault {vault} not found"):
            read(vault)
