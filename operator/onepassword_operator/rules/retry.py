"""Error × attempt → delay until the next try."""

from __future__ import annotations

from typing import Final

from onepassword_operator.model.errors import OperatorError, Retry

_FIRST_SECONDS: Final = 0.25
_SOON_CAP_SECONDS: Final = 30.0
_LATER_CAP_SECONDS: Final = 300.0
INTERNAL_SECONDS: Final = 60.0
"""Shortest delay after an internal error."""
_INTERNAL_CAP_SECONDS: Final = 3600.0


def delay_seconds(
    error: OperatorError, *, attempt: int, interval_seconds: float, jitter: float
) -> float | None:
    """Return the seconds until the next try; None if only a change of resource or item helps.

    Args:
        error: the error of the latest try.
        attempt: the number of failures in a row, from 1.
        interval_seconds: the polling interval, which is the longest delay unless the error asks for
            more, so that everything recovers within one interval.
        jitter: a number from 0 to 1 that spreads equal waits.
    """
    match error.retry:
        case Retry.SOON:
            ceiling = min(
                _FIRST_SECONDS * 2.0 ** min(attempt, 16),
                _SOON_CAP_SECONDS,
                max(interval_seconds, 1.0),
            )
            return max(ceiling * (0.5 + jitter / 2), (error.delay_seconds or 0.0) + jitter / 10)
        case Retry.THEN:
            return (
                interval_seconds if error.delay_seconds is None else error.delay_seconds
            ) + jitter
        case Retry.LATER:
            return min(interval_seconds, _LATER_CAP_SECONDS) * (0.9 + jitter / 10)
        case Retry.ON_CHANGE:  # pragma: no branch  mypy proves that none is left
            return None


def internal_seconds(attempt: int, *, jitter: float) -> float:
    """Return the seconds until the next try after an internal error: from two minutes to an hour.

    Args:
        attempt: the number of internal errors in a row, from 1.
        jitter: a number from 0 to 1 that spreads equal waits.
    """
    ceiling = min(INTERNAL_SECONDS * 2.0 ** min(attempt, 16), _INTERNAL_CAP_SECONDS)
    return ceiling * (0.9 + jitter / 10)
