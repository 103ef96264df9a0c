"""Objects that name one Secret → which one rules it."""

from __future__ import annotations

from collections.abc import Collection

from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.target import Claim


def ruling(claims: Collection[Claim], observed: ObservedSecret | None) -> Claim | None:
    """The claim that decides a Secret's content: the first live owner keeps it; without one the oldest, ties by uid.

    Claims that are being deleted do not count: their Secret goes with them, or to those that are left.
    """
    alive = [claim for claim in claims if not claim.terminating]
    if not alive:
        return None
    order = {owner.uid: position for position, owner in enumerate(observed.owners)} if observed else {}
    return min(alive, key=lambda claim: (order.get(claim.uid, len(order)), claim.created_at, claim.uid))
