"""When a failed pass is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model import errors
from onepassword_operator.rules.retry import delay_seconds, internal_seconds

SOON = errors.BackendUnavailableError("down")
LATER = errors.BackendDeniedError("no")
ON_CHANGE = errors.ItemNotFoundError("nothing")


def _asked_to_wait(seconds: float) -> errors.BackendRateLimitedError:
    return errors.BackendRateLimitedError("slow", delay_seconds=seconds)


@pytest.mark.parametrize(
    ("error", "attempt", "interval", "shortest", "longest"),
    [
        (SOON, 1, 60.0, 0.25, 0.5),
        (SOON, 2, 60.0, 0.5, 1.0),
        (SOON, 3, 60.0, 1.0, 2.0),
        (SOON, 6, 60.0, 8.0, 16.0),
        (SOON, 7, 60.0, 15.0, 30.0),
        (SOON, 100_000, 60.0, 15.0, 30.0),
        (SOON, 7, 10.0, 5.0, 10.0),
        (SOON, 7, 0.0, 0.5, 1.0),
        (LATER, 1, 60.0, 54.0, 60.0),
        (LATER, 9, 600.0, 270.0, 300.0),
        (_asked_to_wait(7.0), 1, 60.0, 7.0, 8.0),
        (_asked_to_wait(300.0), 5, 60.0, 300.0, 301.0),
    ],
)
def test_a_wait_lies_between_two_bounds_and_jitter_chooses(
    error: errors.OperatorError, attempt: int, interval: float, *, shortest: float, longest: float
) -> None:
    assert delay_seconds(error, attempt=attempt, interval_seconds=interval, jitter=0.0) == pytest.approx(shortest)
    assert delay_seconds(error, attempt=attempt, interval_seconds=interval, jitter=1.0) == pytest.approx(longest)


@pytest.mark.parametrize("attempt", [1, 10])
def test_what_only_a_change_can_help_is_not_tried_by_the_clock(attempt: int) -> None:
    assert delay_seconds(ON_CHANGE, attempt=attempt, interval_seconds=60.0, jitter=0.5) is None


def test_a_known_time_that_an_error_does_not_carry_is_the_polling_interval() -> None:
    class Unknown(errors.BackendError):
        reason = "Unknown"
        retry = errors.Retry.THEN

    assert delay_seconds(Unknown("?"), attempt=1, interval_seconds=60.0, jitter=0.5) == pytest.approx(60.5)


@given(attempt=st.integers(1, 10**6), interval=st.floats(1, 3600), jitter=st.floats(0, 1), error=st.sampled_from([SOON, LATER]))
def test_nothing_waits_longer_than_a_polling_interval(attempt: int, interval: float, jitter: float, error: errors.OperatorError) -> None:
    delay = delay_seconds(error, attempt=attempt, interval_seconds=interval, jitter=jitter)
    assert delay is not None
    assert 0 < delay <= interval * (1 + 1e-9)


@given(attempt=st.integers(1, 30), jitter=st.floats(0, 1))
def test_waits_never_get_shorter_with_more_failures(attempt: int, jitter: float) -> None:
    first, second = (delay_seconds(SOON, attempt=n, interval_seconds=60.0, jitter=jitter) for n in (attempt, attempt + 1))
    assert first is not None
    assert second is not None
    assert first <= second


def test_a_pause_that_was_asked_for_is_kept_even_if_the_trouble_is_transient() -> None:
    error = errors.ClusterUnavailableError("busy")
    error.delay_seconds = 7.0
    delays = [delay_seconds(error, attempt=1, interval_seconds=5.0, jitter=jitter) for jitter in (0.0, 1.0)]
    assert delays == pytest.approx([7.0, 7.1])


@pytest.mark.parametrize(("attempt", "longest"), [(1, 120.0), (2, 240.0), (5, 1920.0), (6, 3600.0), (100_000, 3600.0)])
def test_an_internal_error_is_met_with_minutes_that_grow_to_an_hour(attempt: int, longest: float) -> None:
    assert internal_seconds(attempt, jitter=0.0) == pytest.approx(0.9 * longest)
    assert internal_seconds(attempt, jitter=1.0) == pytest.approx(longest)
