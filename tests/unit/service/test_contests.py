"""How long an object is left to another operator."""

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model import names
from onepassword_operator.service import contests
from onepassword_operator.service.contests import Contests
from unit.rules import samples


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def disputes(clock: FakeClock) -> Contests:
    return Contests(clock)


def disputed(disputes: Contests, *, uid: str = "u", version: int = 10) -> None:
    """We take the finalizer away, and somebody puts it back."""
    disputes.released(uid, str(version))
    assert disputes.finalizer_seen(uid, str(version + 1))


def test_a_finalizer_that_was_never_taken_away_is_no_dispute(disputes: Contests) -> None:
    assert not disputes.finalizer_seen("u", "9")
    assert disputes.truce("u", finalizer=True) is None
    assert disputes.may_try("u")


@pytest.mark.parametrize("version", ["9", "10"])
def test_late_news_of_the_finalizer_is_no_dispute(disputes: Contests, version: str) -> None:
    disputes.released("u", "10")
    assert not disputes.finalizer_seen("u", version)
    assert disputes.truce("u", finalizer=True) is None


def test_versions_are_numbers(disputes: Contests) -> None:
    disputes.released("u", "9")
    assert disputes.finalizer_seen("u", "10")


def test_a_finalizer_that_comes_back_is_one(disputes: Contests) -> None:
    disputed(disputes)
    assert disputes.truce("u", finalizer=True) == contests.Truce(seconds=900.0, told=False)
    assert disputes.truce("u", finalizer=False) == contests.Truce(seconds=900.0, told=False)
    assert not disputes.may_try("u")
    assert disputes.truce("another", finalizer=True) is None


def test_a_finalizer_that_stays_does_not_open_another_round(disputes: Contests, clock: FakeClock) -> None:
    disputed(disputes)
    clock.advance(1)
    assert not disputes.finalizer_seen("u", "12")
    assert disputes.truce("u", finalizer=True) == contests.Truce(seconds=899.0, told=False)


def test_pauses_double_up_to_an_hour(disputes: Contests, clock: FakeClock) -> None:
    pauses = []
    for turn in range(5):
        disputed(disputes, version=10 * turn)
        truce = disputes.truce("u", finalizer=True)
        assert truce
        pauses.append(truce.seconds / 60)
        clock.advance(truce.seconds)
    assert pauses == [15, 30, 60, 60, 60]


def test_an_object_is_told_once_per_round(disputes: Contests, clock: FakeClock) -> None:
    disputed(disputes)
    disputes.note_told("u")
    assert disputes.truce("u", finalizer=True) == contests.Truce(seconds=900.0, told=True)
    clock.advance(900)
    disputed(disputes, version=20)
    assert disputes.truce("u", finalizer=True) == contests.Truce(seconds=1800.0, told=False)


def test_the_next_look_is_a_try_at_the_finalizer_and_only_that(disputes: Contests, clock: FakeClock) -> None:
    disputed(disputes)
    clock.advance(899)
    assert not disputes.may_try("u")
    clock.advance(1)
    assert disputes.may_try("u")
    assert disputes.truce("u", finalizer=True) == contests.Truce(seconds=0.0, told=False)


def test_after_a_try_the_answer_is_waited_for(disputes: Contests, clock: FakeClock) -> None:
    disputed(disputes)
    clock.advance(900)
    disputes.released("u", "20")
    assert not disputes.may_try("u")
    assert disputes.truce("u", finalizer=False) == contests.Truce(seconds=10.0, told=False)
    clock.advance(9)
    assert disputes.truce("u", finalizer=False) == contests.Truce(seconds=1.0, told=False)
    clock.advance(1)
    assert disputes.truce("u", finalizer=False) is None
    assert disputes.may_try("u")


def test_a_dispute_that_ended_is_forgotten(disputes: Contests, clock: FakeClock) -> None:
    disputed(disputes)
    clock.advance(900)
    disputes.released("u", "20")
    clock.advance(10)
    assert disputes.truce("u", finalizer=False) is None
    disputed(disputes, version=30)
    truce = disputes.truce("u", finalizer=True)
    assert truce
    assert truce.seconds == 900.0


def test_a_dispute_about_the_secret_alone_ends_with_its_time(disputes: Contests, clock: FakeClock) -> None:
    """There is no finalizer to be taken away as a try."""
    disputes.open("u")
    assert disputes.truce("u", finalizer=False) == contests.Truce(seconds=900.0, told=False)
    clock.advance(900)
    assert disputes.truce("u", finalizer=False) is None


def test_somebody_who_asks_gets_a_try_at_once(disputes: Contests) -> None:
    disputed(disputes)
    disputes.try_now("u")
    assert disputes.may_try("u")
    assert disputes.truce("u", finalizer=True) == contests.Truce(seconds=0.0, told=False)


def test_asking_where_there_is_no_dispute_is_nothing(disputes: Contests) -> None:
    disputes.try_now("u")
    disputes.note_told("u")
    assert disputes.truce("u", finalizer=True) is None


def test_an_object_that_is_gone_is_forgotten(disputes: Contests) -> None:
    disputed(disputes)
    disputes.released("u", "20")
    disputes.forget("u")
    assert disputes.truce("u", finalizer=True) is None
    assert not disputes.finalizer_seen("u", "30")


def test_only_so_many_releases_are_remembered(disputes: Contests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contests, "_REMEMBERED", 2)
    for uid in ("a", "b", "a", "c"):
        disputes.released(uid, "10")
    assert [disputes.finalizer_seen(uid, "11") for uid in ("a", "b", "c")] == [True, False, True]


def test_the_refusal_says_what_to_do_and_when_the_next_look_is() -> None:
    error = contests.refusal(samples.CLAIM, seconds=1800)
    assert error.delay_seconds == 1800
    for part in ('OnePasswordItem "db"', "stop the other one", "in 30 minutes", names.REFRESH):
        assert part in str(error)
