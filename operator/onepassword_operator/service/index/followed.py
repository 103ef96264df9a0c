"""Which Secrets follow which item, and what is asked for. In memory only; a LIST rebuilds all of it."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Final

from onepassword_operator.model.item import Revision
from onepassword_operator.model.outcome import Condition, Skipped
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim
from onepassword_operator.model.workload import RestartMark
from onepassword_operator.ports import Clock
from onepassword_operator.rules import claims
from onepassword_operator.service.index.claims import ClaimIndex
from onepassword_operator.service.index.conflicts import Conflicts

REFRESH_SECONDS: Final = 10.0
"""Between two looks at 1Password that the same resource asks for."""
_DEPARTED: Final = 1000


@dataclasses.dataclass(slots=True)
class Followed:
    """What this process knows of one Secret."""

    revision: Revision | None = None
    """The item it follows, at the version last read; None before the item is resolved."""
    requested: str = ""
    """The path that led to `revision`."""
    held: Revision | None = None
    """What the Secret was last known to hold."""
    reported: tuple[Skipped, ...] | None = None
    """What of `held` became no key, as far as this process read the item itself."""
    resource_version: int = 0
    """The newest state of the Secret that was taken in; older watch events are late."""
    mark: RestartMark | None = None
    seen: bool = False
    """Whether the Secret has existed: re-creating it takes a live look at its claim first."""
    last_good: Condition | None = None
    """What the resource said before this process had to tell it of trouble."""
    drifted: bool = False
    """The Secret was seen to be other than it was left."""
    repairing: bool = False
    """That is what the pass under way was made for."""
    rewrites: int = 0
    """How often in a row that made the same revision be written again, each soon after the last."""
    rewritten: Revision | None = None
    rewritten_at: float = 0.0
    attempts: int = 0
    """Failures in a row."""
    failing_since: float | None = None
    """When the first of them was, on the monotonic clock."""
    unreported: int = 0
    """Status writes that failed in a row; the Secret may be well all the while."""
    winner: str = ""
    """The uid of the claim that ruled it in the last pass."""
    co_owner_uids: frozenset[str] = frozenset()
    """Who decides about it, by uid: the claim that rules it, and those that share it."""
    refusals: int = 0
    """Passes in a row in which somebody besides the ruling claim could not be served."""
    refresh: bool = False
    """Somebody asked for a look at 1Password at once, whatever is known."""
    refresh_at: float = 0.0
    """When that was seen last, on the monotonic clock."""
    refresh_not_before: float = float("-inf")
    """When it may be done again."""


class FollowIndex:
    """Secrets by item, items by vault; with the claims and disputes that go with them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.claims = ClaimIndex()
        self.conflicts = Conflicts(clock)
        self.followed: dict[SecretKey, Followed] = {}
        self._departed: OrderedDict[SecretKey, Followed] = OrderedDict()
        self._users: dict[str, dict[str, dict[SecretKey, Revision]]] = {}
        self._waiting: dict[SecretKey, str] = {}

    def record(self, key: SecretKey) -> Followed:
        """The record of a Secret, made on first use."""
        if key not in self.followed:
            self.followed[key] = self._departed.pop(key) if key in self._departed else Followed()
        return self.followed[key]

    def ask_refresh(self, key: SecretKey) -> float:
        """Somebody asks for a look at 1Password at once; returns in how many seconds, because nobody has more than one in ten."""
        record = self.record(key)
        record.refresh, record.refresh_at = True, self.clock.monotonic()
        return self.refresh_wait(key)

    def refresh_wait(self, key: SecretKey) -> float:
        """In how many seconds a look at 1Password that somebody asked for may be made; 0 if none is asked for, or at once."""
        record = self.record(key)
        return max(record.refresh_not_before - self.clock.monotonic(), 0.0) if record.refresh else 0.0

    def take_refresh(self, key: SecretKey) -> bool:
        """Whether a look at 1Password is due; it is the caller's to make."""
        record, now = self.record(key), self.clock.monotonic()
        if not record.refresh or now < record.refresh_not_before:
            return False
        record.refresh, record.refresh_not_before = False, now + REFRESH_SECONDS
        return True

    def failing_seconds(self, key: SecretKey) -> float:
        """For how long passes over the Secret have failed in a row."""
        since = self.record(key).failing_since
        return 0.0 if since is None else self.clock.monotonic() - since

    def owe_refresh(self, key: SecretKey) -> None:
        """The look at 1Password failed, and is tried again with the pass."""
        record = self.record(key)
        record.refresh, record.refresh_not_before = True, self.clock.monotonic()

    def drop_refreshes(self, *, before: float) -> None:
        """Count as answered by another leader what was asked for before that time, unless the resource says that something is wrong."""
        for key, record in self.followed.items():
            claim = self.claims.resource(key)
            if record.refresh and record.refresh_at < before and claim and claim.ready and claim.ready.status == "True":
                record.refresh = False

    def winner(self, key: SecretKey) -> Claim | None:
        """Who rules the Secret, as the last pass found, or by age if none has looked at who owns it."""
        alive, record = self.claims.alive(key), self.followed.get(key)
        found = next((claim for claim in alive if record and claim.uid == record.winner), None)
        return found or claims.winner(alive, None)

    def co_owner_uids(self, key: SecretKey) -> list[Claim]:
        """Who rules the Secret and who shares it."""
        record, winner = self.followed.get(key), self.winner(key)
        uids = record.co_owner_uids if record else frozenset()
        return [claim for claim in self.claims.alive(key) if claim is winner or claim.uid in uids]

    def follow(self, key: SecretKey, revision: Revision, *, requested: str) -> None:
        """The Secret now stands for this revision, found by way of the requested path."""
        record = self.record(key)
        former = record.revision
        record.revision, record.requested = revision, requested
        self._waiting.pop(key, None)
        if former and (former.vault_id, former.item_id) != (revision.vault_id, revision.item_id):
            self._unlink(key, former)
        self._users.setdefault(revision.vault_id, {}).setdefault(revision.item_id, {})[key] = revision

    def wait(self, key: SecretKey, *, vault: str) -> None:
        """The Secret's path led nowhere; a change in the vault, or in one of that name, wakes it unless it has been forgotten meanwhile."""
        if key in self.followed:
            self._waiting[key] = vault

    def unfollow(self, key: SecretKey) -> None:
        """The Secret stands for nothing any more, but is remembered."""
        record = self.followed.get(key)
        if record and record.revision:
            self._unlink(key, record.revision)
            record.revision = None

    def let_go(self, claim: Claim) -> bool:
        """The object does not ask for the Secret any more; whether others still do."""
        self.claims.remove(claim)
        if claim.key in self.claims:
            return True
        self.forget(claim.key)
        return False

    def forget(self, key: SecretKey) -> None:
        """Nobody asks for the Secret any more."""
        self.unfollow(key)
        self._waiting.pop(key, None)
        record = self.followed.pop(key, None)
        if record and record.held:
            # A resource may be made again under its name: what its workloads run, and the restart they are due, outlive it.
            self._departed[key] = Followed(held=record.held, mark=record.mark, seen=True)
            if len(self._departed) > _DEPARTED:
                self._departed.popitem(last=False)

    def _unlink(self, key: SecretKey, revision: Revision) -> None:
        items = self._users.get(revision.vault_id, {})
        users = items.get(revision.item_id, {})
        users.pop(key, None)
        if not users:
            items.pop(revision.item_id, None)
        if not items:
            self._users.pop(revision.vault_id, None)

    def vaults(self) -> list[str]:
        """Vaults with at least one followed item."""
        return list(self._users)

    def revisions(self, vault_id: str) -> Iterator[Revision]:
        """What the Secrets on a vault's items stand for; several per item while some lag behind."""
        for users in self._users.get(vault_id, {}).values():
            yield from users.values() if len(users) == 1 else set(users.values())  # nearly always one; a set of each takes as long again

    def users(self, vault_id: str, item_ids: Iterable[str]) -> list[SecretKey]:
        """The Secrets that follow these items."""
        items = self._users.get(vault_id, {})
        return [key for item_id in item_ids for key in items.get(item_id, ())]

    def waiting(self) -> list[tuple[SecretKey, str]]:
        """Secrets whose path led nowhere, with its vault part."""
        return list(self._waiting.items())

    def pending(self, namespace: str) -> dict[SecretKey, RestartMark]:
        """Secrets of a namespace that carry a pending-restart mark."""
        return {k: r.mark for k, r in self.followed.items() if k.namespace == namespace and r.mark}

    def pending_namespaces(self) -> set[str]:
        """Namespaces with at least one mark."""
        return {key.namespace for key, record in self.followed.items() if record.mark}

    def count_pending(self) -> int:
        """How many Secrets carry a mark."""
        return sum(record.mark is not None for record in self.followed.values())
