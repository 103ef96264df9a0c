"""How often a restart that somebody takes back is tried."""

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model import names
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules.restart import Restart
from onepassword_operator.service.reverts import Reverts

FOR_TWO = Restart(secrets=("db",), template_annotations={names.RESTARTED_FOR: '{"db":"v/i@2"}', names.LAST_RESTARTED: "x"})
FOR_THREE = Restart(secrets=("db",), template_annotations={names.RESTARTED_FOR: '{"db":"v/i@3"}', names.LAST_RESTARTED: "x"})


def workload(uid: str = "w") -> Workload:
    return Workload(
        namespace="app",
        name="web",
        uid=uid,
        resource_version="1",
        created_at="",
        annotations={},
        template_annotations={},
        secrets=frozenset({"db"}),
    )


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def reverts(clock: FakeClock) -> Reverts:
    return Reverts(clock)


def test_three_patches_for_the_same_revisions_are_allowed(reverts: Reverts) -> None:
    for _ in range(3):
        assert reverts.allows(workload(), FOR_TWO)
        reverts.note(workload(), FOR_TWO)
    assert not reverts.allows(workload(), FOR_TWO)


def test_each_workload_and_each_revision_is_counted_for_itself(reverts: Reverts) -> None:
    for _ in range(3):
        reverts.note(workload(), FOR_TWO)
    assert reverts.allows(workload(), FOR_THREE)
    assert reverts.allows(workload("another"), FOR_TWO)


def test_the_limit_is_told_once(reverts: Reverts) -> None:
    for _ in range(3):
        reverts.note(workload(), FOR_TWO)
    assert [reverts.is_untold(workload(), FOR_TWO) for _ in range(3)] == [True, False, False]
    assert reverts.is_untold(workload("another"), FOR_TWO)
    assert reverts.is_untold(workload(), FOR_THREE)


def test_an_hour_after_the_last_patch_it_starts_anew(reverts: Reverts, clock: FakeClock) -> None:
    for _ in range(3):
        reverts.note(workload(), FOR_TWO)
        clock.advance(600)
    assert reverts.is_untold(workload(), FOR_TWO)
    clock.advance(3000)  # an hour after the last one, to the second
    assert not reverts.allows(workload(), FOR_TWO)
    clock.advance(1)
    assert reverts.allows(workload(), FOR_TWO)
    assert reverts.is_untold(workload(), FOR_TWO)
