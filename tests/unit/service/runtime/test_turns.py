"""The order of keys that wait: urgent ones first, and a share for every namespace."""

import itertools

import pytest

from onepassword_operator.model.secret import SecretKey
from onepassword_operator.service.runtime.turns import Turns

NEW, DRIFT, CHANGED, LOW = range(4)
A = SecretKey("app", "a")


@pytest.fixture
def turns() -> Turns[SecretKey]:
    return Turns(crowds=lambda namespace: namespace == "crowd")


def taken(turns: Turns[SecretKey]) -> SecretKey | None:
    return turns.take(lambda _: True)


@pytest.mark.parametrize(("priority", "passed"), [(NEW, 1), (DRIFT, 2), (CHANGED, 3), (LOW, 4)])
def test_however_many_of_one_namespace_are_new_another_has_its_turn_soon(turns: Turns[SecretKey], priority: int, passed: int) -> None:
    """A loop that edits its resources for ever is always new; the less urgent the others, the more a turn costs them."""
    busy = [SecretKey("busy", str(number)) for number in range(100)]
    for key in busy:
        turns.add(key, NEW)
    turns.add(A, priority)
    for key in busy[:passed]:
        assert taken(turns) == key
        turns.add(key, NEW)
    assert taken(turns) == A
    assert [taken(turns) for _ in busy] == [*busy[passed:], *busy[:passed]]


def test_a_new_one_is_the_next_however_much_changes_or_has_waited_for_long(turns: Turns[SecretKey]) -> None:
    for number, priority in itertools.product(range(100), (DRIFT, CHANGED, LOW)):
        turns.add(SecretKey(f"busy-{number % 10}", f"{priority}-{number}"), priority)
    for number in range(250):
        assert taken(turns)
        turns.add(new := SecretKey("app", str(number)), NEW)
        assert taken(turns) == new


def test_a_namespace_that_crowds_waits_for_others_that_may_run_and_for_nobody_else(turns: Turns[SecretKey]) -> None:
    crowd = SecretKey("crowd", "a")
    for well in (True, False):
        turns.add(crowd, NEW)
        turns.add(A, LOW)
        if well:
            assert taken(turns) == A
        assert turns.take(lambda key: key == crowd) == crowd
    assert taken(turns) is None
