"""May the official operator's finalizer be taken from an object, and what must its Secret carry before."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from onepassword_operator.model import names
from onepassword_operator.model.secret import ObservedSecret, OwnerReference
from onepassword_operator.model.target import Claim
from onepassword_operator.rules import owners, seal
from onepassword_operator.rules.owners import CoOwners


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FinalizerDecision:
    """The ownerReferences to be written to the Secret before the finalizer goes; None if it is fine as it is."""

    owners: tuple[OwnerReference, ...] | None


def decide(
    claim: Claim, observed: ObservedSecret | None, *, verdict: seal.Verdict, remaining_owners: Sequence[OwnerReference]
) -> FinalizerDecision:
    """What to do about the Secret before the object is let go.

    The finalizer's purpose was to delete the Secret with the object. An ownerReference does the same without anybody's help. A Secret that
    others ask for or use gets theirs, so that the end of this object does not take it from them. One that is not ours is not touched.

    Args:
        claim: the object with the finalizer.
        observed: the live Secret of the name it asks for.
        verdict: on its seal.
        remaining_owners: ownerReferences of all other live objects that ask for the Secret, or use it if a workload asked for it.
    """
    if observed is None or observed.terminating:
        return FinalizerDecision(owners=None)
    mine = any(owner.uid == claim.uid for owner in observed.owners)
    stranger = not mine and (bool(observed.owners) or not owners.is_marked(observed, verdict=verdict))
    orphaned = claim.terminating and names.ORPHAN_FINALIZER in claim.finalizers
    if stranger or (orphaned and not remaining_owners):
        return FinalizerDecision(owners=None)
    if claim.terminating and remaining_owners:
        held = {owner.uid for owner in observed.owners}
        missing = tuple(owner for owner in remaining_owners if owner.uid not in held)
        return FinalizerDecision(owners=(*observed.owners, *missing) if missing else None)
    return FinalizerDecision(owners=None if mine else owners.wanted_owners(claim, observed.owners, co_owners=CoOwners()))
