"""Claims on one Secret → the winner, which decides its content."""

from __future__ import annotations

from collections.abc import Collection

from onepassword_operator.model.errors import InvalidTargetError
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.target import Claim


def winner(claims: Collection[Claim], observed: ObservedSecret | None) -> Claim | None:
    """Return the claim that decides a Secret's content; None if none is alive.

    It is the first live owner, else the oldest claim, and of two as old the lower uid. Without
    an owner, a claim with an invalid path comes after all others. Claims that are being deleted do
    not count: their Secret is deleted with them, or belongs to the remaining claims.
    """
    alive = [claim for claim in claims if not claim.terminating]
    if not alive:
        return None
    order = (
        {owner.uid: position for position, owner in enumerate(observed.owners)} if observed else {}
    )
    return min(
        alive,
        key=lambda claim: (
            order.get(claim.uid, len(order)),
            not _means_something(claim),
            claim.created_at,
            claim.uid,
        ),
    )


def _means_something(claim: Claim) -> bool:
    # A Deployment may name a Secret without an item path. It must not block another object that has
    # one.
    try:
        claim.recipe.items()
    except InvalidTargetError:
        return False
    return True
