"""When the vault list is believed."""

import dataclasses
import logging

import pytest

from fakes.meter import FakeMeter
from onepassword_operator.model.item import Vault
from onepassword_operator.service.vaults.trust import CLEAN_RESYNCS, PollTrust


@pytest.fixture
def meter() -> FakeMeter:
    return FakeMeter()


@pytest.fixture
def trust(meter: FakeMeter) -> PollTrust:
    return PollTrust(meter)


VAULT = Vault(id="v", name="Prod", content_version=1, attribute_version=1, items=1, created_at="", updated_at="")


def poll(trust: PollTrust, *, hidden: int = 0, resync: bool = False) -> None:
    """A poll lists the vault, and the next one begins."""
    if resync:
        trust.begin_resync(["v"])
    trust.note_list("v", changes=hidden, fingerprint=VAULT.fingerprint)
    trust.judge({"v": VAULT})


def resync(trust: PollTrust, hidden: int = 0) -> None:
    poll(trust, hidden=hidden, resync=True)


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.levelno == logging.WARNING for record in caplog.records)


def test_it_is_believed_until_it_hides_something(trust: PollTrust, meter: FakeMeter) -> None:
    resync(trust)
    assert not trust.lost()
    resync(trust, hidden=2)
    assert trust.lost()
    assert meter.found == 2


@pytest.mark.parametrize("shown", [{"v": dataclasses.replace(VAULT, content_version=2)}, {}], ids=["it shows it", "it lacks the vault"])
def test_nothing_was_hidden_if_the_next_vault_list_tells(trust: PollTrust, meter: FakeMeter, shown: dict[str, Vault]) -> None:
    trust.note_list("v", changes=1, fingerprint=VAULT.fingerprint)
    trust.judge(shown)
    assert (trust.lost(), meter.found) == (False, 0)


@pytest.mark.parametrize("failed", [True, False])
def test_a_resync_proves_nothing_until_it_has_listed_every_vault(trust: PollTrust, *, failed: bool) -> None:
    resync(trust, hidden=1)
    for _ in range(CLEAN_RESYNCS):
        trust.begin_resync(["v", "w"])
        if failed:
            trust.note_failure("w")
        poll(trust)
        assert trust.lost()


def test_a_resync_is_complete_when_its_last_list_comes_however_late(trust: PollTrust) -> None:
    resync(trust, hidden=1)
    for _ in range(CLEAN_RESYNCS):
        trust.begin_resync(["v", "w"])
        poll(trust)
        poll(trust)
        trust.note_list("w", changes=0, fingerprint=VAULT.fingerprint)
        poll(trust)
    assert not trust.lost()


def test_a_miss_that_a_poll_found_between_two_resyncs_starts_the_count_anew(trust: PollTrust) -> None:
    resync(trust, hidden=1)
    for _ in range(CLEAN_RESYNCS - 1):
        resync(trust)
    poll(trust, hidden=1)
    for _ in range(CLEAN_RESYNCS):
        resync(trust)
        assert trust.lost()
    resync(trust)
    assert not trust.lost()


def test_a_loss_is_warned_of_once_and_another_one_after_it_again(
    trust: PollTrust, meter: FakeMeter, caplog: pytest.LogCaptureFixture
) -> None:
    for loss in (1, 2):
        for _ in range(5):
            resync(trust, hidden=1)
        assert (warnings(caplog), meter.found) == (loss, 5 * loss)
        for _ in range(CLEAN_RESYNCS):
            resync(trust)
        assert not trust.lost()
