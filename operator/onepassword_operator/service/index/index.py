"""What is known of claims, Secrets and items, in one place; each part is written by its own store.

LISTs rebuild all of it.
"""

from __future__ import annotations

from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.ports import Clock
from onepassword_operator.rules.secret import claims
from onepassword_operator.service.index.claims import ClaimIndex
from onepassword_operator.service.index.conflicts import Conflicts
from onepassword_operator.service.index.item_users import ItemUsers
from onepassword_operator.service.index.refreshes import Refreshes
from onepassword_operator.service.index.repairs import Repairs
from onepassword_operator.service.index.retries import Retries
from onepassword_operator.service.index.secret_states import SecretStates
from onepassword_operator.service.index.winners import Winners


class Index:
    """The stores, and what takes more than one of them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.claims = ClaimIndex()
        self.conflicts = Conflicts(clock)
        self.item_users = ItemUsers()
        self.states = SecretStates()
        self.retries = Retries(clock)
        self.repairs = Repairs(clock)
        self.refreshes = Refreshes(clock)
        self.winners = Winners()

    def winner(self, key: SecretKey) -> Claim | None:
        """The claim that decides the Secret: as the last reconcile found, or else by age."""
        alive, decided = self.claims.alive(key), self.winners.of(key)
        return next(
            (claim for claim in alive if claim.uid == decided.winner), None
        ) or claims.winner(alive, None)

    def sharing(self, key: SecretKey) -> list[Claim]:
        """The winner, and the claims that share its item."""
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
        claim = self.claims.resource(key)
        return claim is not None and claim.ready is not None and claim.ready.status == "True"

    def try_anew(self, claim: Claim) -> None:
        """End a conflict about the claim and its Secret at once: the other operator may be gone."""
        self.conflicts.end(claim.uid)
        self.repairs.forget(claim.key)

    def let_go(self, claim: Claim) -> bool:
        """The object does not ask for the Secret any more; returns whether others still do."""
        self.claims.remove(claim)
        if claim.key in self.claims:
            return True
        self.forget(claim.key)
        return False

    def forget(self, key: SecretKey) -> None:
        """Nobody asks for the Secret any more."""
        for store in (
            self.item_users,
            self.states,
            self.retries,
            self.repairs,
            self.refreshes,
            self.winners,
        ):
            store.forget(key)
