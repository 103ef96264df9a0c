"""Which Secrets use which item."""

import pytest

from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.index.item_users import ItemUsers

A, B = SecretKey("app", "a"), SecretKey("app", "b")
X1, X2, Y1, Z1 = Revision("v", "x", 1), Revision("v", "x", 2), Revision("v", "y", 1), Revision("w", "z", 1)


@pytest.fixture
def users() -> ItemUsers:
    return ItemUsers()


def test_an_item_knows_its_users_and_a_vault_its_followed_items(users: ItemUsers) -> None:
    users.follow(A, Revisions((X1,)), requested="path")
    users.follow(B, Revisions((X1,)), requested="path")
    assert sorted(users.users("v", ["x", "unknown"])) == [A, B]
    assert (users.vaults(), list(users.revisions("v")), users.of(A)) == (["v"], [X1], ((X1,), "path"))


def test_following_another_item_lets_go_of_the_former(users: ItemUsers) -> None:
    users.follow(A, Revisions((X1,)), requested="path")
    users.follow(B, Revisions((X1,)), requested="path")
    users.follow(A, Revisions((Y1,)), requested="path")
    assert users.users("v", ["x"]) == [B]
    users.follow(B, Revisions((Z1,)), requested="path")
    assert (users.users("v", ["x"]), sorted(users.vaults())) == ([], ["v", "w"])
    users.follow(A, Revisions((Z1,)), requested="path")
    assert users.vaults() == ["w"]


def test_an_unfollowed_secret_remembers_its_path_and_a_forgotten_one_nothing(users: ItemUsers) -> None:
    users.follow(A, Revisions((X1,)), requested="path")
    users.unfollow(A)
    users.unfollow(A)
    assert (users.users("v", ["x"]), users.vaults(), users.of(A)) == ([], [], (None, "path"))
    users.forget(A)
    users.forget(A)
    assert users.of(A) == (None, "")


def test_a_path_that_leads_somewhere_waits_no_longer_and_a_forgotten_secret_for_nothing(users: ItemUsers) -> None:
    users.wait(A, vaults=["Prod"])
    assert users.waiting() == [(A, "Prod")]
    users.follow(A, Revisions((X1,)), requested="path")
    assert users.waiting() == []
    users.wait(A, vaults=["Prod"])
    users.forget(A)
    assert users.waiting() == []


def test_a_secret_of_several_items_is_a_user_of_each_and_waits_for_each_vault(users: ItemUsers) -> None:
    users.follow(A, Revisions((X1, Z1)), requested="paths")
    assert (users.users("v", ["x"]), users.users("w", ["z"])) == ([A], [A])
    users.follow(A, Revisions((Y1, Z1)), requested="paths")
    assert (users.users("v", ["x", "y"]), users.users("w", ["z"]), list(users.revisions("v"))) == ([A], [A], [Y1])
    users.wait(A, vaults=["Prod", "Test"])
    assert users.waiting() == [(A, "Prod"), (A, "Test")]
    users.unfollow(A)
    assert users.vaults() == []
