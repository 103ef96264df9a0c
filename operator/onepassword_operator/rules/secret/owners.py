"""Ownership of a Secret: whether a claim may write it, and its ownerReferences.

A Secret is ours with an ownerReference to the claim; or with our seal or the official operator's
marks, unless another live object owns it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from onepassword_operator.model import names
from onepassword_operator.model.errors import TargetNotOwnedError
from onepassword_operator.model.secret import ObservedSecret, OwnerReference
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload_kind import DEPLOYMENT, KINDS
from onepassword_operator.rules.secret import seal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CoOwners:
    """Owners of a Secret besides the winning claim."""

    claims: tuple[Claim, ...] = ()
    """Other claims on the Secret that ask for the same item."""
    users: tuple[OwnerReference, ...] = ()
    """Workloads that use a Secret that a workload asked for: the Secret lives as long as one of
    them.
    """
    idle: frozenset[str] = frozenset()
    """Uids of owning workloads that neither ask for the Secret nor use it any more."""
    moved: frozenset[str] = frozenset()
    """Uids of owning resources that ask for another Secret now."""

    @property
    def owner_references(self) -> tuple[OwnerReference, ...]:
        """The ownerReferences of these owners."""
        return (*(claim.owner_reference for claim in self.claims), *self.users)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Interested:
    """All objects that have to do with a Secret's name."""

    asking: frozenset[str] = frozenset()
    """The uids of all objects that ask for the Secret, being deleted or not."""
    users: Mapping[str, OwnerReference] = dataclasses.field(default_factory=dict)
    """Live workloads that use the Secret, by uid."""
    moved: frozenset[str] = frozenset()
    """The uids of resources among its owners that ask for another Secret now."""
    unknown: frozenset[str] = frozenset()
    """Kinds of workloads that are not watched: any of them may still use the Secret."""


def co_owners(
    winner: Claim,
    sharing: Sequence[Claim],
    *,
    observed: ObservedSecret | None,
    interested: Interested,
) -> CoOwners:
    """Return the co-owners: claims on the same item and, if a workload asked, its users.

    Args:
        winner: the claim that decides the Secret.
        sharing: the claims of the same item, without the winner.
        observed: the live Secret, if there is one.
        interested: all objects that ask for the Secret or use it.
    """
    by_workload = not all(claim.is_resource for claim in (winner, *sharing))
    # The annotation comes from a workload that asked, and stays until the reconcile after the last
    # one has let go.
    formerly = observed is not None and names.ITEM_NAME in observed.annotations
    users = interested.users if by_workload else {}
    owners = observed.owners if observed and (by_workload or formerly) else ()
    return CoOwners(
        claims=tuple(sharing),
        users=tuple(users[uid] for uid in sorted(users) if uid not in interested.asking),
        idle=frozenset(
            o.uid
            for o in owners
            if _is_workload(o)
            and o.kind not in interested.unknown
            and o.uid not in interested.asking | users.keys()
        ),
        moved=interested.moved,
    )


def _is_workload(owner: OwnerReference) -> bool:
    row = KINDS.get(owner.kind)
    return row is not None and owner.group == row.group


def check_owner(
    claim: Claim, observed: ObservedSecret, *, verdict: seal.Verdict, co_owners: CoOwners
) -> None:
    """Raise an error if the Secret is not ours.

    Raises:
        TargetNotOwnedError: another object owns the Secret, or nothing proves that it is ours.
    """
    if any(owner.uid == claim.uid for owner in observed.owners):
        return
    foreign = _foreign(claim, observed, verdict=verdict, co_owners=co_owners)
    if foreign:
        raise TargetNotOwnedError(
            f'Secret "{observed.key.name}" belongs to {foreign[0].kind} "{foreign[0].name}"; '
            f"{claim.another_name}, or remove that Secret"
        )
    if is_marked(observed, verdict=verdict) or is_handed_over(observed, claim):
        return
    adopt = f", or annotate it with {names.ADOPT}={claim.name} to have it taken over"
    raise TargetNotOwnedError(
        f'Secret "{observed.key.name}" exists and was not made by this operator; '
        f"{claim.another_name}, or delete that Secret to hand its name over"
        f"{adopt if claim.is_resource else ''}"
    )


def is_handed_over(observed: ObservedSecret, claim: Claim) -> bool:
    """Whether whoever made the Secret has consented to the resource's taking it over."""
    return claim.is_resource and observed.annotations.get(names.ADOPT) == claim.name


def is_marked(observed: ObservedSecret, *, verdict: seal.Verdict) -> bool:
    """Whether the Secret carries our seal or the official operator's marks."""
    return verdict is not seal.Verdict.BROKEN or observed.recorded is not None


def is_officially_shaped(observed: ObservedSecret) -> bool:
    """Whether the Secret has the official operator's marks and none of ours."""
    ours = names.SEAL in observed.annotations or names.MANAGED in observed.labels
    return names.ITEM_PATH in observed.annotations and observed.recorded is not None and not ours


def _foreign(
    claim: Claim, observed: ObservedSecret, *, verdict: seal.Verdict, co_owners: CoOwners
) -> list[OwnerReference]:
    ours = {owner.uid for owner in co_owners.owner_references} | co_owners.moved
    sealed = verdict is not seal.Verdict.BROKEN
    return [
        owner
        for owner in observed.owners
        if not _earlier_self(claim, owner)
        and owner.uid not in ours
        and not (sealed and _is_ours(owner, observed))
    ]


def _is_ours(owner: OwnerReference, observed: ObservedSecret) -> bool:
    # Of a Secret that we sealed: we added the workloads among its owners. Other kinds than
    # Deployments may be watched no more; we added these only where a workload had asked.
    asked = names.ITEM_NAME in observed.annotations
    return _is_workload(owner) and (asked or owner.kind == DEPLOYMENT.kind)


def wanted_owners(
    claim: Claim, owners: Sequence[OwnerReference], *, co_owners: CoOwners
) -> tuple[OwnerReference, ...]:
    """Return the Secret's ownerReferences, the winner's first, so that it stays the winner.

    Other ownerReferences stay, except those of workloads that don't use the Secret any more, of
    resources that ask for another one, and of earlier objects of the claim's name.
    """
    winner = next((owner for owner in owners if owner.uid == claim.uid), claim.owner_reference)
    kept = [
        owner
        for owner in owners
        if owner.uid != claim.uid
        and not _earlier_self(claim, owner)
        and owner.uid not in co_owners.idle | co_owners.moved
    ]
    held = {owner.uid for owner in kept}
    return (
        winner,
        *kept,
        *(owner for owner in co_owners.owner_references if owner.uid not in held),
    )


def _earlier_self(claim: Claim, owner: OwnerReference) -> bool:
    # The live object of this name has the claim's uid, so a reference to the name with another uid
    # is dead.
    mine = claim.owner_reference
    return (owner.kind, owner.group, owner.name) == (mine.kind, mine.group, mine.name)
