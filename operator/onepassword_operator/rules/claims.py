"""Objects that name one Secret → which one rules it."""

from __future__ import annotations

from collections.abc import Collection

from onepassword_operator.model.errors import ItemPathError
from onepassword_operator.model.item_path import ItemPath
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.target import Claim


def winner(claims: Collection[Claim], observed: ObservedSecret | None) -> Claim | None:
    """The claim that decides a Secret's content: the first live owner keeps it; without one the oldest, ties by uid.

    Without an owner, a claim whose path can't be read comes after all others. Claims that are being deleted do not count: their Secret
    goes with them, or to those that are left.
    """
    alive = [claim for claim in claims if not claim.terminating]
    if not alive:
        return None
    order = {owner.uid: position for position, owner in enumerate(observed.owners)} if observed else {}
    return min(alive, key=lambda claim: (order.get(claim.uid, len(order)), not _means_something(claim), claim.created_at, claim.uid))


def _means_something(claim: Claim) -> bool:
    # A Deployment may name a Secret without saying of which item: that must not keep the name from whoever says it.
    try:
        ItemPath.parse(claim.item_path)
    except ItemPathError:
        return False
    return True
