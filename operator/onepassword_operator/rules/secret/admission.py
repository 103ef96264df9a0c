"""Claims of a Secret × the live Secret → who decides it, and what may be done.

Nothing has been read from 1Password yet.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.errors import (
    ClusterConflictError,
    OperatorError,
    TargetClaimedError,
)
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.outcome import Change, Pause, Paused
from onepassword_operator.model.secret import ObservedSecret, SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.rules.secret import claims, owners, secret_plan
from onepassword_operator.rules.secret.owners import CoOwners, Interested
from onepassword_operator.rules.secret.seal import Verdict

RELABELLED: Final = 2
"""Repairs of one revision in a row after which a Secret in the official operator's shape means that
it is at work.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One Secret and everything in the cluster that has to do with it, at one moment."""

    key: SecretKey
    claims: tuple[Claim, ...]
    """The live objects that ask for the Secret; at least one."""
    interested: Interested
    observed: ObservedSecret | None
    verdict: Verdict
    """The verdict on the seal; broken without a Secret."""
    sharing_before: frozenset[str] = frozenset()
    """The uids that shared the winner's item at the last reconcile, the winner's among them."""
    repairs: int = 0
    """How often in a row the same revision had to be written again because of an edit."""
    created_before: bool = True
    """Whether the Secret has ever existed, as far as anybody can tell."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """The winner of a Secret, and what a reconcile needs to know of the others."""

    seen: Seen
    winner: Claim
    others: tuple[Claim, ...]
    presumed: frozenset[str]
    """The uids of the others that are taken for sharing the item until it is known who does."""
    must_live: bool
    """The winner has to be read live first: its Secret is gone, or does not name it as an owner."""

    @property
    def owning(self) -> frozenset[str]:
        """The uids of the Secret's owners."""
        observed = self.seen.observed
        return frozenset(owner.uid for owner in observed.owners) if observed else frozenset()

    def co_owners(self, sharing: tuple[Claim, ...]) -> CoOwners:
        """Return the co-owners of the Secret, if these claims share its item."""
        return owners.co_owners(
            self.winner, sharing, observed=self.seen.observed, interested=self.seen.interested
        )


def choose(seen: Seen) -> Admitted:
    """Choose the winner, and presume which of the others share its item."""
    observed = seen.observed
    winner = claims.winner(seen.claims, observed) or seen.claims[0]
    rest = others(seen.claims, winner)
    owning = {owner.uid for owner in observed.owners} if observed else set()
    # Until it is known which claims mean the same item, those that own the Secret are taken for it.
    known = winner.uid in seen.sharing_before
    presumed = frozenset(
        claim.uid for claim in rest if claim.uid in (seen.sharing_before if known else owning)
    )
    must_live = winner.uid not in owning if observed else seen.created_before
    return Admitted(seen=seen, winner=winner, others=rest, presumed=presumed, must_live=must_live)


def others(asking: Iterable[Claim], winner: Claim) -> tuple[Claim, ...]:
    """Return the claims besides the winner."""
    return tuple(claim for claim in asking if claim.uid != winner.uid)


def shares(claim: Claim, winner: Claim, *, sharing: Collection[str]) -> bool:
    """Whether a claim is known to share the winner's item; `sharing` holds uids that did."""
    same = claim.recipe == winner.recipe or claim.uid in sharing
    return same and claim.secret_type == winner.secret_type


def check(admitted: Admitted) -> None:
    """Refuse what may not be written, whatever the item holds.

    Raises:
        InvalidTargetError, RefusedError: the claim can't be served, or the Secret belongs to
        somebody else.
        ClusterConflictError: the Secret is being deleted.
    """
    observed, winner = admitted.seen.observed, admitted.winner
    secret_plan.check_claim(winner, observed)
    if observed is None:
        return
    if observed.terminating:
        raise ClusterConflictError(
            f'Secret "{observed.key.name}" is being deleted; waiting until it is gone'
        )
    everybody = admitted.co_owners(admitted.others)
    owners.check_owner(winner, observed, verdict=admitted.seen.verdict, co_owners=everybody)


def is_contended(admitted: Admitted) -> bool:
    """Whether the official operator writes the Secret too: a person rewrites it only once."""
    observed = admitted.seen.observed
    return (
        observed is not None
        and admitted.seen.repairs >= RELABELLED
        and owners.is_officially_shaped(observed)
    )


def suspended(claim: Claim, *, absent: bool = False, refresh: bool = False) -> Paused:
    """Return the outcome for all claims that share a Secret with a suspended one.

    `absent`: there is no Secret; `refresh`: somebody asks for a read of 1Password.
    """
    state = "does not exist, and is not made," if absent else "is left alone"
    waiting = ", which also answers the refresh that waits" if refresh else ""
    return Paused(
        pause=Pause.SUSPENDED,
        message=f'Secret "{claim.key.name}" {state} while the annotation {names.SUSPEND} '
        f'is "true"; remove it to resume{waiting}',
        absent=absent,
    )


def frozen(
    key: SecretKey,
    ignored: Revision,
    *,
    asked: Revisions | None = None,
    held: Revisions | None = None,
    reshaped: bool = False,
    change: Change = Change.NONE,
) -> Paused:
    """Return the outcome for a Secret with an item that carries the ignore tag.

    `held` and `asked`: the items that it holds, and that are asked for, if they may differ;
    `reshaped`: another shape is asked for than it has.
    """
    held_items, items = ([each.item for each in revisions or ()] for revisions in (held, asked))
    another = bool(held_items) and held_items != items
    holds = " in its former shape" if reshaped else ""
    if another:
        holds = f" with {Revisions(held or ()).in_words}"
    return Paused(
        pause=Pause.FROZEN,
        message=f'Secret "{key.name}" is left as it is{holds}, because {ignored.path} has the tag '
        f"{names.IGNORE_TAG}; take the tag away in 1Password to have it follow the item again",
        change=change,
        holds_another=another or reshaped,
    )


def claimed(winner: Claim) -> TargetClaimedError:
    """Return the refusal of a claim on another item under the same name."""
    return TargetClaimedError(
        f'Secret "{winner.key.name}" belongs to {winner.kind} "{winner.name}", which asks for '
        "another item or type; ask for another name"
    )


def in_the_way(winner: Claim, error: OperatorError) -> TargetClaimedError:
    """Return the refusal of a claim that waits behind a winner in trouble."""
    return TargetClaimedError(
        f'Secret "{winner.key.name}" is due to {winner.kind} "{winner.name}", which fails '
        f"({error.reason}); fix that one, or ask for another name"
    )
