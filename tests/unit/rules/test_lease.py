"""Who may lead, and what the lease says then: the rules of Kubernetes' own client library."""

import pytest

from onepassword_operator.model.lease import LeaseRecord
from onepassword_operator.rules import lease
from onepassword_operator.rules.lease import Timing

THEIRS = LeaseRecord(holder="other", lease_seconds=15, acquired="then", renewed="then", transitions=3)
MINE = LeaseRecord(holder="me", lease_seconds=15, acquired="then", renewed="then", transitions=3)
FREE = LeaseRecord(holder="", lease_seconds=1, acquired="then", renewed="then", transitions=3)


@pytest.mark.parametrize(
    ("record", "unchanged_seconds", "expected"),
    [(None, 0.0, True), (FREE, 0.0, True), (MINE, 0.0, True), (THEIRS, 0.0, False), (THEIRS, 15.0, False), (THEIRS, 15.1, True)],
)
def test_a_lease_is_there_for_the_taking_when_nobody_holds_it_or_its_holder_was_silent_for_longer_than_it_lasts(
    *, record: LeaseRecord | None, unchanged_seconds: float, expected: bool
) -> None:
    assert lease.may_hold(record, "me", unchanged_seconds=unchanged_seconds) is expected


def test_how_long_a_lease_lasts_is_what_its_holder_wrote() -> None:
    short = LeaseRecord(holder="other", lease_seconds=5, acquired="then", renewed="then", transitions=0)
    assert lease.may_hold(short, "me", unchanged_seconds=5.1)


@pytest.mark.parametrize(("former", "acquired", "transitions"), [(None, "now", 0), (FREE, "now", 4), (THEIRS, "now", 4), (MINE, "then", 3)])
def test_a_takeover_is_counted_and_dated_and_a_renewal_is_not(former: LeaseRecord | None, acquired: str, transitions: int) -> None:
    expected = LeaseRecord(holder="me", lease_seconds=15, acquired=acquired, renewed="now", transitions=transitions)
    assert lease.held(former, "me", now="now", timing=Timing()) == expected


def test_a_released_lease_is_nobodys_and_short() -> None:
    assert lease.released(MINE, now="now") == LeaseRecord(holder="", lease_seconds=1, acquired="then", renewed="now", transitions=3)


def test_the_times_are_those_of_the_official_operator() -> None:
    assert (Timing().lease_seconds, Timing().deadline_seconds, Timing().retry_seconds) == (15, 10.0, 2.0)
