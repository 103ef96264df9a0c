"""When resources are told that 1Password is in trouble."""

import pytest

from fakes.clock import FakeClock
from onepassword_operator.model.errors import BackendAnswerError, BackendDeniedError, BackendForbiddenError, BackendUnavailableError
from onepassword_operator.service.vaults.freshness import SourceHealth

LIMIT = 180.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def health(clock: FakeClock) -> SourceHealth:
    return SourceHealth(clock, staleness_seconds=LIMIT)


def test_before_the_first_poll_there_is_no_trouble_until_the_limit(health: SourceHealth, clock: FakeClock) -> None:
    assert health.trouble("v") is None
    clock.advance(LIMIT + 1)
    trouble = health.trouble("v")
    assert isinstance(trouble, BackendUnavailableError)
    assert str(trouble).endswith("the Secret stays as it was")


def test_an_outage_is_trouble_only_after_the_limit_and_names_its_cause(health: SourceHealth, clock: FakeClock) -> None:
    health.confirmed(["v"])
    health.failed(BackendUnavailableError("refused"))
    clock.advance(LIMIT)
    assert health.trouble("v") is None
    clock.advance(1)
    assert "refused" in str(health.trouble("v"))
    assert health.age_seconds("v") == LIMIT + 1


@pytest.mark.parametrize("error", [BackendForbiddenError("no access"), BackendAnswerError("not JSON")])
def test_a_vault_that_is_refused_is_trouble_at_once_and_alone(
    health: SourceHealth, error: BackendForbiddenError | BackendAnswerError
) -> None:
    health.confirmed(["v", "w"])
    health.failed(error, vault_id="v")
    assert health.signature(["v", "w"]) == {"v": error.reason, "w": ""}
    health.confirmed(["v"])
    assert health.trouble("v") is None


def test_a_refused_token_is_trouble_for_all_at_once(health: SourceHealth) -> None:
    health.confirmed(["v", "w"])
    health.failed(BackendDeniedError("refused"))
    assert health.signature(["v", "w"]) == {"v": "Unauthorized", "w": "Unauthorized"}


def test_one_poll_that_comes_through_ends_the_trouble_of_what_it_confirmed(health: SourceHealth, clock: FakeClock) -> None:
    health.failed(BackendUnavailableError("refused"))
    assert health.signature(["v", "w"]) == {"v": "", "w": ""}
    clock.advance(LIMIT + 1)
    health.confirmed(["v"])
    assert health.signature(["v", "w"]) == {"v": "", "w": "SourceUnavailable"}


def test_a_single_item_may_fail_as_long_as_the_limit(health: SourceHealth) -> None:
    assert not health.stale_for(LIMIT)
    assert health.stale_for(LIMIT + 1)
