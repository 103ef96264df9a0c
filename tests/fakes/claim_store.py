"""OnePasswordItems in memory, with generations, uids, watch events and a status that is written for real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from fakes.faults import Faults
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterAbsentError, ClusterConflictError
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim


class FakeClaimStore:
    """`ClaimStore` in memory."""

    def __init__(self) -> None:
        self.objects: dict[SecretKey, Claim] = {}
        self.requests: list[str] = []
        self.events: list[tuple[str, Claim]] = []
        self.faults = Faults()
        self.before: dict[str, Callable[[], None]] = {}
        """What happens in the cluster, once, just before the next request of a verb is carried out."""
        self._version = 500

    def apply(self, key: SecretKey, path: str, **members: Any) -> Claim:
        """Create the resource, or change its spec."""
        held = self.objects.get(key)
        if held:
            return self.keep("MODIFIED", replace(held, item_path=path, generation=held.generation + 1, **members))
        defaults: dict[str, Any] = {"secret_type": names.OPAQUE, "labels": {}, "annotations": {}}
        claim = Claim(
            key=key,
            name=key.name,
            uid=f"claim-{self._version}",
            resource_version=0,
            generation=1,
            created_at="2024-05-01T00:00:00Z",
            item_path=path,
            terminating=False,
            conditions=(),
            **(defaults | members),
        )
        return self.keep("ADDED", claim)

    def terminate(self, key: SecretKey) -> None:
        """Deleted by a user, but a finalizer holds it."""
        self.keep("MODIFIED", replace(self.objects[key], terminating=True))

    def hold_up(self, key: SecretKey, *finalizers: str) -> None:
        """Somebody sets its finalizers."""
        self.keep("MODIFIED", replace(self.objects[key], finalizers=finalizers))

    def annotate(self, key: SecretKey, **members: Any) -> None:
        """Somebody changes metadata: the generation stays."""
        self.keep("MODIFIED", replace(self.objects[key], **members))

    def delete(self, key: SecretKey) -> None:
        self.events.append(("DELETED", self.objects.pop(key)))

    def ready(self, key: SecretKey) -> Condition:
        found = self.objects[key].ready
        assert found, f"{key} has no Ready condition"
        return found

    def count(self, verb: str) -> int:
        return sum(request.split()[0] == verb for request in self.requests)

    async def get(self, key: SecretKey) -> Claim | None:
        self.requests.append(f"get {key}")
        await asyncio.sleep(0)
        if happens := self.before.pop("get", None):
            happens()
        with self.faults.around("get"):
            return self.objects.get(key)

    async def list_all(self) -> AsyncIterator[Claim]:
        self.requests.append("list")
        for position, claim in enumerate(list(self.objects.values())):
            if position == 1:  # what fails in the middle of a list
                with self.faults.around("list"):
                    pass
            yield claim

    async def write_condition(self, claim: Claim, condition: Condition) -> Claim:
        self.requests.append(f"status {claim.key}")
        await asyncio.sleep(0)
        with self.faults.around("status"):
            held = self.objects.get(claim.key)
            if held is None:
                raise ClusterAbsentError("gone")
            if held.uid != claim.uid:
                raise ClusterConflictError("another uid")
            return self.keep("MODIFIED", replace(held, conditions=(condition,)))

    def keep(self, kind: str, claim: Claim) -> Claim:
        self._version += 1
        kept = replace(claim, resource_version=self._version)
        self.objects[kept.key] = kept
        self.events.append((kind, kept))
        return kept
