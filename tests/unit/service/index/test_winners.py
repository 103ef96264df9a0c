"""The claim that decides a Secret."""

from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.index.winners import Winners

A = SecretKey("app", "a")


def test_nothing_is_kept_of_a_secret_that_one_object_asks_for() -> None:
    winners = Winners()
    winners.decide(A, "one", sharing=["two"], alone=False)
    winners.decide(A, "one", sharing=[], alone=True)
    assert (winners.of(A), winners._decided) == (("", frozenset()), {})
    winners.decide(A, "one", sharing=[], alone=False)
    winners.forget(A)
    assert winners._decided == {}
