"""OnePasswordItems in memory, with generations, uids, watch events and a status that is written for real."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

from fakes.faults import FakeStore
from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterAbsentError, ClusterConflictError
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim


def _own(claim: Claim) -> SecretKey:
    return SecretKey(claim.key.namespace, claim.name)


class FakeClaimStore(FakeStore):
    """`ClaimStore` in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[SecretKey, Claim] = {}
        self.events: list[tuple[str, Claim]] = []
        self.absent: set[str] = set()
        """Namespaces that do not exist."""
        self.facts: dict[SecretKey, dict[str, object]] = {}
        """What statuses say besides conditions."""
        self._version = 500

    def apply(self, key: SecretKey, path: str, **members: Any) -> Claim:
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

    def terminate(self, key: SecretKey) -> Claim:
        return self.keep("MODIFIED", replace(self.objects[key], terminating=True))

    def hold_up(self, key: SecretKey, *finalizers: str) -> Claim:
        return self.keep("MODIFIED", replace(self.objects[key], finalizers=finalizers))

    def annotate(self, key: SecretKey, **members: Any) -> Claim:
        return self.keep("MODIFIED", replace(self.objects[key], **members))

    def delete(self, key: SecretKey) -> Claim:
        gone = self.objects.pop(key)
        self.events.append(("DELETED", gone))
        return gone

    def ready(self, key: SecretKey) -> Condition:
        found = self.objects[key].ready
        assert found, f"{key} has no Ready condition"
        return found

    async def get(self, key: SecretKey) -> Claim | None:
        await self.asked(f"get {key}")
        with self.faults.around("get"):
            return self.objects.get(key)

    def list_all(self, namespace: str) -> AsyncIterator[Claim]:
        self.requests.append("list")
        return self.one_by_one(claim for claim in self.objects.values() if namespace in ("", claim.key.namespace))

    async def namespace_exists(self, namespace: str) -> bool:
        await self.asked(f"exists {namespace}")
        return namespace not in self.absent

    async def write_status(self, claim: Claim, condition: Condition, *, facts: Mapping[str, object]) -> Claim:
        await self.asked(f"status {claim.key}")
        with self.faults.around("status"):
            held = self.objects.get(_own(claim))
            if held is None:
                raise ClusterAbsentError("gone")
            if held.uid != claim.uid:
                raise ClusterConflictError("another uid")
            self.facts[_own(claim)] = self.facts.get(_own(claim), {}) | dict(facts)
            return self.keep("MODIFIED", replace(held, conditions=(condition,)))

    def keep(self, kind: str, claim: Claim) -> Claim:
        self._version += 1
        kept = replace(claim, resource_version=self._version)
        self.objects[_own(kept)] = kept
        self.events.append((kind, kept))
        return kept
