"""What is known of claims, Secrets and items, in one place; each part is written by its own store.

LISTs rebuild all of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload_kind import DEPLOYMENT, WorkloadKind
from onepassword_operator.ports import Clock
from onepassword_operator.rules.secret import claims
from onepassword_operator.service.index.claims import ClaimIndex
from onepassword_operator.service.index.conflicts import Conflicts
from onepassword_operator.service.index.item_users import ItemUsers
from onepassword_operator.service.index.refreshes import Refreshes
from onepassword_operator.service.index.repairs import Repairs
from onepassword_operator.service.index.retries import Retries
from onepassword_operator.service.index.secret_states import SecretStates
from onepassword_operator.service.index.served_kinds import ServedKinds
from onepassword_operator.service.index.winners import Winners


class Index:
    """The stores, and the questions that take more than one of them."""

    def __init__(self, clock: Clock, *, kinds: Sequence[WorkloadKind] = (DEPLOYMENT,)) -> None:
        """`kinds` are those of workloads that the settings name."""
        self.clock = clock
        self.kinds = ServedKinds(kinds)
        self.claims = ClaimIndex(self.kinds)
        self.conflicts = Conflicts(clock)
        self.item_users = ItemUsers()
        self.states = SecretStates()
        self.retries = Retries(clock)
        self.repairs = Repairs(clock)
        self.refreshes = Refreshes(clock)
        self.winners = Winners()

    def winner(self, key: SecretKey) -> Claim | None:
        """Return the claim that decides the Secret: as the last reconcile found, or else by age."""
        alive, decided = self.claims.alive(key), self.winners.of(key)
        return next(
            (claim for claim in alive if claim.uid == decided.winner), None
        ) or claims.winner(alive, None)

    def sharing(self, key: SecretKey) -> list[Claim]:
        """Return the winner, and the claims that share its item."""
        winner, decided = self.winner(key), self.winners.of(key)
        return [
            claim
            for claim in self.claims.alive(key)
            if claim is winner or claim.uid in decided.sharing
        ]

    def drop_refreshes(self, *, before: float) -> None:
        """Drop what another leader has answered: earlier requests of ready resources."""
        self.refreshes.drop(before=before, answered=self._is_ready)

    def _is_ready(self, key: SecretKey) -> bool:
        asking = [claim for claim in self.claims.of(key) if claim.is_resource]
        return bool(asking) and all(
            claim.ready and claim.ready.status == "True" for claim in asking
        )

    def try_anew(self, claim: Claim) -> None:
        """End a conflict about the claim and its Secret at once: the other operator may be gone."""
        self.conflicts.end(claim.uid)
        self.repairs.forget(claim.key)

    def let_go(self, claim: Claim) -> bool:
        """Remove a claim; return whether others still ask for its Secret."""
        self.claims.remove(claim)
        if claim.key in self.claims:
            self.retries.note_recovered(claim)
            return True
        self.forget(claim.key)
        return False

    def forget(self, key: SecretKey) -> None:
        """Drop a Secret that nobody asks for any more from all stores."""
        for store in (
            self.item_users,
            self.states,
            self.retries,
            self.repairs,
            self.refreshes,
            self.winners,
        ):
            store.forget(key)
