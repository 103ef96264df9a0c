"""May the official operator's finalizer be taken from an object, and what must its Secret carry before."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from onepassword_operator.model import names
from onepassword_operator.model.secret import ObservedSecret, OwnerReference
from onepassword_operator.model.target import Claim
from onepassword_operator.rules import owners, seal
from onepassword_operator.rules.owners import Partners


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The ownerReferences to be written to the Secret before the finalizer goes; None if it is fine as it is."""

    owners: tuple[OwnerReference, ...] | None


def decide(claim: Claim, observed: ObservedSecret | None, *, verdict: seal.Verdict, heirs: Sequence[OwnerReference]) -> Release:
    """What to do about the Secret before the object is let go.

    The finalizer's purpose was to delete the Secret with the object. An ownerReference does the same without anybody's help. A Secret that
    others ask for or use gets theirs, so that the end of this object does not take it from them. One that is not ours is not touched.

    Args:
        claim: the object with the finalizer.
        observed: the live Secret of the name it asks for.
        verdict: on its seal.
        heirs: ownerReferences of all who live and ask for the Secret, or use one that a workload asked for; without this claim's.
    """
    if observed is None or observed.terminating:
        return Release(owners=None)
    mine = any(owner.uid == claim.uid for owner in observed.owners)
    stranger = not mine and (bool(observed.owners) or not owners.is_marked(observed, verdict=verdict))
    orphaned = claim.terminating and names.ORPHAN_FINALIZER in claim.finalizers
    if stranger or (orphaned and not heirs):
        return Release(owners=None)
    if claim.terminating and heirs:
        held = {owner.uid for owner in observed.owners}
        missing = tuple(heir for heir in heirs if heir.uid not in held)
        return Release(owners=(*observed.owners, *missing) if missing else None)
    return Release(owners=None if mine else owners.wanted_owners(claim, observed.owners, partners=Partners()))
