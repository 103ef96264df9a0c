"""How often a restart that somebody takes back is tried."""

import dataclasses
from collections import OrderedDict
from typing import Any

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model import names
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules.restart import Restart
from onepassword_operator.service.restarts.reverted import Reverts
from unit.rules.samples import BARE_WORKLOAD

FOR_TWO = Restart(secrets=("db",), record={names.RESTARTED_FOR: '{"db":"v/i@2"}', names.LAST_RESTARTED: "x"})
FOR_THREE = Restart(secrets=("db",), record={names.RESTARTED_FOR: '{"db":"v/i@3"}', names.LAST_RESTARTED: "x"})


def workload(uid: str = "w") -> Workload:
    return dataclasses.replace(BARE_WORKLOAD, uid=uid)


@pytest.fixture
def reverts(clock: FakeClock) -> Reverts:
    return Reverts(clock)


def test_the_limit_is_told_once(reverts: Reverts) -> None:
    for _ in range(3):
        reverts.note(workload(), FOR_TWO)
        reverts.note(workload("another"), FOR_TWO)
    assert [reverts.take_unreported(workload(), FOR_TWO) for _ in range(3)] == [True, False, False]
    assert reverts.take_unreported(workload("another"), FOR_TWO)


def test_a_workload_that_is_due_for_other_revisions_in_turn_has_had_nothing_taken_back(reverts: Reverts) -> None:
    for _ in range(10):
        for decided in (FOR_TWO, FOR_THREE):
            assert reverts.allows(workload(), decided)
            reverts.note(workload(), decided)


def test_an_hour_after_the_last_patch_it_starts_anew(reverts: Reverts, clock: FakeClock) -> None:
    for _ in range(3):
        reverts.note(workload(), FOR_TWO)
        clock.advance(600)
    assert reverts.take_unreported(workload(), FOR_TWO)
    clock.advance(3000)  # an hour after the last one, to the second
    assert not reverts.allows(workload(), FOR_TWO)
    clock.advance(1)
    assert reverts.allows(workload(), FOR_TWO)
    for _ in range(3):
        reverts.note(workload(), FOR_TWO)
    assert reverts.take_unreported(workload(), FOR_TWO)


def test_each_is_forgotten_an_hour_after_its_own_last_patch(reverts: Reverts, clock: FakeClock) -> None:
    reverts.note(workload("often"), FOR_TWO)
    clock.advance(10)
    reverts.note(workload("once"), FOR_TWO)
    clock.advance(10)
    reverts.note(workload("often"), FOR_TWO)
    reverts.note(workload("often"), FOR_TWO)
    clock.advance(3591)  # an hour and a second after the only patch of one, less after the last of the other
    assert not reverts.allows(workload("often"), FOR_TWO)
    assert len(reverts._patched) == 1
    clock.advance(10)
    assert reverts.allows(workload("often"), FOR_TWO)
    assert len(reverts._patched) == 0


def test_asking_about_one_of_many_does_not_go_through_all(reverts: Reverts) -> None:
    """Ten thousand Deployments that use one Secret are asked about one by one, at each of its rotations."""
    looked_at: list[object] = []

    class Watched(OrderedDict[Any, Any]):
        def values(self) -> Any:
            for value in super().values():
                looked_at.append(value)
                yield value

        def items(self) -> Any:
            for item in super().items():
                looked_at.append(item)
                yield item

    reverts._patched = Watched()
    for number in range(100):
        reverts.note(workload(str(number)), FOR_TWO)
    for number in range(100):
        assert reverts.allows(workload(str(number)), FOR_TWO)
    assert len(looked_at) == 100
