"""What readers see while the data catches up."""

from typing import Any

import pytest

from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.errors import ApiError
from onepassword_operator.devconnect.store.editing import Editor
from onepassword_operator.devconnect.store.vault_store import VaultStore
from onepassword_operator.devconnect.store.visibility import Lag


@pytest.fixture
def store(clock: Any, behaviour: Behaviour) -> VaultStore:
    store = VaultStore(clock=clock, behaviour=behaviour)
    Editor(store).create_vault("v")
    Editor(store).create_item("v", {"title": "x"})
    return store


def seen(store: VaultStore) -> tuple[int, int, int]:
    """The item's age as the vault, the list and the item tell it."""
    (vault,) = store.visible.vaults()
    (item,) = store.visible.items(vault.id)
    assert f'"version":{item.version},'.encode() in store.visible.listing(vault.id)
    return vault.content_version - 1, item.version, store.visible.item(vault.id, item.id).version


def edit(store: VaultStore) -> None:
    Editor(store).edit_item("v", "x", edit={"tags": ["t"]})


@pytest.mark.parametrize(
    ("lag", "first"), [(Lag(list_seconds=5, get_seconds=5), (2, 1, 1)), (Lag(vault_seconds=5), (1, 2, 2)), (Lag(get_seconds=5), (2, 2, 1))]
)
def test_vault_list_and_item_may_catch_up_in_any_order(store: VaultStore, clock: Any, lag: Lag, first: tuple[int, int, int]) -> None:
    store.visible.set_lag(lag)
    edit(store)
    assert seen(store) == first
    clock.advance(5)
    assert seen(store) == (2, 2, 2)


def test_a_lag_for_a_while_ends_by_itself_and_with_it_the_wait(store: VaultStore, clock: Any) -> None:
    store.visible.set_lag(Lag(get_seconds=60), for_seconds=10)
    edit(store)
    clock.advance(9)
    assert seen(store) == (2, 2, 1)
    clock.advance(1)
    assert seen(store) == (2, 2, 2)
    assert store.visible.lag == Lag()
    edit(store)
    assert seen(store) == (3, 3, 3)


def test_changes_become_visible_in_the_order_they_were_made_when_the_lag_shrinks(store: VaultStore) -> None:
    store.visible.set_lag(Lag(get_seconds=100))
    edit(store)
    store.visible.set_lag(Lag())
    edit(store)
    assert seen(store) == (3, 3, 3)


def test_while_1password_is_out_of_reach_readers_see_what_was(store: VaultStore, clock: Any) -> None:
    store.visible.hold(clock.now + 10)
    edit(store)
    assert seen(store) == (1, 1, 1)
    clock.advance(10)
    assert seen(store) == (2, 2, 2)


def test_a_deleted_item_is_read_until_the_deletion_arrives_and_a_created_one_is_not(store: VaultStore, clock: Any) -> None:
    store.visible.set_lag(Lag(get_seconds=5))
    item = Editor(store).find_item("v", "x")
    Editor(store).delete_item("v", "x")
    created = Editor(store).create_item("v", {"title": "new"})
    assert store.visible.item(item.vault_id, item.id).content.title == "x"
    with pytest.raises(ApiError, match="not found"):
        store.visible.item(item.vault_id, created.id)
    clock.advance(5)
    with pytest.raises(ApiError, match="not found"):
        store.visible.item(item.vault_id, item.id)
    assert store.visible.item(item.vault_id, created.id).version == 1


@pytest.mark.parametrize(("choice", "listed", "readable"), [("readable", 0, True), ("listed", 1, True), ("absent", 0, False)])
def test_archived_items_are_shown_as_the_behaviour_says(
    store: VaultStore, behaviour: Behaviour, choice: str, listed: int, *, readable: bool
) -> None:
    Editor(store).edit_item("v", "x", edit={"state": "ARCHIVED"})
    item = Editor(store).find_item("v", "x")
    behaviour.update({"archived_items": choice})
    assert len(store.visible.items(item.vault_id)) == store.visible.listing(item.vault_id).count(b'"ARCHIVED"') == listed
    assert store.visible.vault(item.vault_id).items == 0
    if readable:
        assert store.visible.item(item.vault_id, item.id).content.state == "ARCHIVED"
    else:
        with pytest.raises(ApiError, match=r"item .* not found"):
            store.visible.item(item.vault_id, item.id)


def test_a_deleted_state_is_never_listed(store: VaultStore, behaviour: Behaviour) -> None:
    behaviour.update({"archived_items": "listed"})
    Editor(store).edit_item("v", "x", edit={"state": "DELETED"})
    assert store.visible.items(store.vaults()[0].id) == ()
