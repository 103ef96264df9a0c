"""What a webhook made of a write."""

import pytest

from onepassword_operator.rules.secret.mutation import Mutation


@pytest.mark.parametrize(
    ("mutation", "words"),
    [
        (Mutation(1, frozenset("a"), frozenset("b"), frozenset("c")), 'key "a", label "b", annotation "c"'),
        (Mutation(1, frozenset("abcdefg"), frozenset(), frozenset()), 'key "a", key "b", key "c", key "d", key "e" and 2 more'),
    ],
)
def test_it_names_the_keys_but_not_all_of_many(mutation: Mutation, words: str) -> None:
    assert str(mutation) == f"an admission webhook changes it on the way: {words}"
