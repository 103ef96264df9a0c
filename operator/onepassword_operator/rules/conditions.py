"""Outcome × previous Ready condition × time → the Ready condition to write."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from typing import Final

from onepassword_operator.model import bounds, names
from onepassword_operator.model.errors import (
    BackendAnswerError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ClusterConflictError,
    ClusterUnavailableError,
    ItemAmbiguousError,
    ItemArchivedError,
    ItemNotFoundError,
    OperatorError,
    VaultNotFoundError,
)
from onepassword_operator.model.item import ABSENT, Revisions
from onepassword_operator.model.outcome import (
    Change,
    Condition,
    Failed,
    Outcome,
    Pause,
    Paused,
    Skipped,
    Synced,
)
from onepassword_operator.model.target import Claim
from onepassword_operator.model.text import one_line

_TRANSIENT: Final = (
    BackendUnavailableError,
    BackendRateLimitedError,
    BackendAnswerError,
    ClusterUnavailableError,
    ClusterConflictError,
)
_LOST: Final = frozenset(
    error.reason
    for error in (ItemAmbiguousError, ItemArchivedError, ItemNotFoundError, VaultNotFoundError)
)
SYNCED: Final = "Synced"
SKIPPED: Final = "FieldsSkipped"
OTHER: Final = "Other"
"""Stands for a reason that is none of this operator's, or for none at all."""
_LABELS_SHOWN: Final = 5
_ITEMS_SHOWN: Final = 4
_WRITTEN: Final = frozenset(Change) - {Change.NONE, Change.RETOUCHED}


def ready(
    claim: Claim, outcome: Outcome, *, now: str, stale: bool, last_good: Condition | None = None
) -> Condition | None:
    """Return the Ready condition for an outcome, or None if the present condition stays.

    Args:
        claim: the resource, with the conditions it carries.
        outcome: the outcome of the reconcile.
        now: the time of a transition, RFC 3339 UTC.
        stale: whether 1Password has been unavailable for longer than the staleness limit.
        last_good: the condition from before an outage, if this process has overwritten it.
    """
    previous = claim.ready
    if isinstance(outcome, Failed) and not stale and is_blip(outcome.error) and is_in_sync(claim):
        return None
    status, reason, message = _words(claim, outcome, last_good=last_good)
    transition = previous.last_transition_time if previous and previous.status == status else now
    condition = Condition(
        type=names.READY,
        status=status,
        reason=reason,
        message=message,
        last_transition_time=transition or now,
        observed_generation=claim.generation,
    )
    # The official operator's CRD prunes reason and observedGeneration, so a condition without them
    # counts as equal.
    pruned = dataclasses.replace(condition, reason="", observed_generation=None)
    return None if previous in (condition, pruned) else condition


def facts(claim: Claim, outcome: Outcome, *, now: str) -> dict[str, object]:
    """Return the fields of the status besides conditions, by name; None takes one away."""
    found: dict[str, object] = {
        "observedGeneration": claim.generation,
        "secretName": claim.key.name,
    }
    if isinstance(outcome, Synced):
        only, *others = {*outcome.revisions}  # an item may be there by itself and by reference
        found["itemVersion"] = None if others or only == ABSENT else only.version
        if outcome.change in _WRITTEN:
            found["lastChangeTime"] = now
    return found


def reasons() -> frozenset[str]:
    """Return every reason that a Ready condition of this operator may have."""
    return frozenset(
        {SYNCED, SKIPPED, *(pause.value for pause in Pause), *_failures(OperatorError)}
    )


def skipped(parts: Iterable[Skipped]) -> str:
    """Say what became no key, as far as a status shows it; nothing if none is worth it."""
    reported = [part for part in parts if part.worth_reporting]
    shown = "; ".join(
        f'"{part.label[:60]}" ({part.why}; {part.remedy})' for part in reported[:_LABELS_SHOWN]
    )
    more = len(reported) - _LABELS_SHOWN
    return bounds.shortened(shown + (f" and {more} more" if more > 0 else ""))


def _failures(kind: type[OperatorError]) -> set[str]:
    own = {kind.reason} if "reason" in vars(kind) else set()
    return own.union(*(_failures(leaf) for leaf in kind.__subclasses__()))


def is_blip(error: OperatorError) -> bool:
    """Whether the error is transient: before the staleness limit no synced status shows it."""
    return isinstance(error, _TRANSIENT)


def is_ambiguous(claim: Claim) -> bool:
    """Whether the resource reports that which item it means is for a person to say."""
    return claim.ready is not None and claim.ready.reason == ItemAmbiguousError.reason


def is_lost(claim: Claim) -> bool:
    """Whether the resource reports, of its present spec, that its path leads to no item."""
    return (
        claim.ready is not None
        and claim.ready.reason in _LOST
        and claim.ready.observed_generation in {None, claim.generation}
    )


def is_in_sync(claim: Claim) -> bool:
    """Whether the resource reports that its Secret is as its present spec asks."""
    return (
        claim.ready is not None
        and claim.ready.status == "True"
        and claim.ready.observed_generation in {None, claim.generation}
    )


def _words(claim: Claim, outcome: Outcome, *, last_good: Condition | None) -> tuple[str, str, str]:
    match outcome:
        case Failed(error=error):
            return "False", error.reason, bounds.shortened(str(error))
        case Paused(pause=Pause.FROZEN, message=message):
            status = "False" if outcome.holds_another else "True"
            return status, Pause.FROZEN.value, bounds.shortened(message)
        case Paused(pause=pause, message=message):
            return _paused_status(claim, outcome), pause.value, bounds.shortened(message)
        case Synced():  # pragma: no branch  mypy proves that none is left
            fact = _fact(claim, outcome.revisions)
            if outcome.skipped is None and (
                reported_before := _reported_before(claim.ready, fact)
                or _reported_before(last_good, fact)
            ):
                return reported_before
            without = f", without {outcome.skipped}" if outcome.skipped else ""
            return (
                "True",
                SKIPPED if without else SYNCED,
                bounds.shortened(
                    fact + without + (f"; {outcome.warning}" if outcome.warning else "")
                ),
            )


def _paused_status(claim: Claim, paused: Paused) -> str:
    # A pause does not change the status of Ready, because the Secret stays as it is; unless it is
    # gone.
    status = claim.ready.status if claim.ready else "Unknown"
    return "False" if paused.absent and status == "True" else status


def reports(claim: Claim, revisions: Revisions, *, last_good: Condition | None = None) -> bool:
    """Whether the resource reports these revisions, or reported them before an outage."""
    fact = _fact(claim, revisions)
    return bool(_reported_before(claim.ready, fact) or _reported_before(last_good, fact))


def _fact(claim: Claim, revisions: Revisions) -> str:
    parts = claim.recipe.parts if len(claim.recipe.parts) == len(revisions) else ()
    shown = [
        f"nothing of {one_line(parts[at].path)[:100] if parts else 'an item'}, which is not there"
        if revision == ABSENT
        else f"version {revision.version} of {revision.path}"
        for at, revision in enumerate(revisions)
    ]
    shown = list(dict.fromkeys(shown))  # an item may be there by itself and by reference
    if len(shown) > _ITEMS_SHOWN:
        # Short enough not to be cut, because it is read again, and different for other revisions.
        digest = hashlib.sha256(str(revisions).encode()).hexdigest()[:16]
        shown[_ITEMS_SHOWN:] = [f"{len(shown) - _ITEMS_SHOWN} more items ({digest})"]
    return f'Secret "{claim.key.name}" holds {" and ".join(shown)}'


def _reported_before(previous: Condition | None, fact: str) -> tuple[str, str, str] | None:
    if previous is None or previous.status != "True" or not previous.message.startswith(fact):
        return None
    return previous.status, previous.reason, previous.message
