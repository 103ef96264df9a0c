"""When the vault list is believed."""

import dataclasses
import logging
from typing import Any

import pytest

from fakes.meter import FakeMeter
from onepassword_operator.model.item import Vault
from onepassword_operator.service.vaults.trust import SHOWN_CHANGES, PollTrust


@pytest.fixture
def meter() -> FakeMeter:
    return FakeMeter()


@pytest.fixture
def trust(meter: FakeMeter) -> PollTrust:
    return PollTrust(meter)


VAULT = Vault(id="v", name="Prod", content_version=1, attribute_version=1, items=1, created_at="", updated_at="")


def poll(trust: PollTrust, vault: str = "v", *, hidden: int = 0, shown: int = 0, later: Vault = VAULT, followed: str = "v w") -> None:
    """A poll lists the vault, and the next one begins."""
    trust.note_list(vault, changes=hidden or shown, moved=shown > 0, fingerprint=VAULT.fingerprint)
    trust.judge({"v": later, "w": VAULT}, followed=followed.split())


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.levelno == logging.WARNING for record in caplog.records)


def test_it_is_believed_until_it_hides_something(trust: PollTrust, meter: FakeMeter) -> None:
    poll(trust)
    assert not trust.lost()
    poll(trust, hidden=2)
    assert trust.lost()
    assert meter.found == 2


def test_a_change_that_the_vault_list_shows_by_then_was_not_hidden(trust: PollTrust, meter: FakeMeter) -> None:
    poll(trust, hidden=1, later=dataclasses.replace(VAULT, content_version=2))
    assert (trust.lost(), meter.found) == (False, 0)


def test_nothing_is_judged_of_a_vault_that_is_gone_by_then(trust: PollTrust, meter: FakeMeter) -> None:
    trust.note_list("v", changes=1, moved=False, fingerprint=VAULT.fingerprint)
    trust.judge({}, followed=())
    assert (trust.lost(), meter.found) == (False, 0)


@pytest.mark.parametrize(
    ("lists", "lost"),
    [
        ([{"shown": 0}] * 20, True),
        ([{"shown": 1}] * (SHOWN_CHANGES - 1), True),
        ([{"shown": 9}] * SHOWN_CHANGES, False),
        ([{"shown": 1}] * (SHOWN_CHANGES - 1) + [{"hidden": 1}, {"shown": 1}], True),
        ([{"shown": 1, "vault": "w"}] * 9, True),
        ([{"shown": 1}] * SHOWN_CHANGES + [{"hidden": 1, "vault": "w"}] + [{"shown": 1}] * 9, True),
        ([{"shown": 1, "vault": "w", "followed": "w"}] * SHOWN_CHANGES, False),
        ([{"followed": "w"}] * 9, True),
        ([{"shown": 1, "vault": "w", "followed": "w"}] * SHOWN_CHANGES + [{}], True),
    ],
    ids=[
        "silence", "too few", "enough", "one hidden in between", "of another vault", "another vault hides since",
        "the vault is not followed any more", "nor does another show anything", "followed again",
    ],
)  # fmt: skip
def test_after_a_loss_only_changes_that_it_shows_make_it_believed(trust: PollTrust, lists: list[dict[str, Any]], *, lost: bool) -> None:
    poll(trust, hidden=1)
    for each in lists:
        poll(trust, **each)
    assert trust.lost() is lost


def test_each_loss_is_warned_of_once(trust: PollTrust, meter: FakeMeter, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        for _ in range(5):
            poll(trust, hidden=1)
        for _ in range(SHOWN_CHANGES):
            poll(trust, shown=1)
        assert not trust.lost()
    assert (warnings(caplog), meter.found) == (2, 10)
