"""Claim × error → reason and message of a Warning Event."""

from __future__ import annotations

import re

from onepassword_operator.model import names
from onepassword_operator.model.errors import BackendRateLimitedError, OperatorError
from onepassword_operator.model.target import Claim

_RECONCILE_ERROR = "ReconcileError"
_PATH = re.compile(r"\b(spec\.)?itemPath\b")
_REFRESH = re.compile(f", or change the annotation {re.escape(names.REFRESH)} to .*")


def words(claim: Claim, error: OperatorError) -> str:
    """Return the message in the words of the object that asks: a spec, or annotations."""
    if claim.is_resource:
        return str(error)
    # What is between quotation marks was written by users.
    parts = str(error).split('"')
    parts[::2] = [_annotated(part) for part in parts[::2]]
    return '"'.join(parts)


def _annotated(part: str) -> str:
    return _PATH.sub(f"the annotation {names.ITEM_PATH}", _REFRESH.sub("", part))


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
    return reason, f"Failed to sync secret from 1Password: {words(claim, error)} ({error.reason})"
