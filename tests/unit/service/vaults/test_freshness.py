"""When resources are told that 1Password is in trouble."""

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model.errors import BackendAnswerError, BackendDeniedError, BackendForbiddenError, BackendUnavailableError
from onepassword_operator.service.vaults.freshness import Freshness

LIMIT = 180.0


@pytest.fixture
def freshness(clock: FakeClock) -> Freshness:
    return Freshness(clock, staleness_seconds=LIMIT)


def test_before_the_first_poll_there_is_no_trouble_until_the_limit(freshness: Freshness, clock: FakeClock) -> None:
    assert freshness.trouble("v") is None
    clock.advance(LIMIT + 1)
    trouble = freshness.trouble("v")
    assert isinstance(trouble, BackendUnavailableError)
    assert str(trouble).endswith("the Secret stays as it was")


def test_an_outage_is_trouble_only_after_the_limit_and_names_its_cause(freshness: Freshness, clock: FakeClock) -> None:
    freshness.note_confirmed("v")
    freshness.note_failure(BackendUnavailableError("refused"))
    clock.advance(LIMIT)
    assert (freshness.trouble("v"), freshness.stale_for(LIMIT)) == (None, False)
    clock.advance(1)
    assert "refused" in str(freshness.trouble("v"))
    assert freshness.age_seconds("v") == LIMIT + 1
    assert freshness.stale_for(LIMIT + 1), "of a single item"


@pytest.mark.parametrize("error", [BackendForbiddenError("no access"), BackendAnswerError("not JSON")])
def test_a_vault_that_is_refused_is_trouble_at_once_and_alone(
    freshness: Freshness, error: BackendForbiddenError | BackendAnswerError
) -> None:
    freshness.note_confirmed("v", "w")
    freshness.note_failure(error, vault_id="v")
    assert freshness.trouble("v") is error
    assert freshness.trouble("w") is None
    freshness.note_confirmed("v")
    assert freshness.trouble("v") is None


def test_a_refused_token_is_trouble_for_all_at_once(freshness: Freshness) -> None:
    freshness.note_confirmed("v", "w")
    freshness.note_failure(BackendDeniedError("refused"))
    assert (freshness.take_changed(["v", "w"]), freshness.take_changed(["v", "w"])) == (["v", "w"], [])


def test_one_poll_that_comes_through_ends_the_trouble_of_what_it_confirmed(freshness: Freshness, clock: FakeClock) -> None:
    freshness.note_failure(BackendUnavailableError("refused"))
    assert freshness.take_changed(["v", "w"]) == []
    clock.advance(LIMIT + 1)
    freshness.note_confirmed("v")
    assert (freshness.trouble("v"), freshness.take_changed(["w"])) == (None, ["w"])


def test_trouble_that_a_reconcile_may_have_reported_between_two_polls_has_turned_when_it_ends(
    freshness: Freshness, clock: FakeClock
) -> None:
    freshness.note_confirmed("v")
    assert freshness.take_changed(["v"]) == []
    clock.advance(LIMIT + 1)
    freshness.note_confirmed("v")
    assert freshness.take_changed(["v"]) == ["v"]
