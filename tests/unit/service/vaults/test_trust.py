"""When the vault list is believed."""

import logging

import pytest

from fakes.meter import FakeMeter
from onepassword_operator.service.vaults.trust import CLEAN_RESYNCS, PollTrust


@pytest.fixture
def meter() -> FakeMeter:
    return FakeMeter()


@pytest.fixture
def trust(meter: FakeMeter) -> PollTrust:
    return PollTrust(meter)


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.levelno == logging.WARNING for record in caplog.records)


def test_it_is_believed_until_it_hides_something(trust: PollTrust, meter: FakeMeter) -> None:
    trust.resynced()
    assert not trust.lost()
    trust.missed(2)
    assert trust.lost()
    assert meter.found == 2


def test_the_loss_is_warned_of_once(trust: PollTrust, meter: FakeMeter, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        trust.missed(1)
        trust.resynced()
    assert warnings(caplog) == 1
    assert meter.found == 5


def test_three_resyncs_in_a_row_without_a_miss_bring_it_back(trust: PollTrust) -> None:
    trust.missed(1)
    trust.resynced()  # the one that found it
    for _ in range(CLEAN_RESYNCS):
        assert trust.lost()
        trust.resynced()
    assert not trust.lost()


def test_a_miss_that_a_poll_found_between_two_resyncs_starts_the_count_anew(trust: PollTrust) -> None:
    trust.missed(1)
    for _ in range(CLEAN_RESYNCS):
        trust.resynced()
    trust.missed(1)
    for _ in range(CLEAN_RESYNCS):
        trust.resynced()
        assert trust.lost()
    trust.resynced()
    assert not trust.lost()


def test_another_loss_after_that_is_warned_of_again(trust: PollTrust, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        trust.missed(1)
        for _ in range(CLEAN_RESYNCS + 1):
            trust.resynced()
        assert not trust.lost()
    assert warnings(caplog) == 2
