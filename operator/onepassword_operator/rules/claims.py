"""Resources that name one Secret → which one rules it."""

from __future__ import annotations

from collections.abc import Collection

from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.target import Claim


def ruling(claims: Collection[Claim], observed: ObservedSecret | None) -> Claim | None:
    """The claim that decides a Secret's content: the current live owner keeps it; without one the oldest, ties by uid.

    Claims that are being deleted count only as long as nothing else is there, and then not at all: their Secret goes with them.
    """
    alive = [claim for claim in claims if not claim.terminating]
    if not alive:
        return None
    owners = {owner.uid for owner in observed.owners} if observed else set()
    return min(alive, key=lambda claim: (claim.uid not in owners, claim.created_at, claim.uid))
