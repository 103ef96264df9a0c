"""Claim with the official finalizer × its Secret → the ownerReferences to write before removal."""

from __future__ import annotations

from collections.abc import Sequence

from onepassword_operator.model import names
from onepassword_operator.model.secret import ObservedSecret, OwnerReference
from onepassword_operator.model.target import Claim
from onepassword_operator.rules.secret import owners, seal
from onepassword_operator.rules.secret.owners import CoOwners


def decide(
    claim: Claim,
    observed: ObservedSecret | None,
    *,
    verdict: seal.Verdict,
    remaining_owners: Sequence[OwnerReference],
) -> tuple[OwnerReference, ...] | None:
    """Decide the ownerReferences of the Secret before the finalizer goes; None for no write.

    The finalizer made the official operator delete the Secret with the object. With an
    ownerReference, Kubernetes does so itself. A Secret that other objects ask for or use gets their
    ownerReferences, so that it outlives this object. A Secret that is not ours is not touched.

    Args:
        claim: the object with the finalizer.
        observed: the live Secret of the name it asks for.
        verdict: the verdict on the Secret's seal.
        remaining_owners: ownerReferences of all other live objects that ask for the Secret, or that
            use it if a workload asked for it.
    """
    if observed is None or observed.terminating:
        return None
    mine = any(owner.uid == claim.uid for owner in observed.owners)
    stranger = not mine and (
        bool(observed.owners) or not owners.is_marked(observed, verdict=verdict)
    )
    orphaned = claim.terminating and names.ORPHAN_FINALIZER in claim.finalizers
    if stranger or (orphaned and not remaining_owners):
        return None
    if claim.terminating and remaining_owners:
        held = {owner.uid for owner in observed.owners}
        missing = tuple(owner for owner in remaining_owners if owner.uid not in held)
        return (*observed.owners, *missing) if missing else None
    return None if mine else owners.wanted_owners(claim, observed.owners, co_owners=CoOwners())
