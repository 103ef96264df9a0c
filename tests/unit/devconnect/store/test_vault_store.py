"""The store: ids and counters."""

from typing import Any

import pytest

from onepassword_operator.devconnect.errors import ApiError
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


def test_equal_names_get_different_ids(store: VaultStore, vault: str) -> None:
    assert len({found.id for found in store.vaults()}) == 2
    assert len({item.id for item in store.items(vault)}) == 3


def test_a_deleted_vault_is_gone_for_readers_and_writers(store: VaultStore, vault: str) -> None:
    store.delete_vault(vault)
    for read in (store.visible.vault, store.visible.listing, store.visible.items, store.items, store.delete_vault):
        with pytest.raises(ApiError, match=f"vault {vault} not found"):
            read(vault)
