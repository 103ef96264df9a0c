"""Claim × error → reason and message of a Warning Event."""

from __future__ import annotations

from onepassword_operator.model.errors import BackendRateLimitedError, OperatorError
from onepassword_operator.model.target import Claim

_RECONCILE_ERROR = "ReconcileError"


def warning(claim: Claim, error: OperatorError) -> tuple[str, str]:
    """Return reason and message.

    A Deployment has no status, so people filter its Events by the official operator's two reasons.
    """
    if claim.is_resource:
        return error.reason, str(error)
    reason = (
        BackendRateLimitedError.reason
        if isinstance(error, BackendRateLimitedError)
        else _RECONCILE_ERROR
    )
    return reason, f"Failed to sync secret from 1Password: {error} ({error.reason})"
