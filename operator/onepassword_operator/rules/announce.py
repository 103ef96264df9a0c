"""Claim × error → reason and message of a Warning Event."""

from __future__ import annotations

import re
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.errors import BackendRateLimitedError, OperatorError
from onepassword_operator.model.outcome import Synced
from onepassword_operator.model.target import Claim
from onepassword_operator.rules.secret import secret_plan

REWRITTEN: Final = "SecretRewritten"
ANNOTATION: Final = "InvalidAnnotation"
_RECONCILE_ERROR: Final = "ReconcileError"
_PATH: Final = re.compile(r"\b(spec\.)?itemPath\b")
_REFRESH: Final = re.compile(f", or change the annotation {re.escape(names.REFRESH)} to .*")


def words(claim: Claim, error: OperatorError) -> str:
    """Return the message in the words of the object that asks: a spec, or annotations."""
    if claim.is_resource:
        return str(error)
    # What is between quotation marks was written by users.
    parts = str(error).split('"')
    parts[::2] = [_annotated(part, claim.annotation) for part in parts[::2]]
    return '"'.join(parts)


def _annotated(part: str, annotation: str) -> str:
    return _PATH.sub(f"the annotation {annotation}", _REFRESH.sub("", part))


def rewritten(claim: Claim, outcome: Synced) -> str:
    """Return what is to be said of a Secret that is changed as often as it is put right."""
    name = claim.key.name
    if outcome.reason == secret_plan.RESEALED:
        return (
            f'another operator of this kind writes Secret "{name}" too, with another Connect token '
            "or other options; run one of them, or give both the same token and options"
        )
    return (
        f'Secret "{name}" is changed again and again after it was put right; stop what changes it: '
        f"`kubectl get secret {name} -o yaml --show-managed-fields` names it"
    )


def warning(claim: Claim, error: OperatorError) -> tuple[str, str]:
    """Return reason and message.

    A workload has no status for us to write, so people filter its Events by the official operator's
    two reasons.
    """
    if claim.is_resource:
        return error.reason, str(error)
    reason = (
        BackendRateLimitedError.reason
        if isinstance(error, BackendRateLimitedError)
        else _RECONCILE_ERROR
    )
    which = "" if claim.annotation == names.ITEM_PATH else f' "{claim.key.name}"'
    said = words(claim, error)
    return reason, f"Failed to sync secret{which} from 1Password: {said} ({error.reason})"
