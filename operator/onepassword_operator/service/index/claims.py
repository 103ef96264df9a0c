"""Who asks for which Secret, and which workloads use it; in memory, rebuilt by LISTs."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from onepassword_operator.model import names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import OwnerReference, SecretKey
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules import conditions
from onepassword_operator.rules.secret.owners import Interested
from onepassword_operator.service.index.served_kinds import ServedKinds

_NOTHING: Mapping[str, str] = {}


class ClaimIndex:
    """Claims by Secret; workloads by name, and by the Secrets they use."""

    def __init__(self, kinds: ServedKinds) -> None:
        self._kinds = kinds
        self._claims: dict[SecretKey, dict[ObjectRef, Claim]] = {}
        self._elsewhere: dict[ObjectRef, SecretKey] = {}
        """The Secrets of resources that ask for one of another name."""
        self._workloads: dict[ObjectRef, Workload] = {}
        self._users: dict[SecretKey, dict[str, OwnerReference]] = {}
        self._good: dict[SecretKey, Condition] = {}
        self._resources = 0

    def __len__(self) -> int:
        """Count the OnePasswordItems."""
        return self._resources

    def __contains__(self, key: object) -> bool:
        """Whether anybody asks for the Secret."""
        return key in self._claims

    def count_by_reason(self) -> dict[str, int]:
        """Count the OnePasswordItems by the reason that they report; all reasons are there."""
        counts = dict.fromkeys((*sorted(conditions.reasons()), conditions.OTHER), 0)
        for claims in self._claims.values():
            for claim in claims.values():
                if claim.is_resource:
                    reason = claim.ready.reason if claim.ready else ""
                    counts[reason if reason in counts else conditions.OTHER] += 1
        return counts

    def keys(self, namespace: str = "") -> list[SecretKey]:
        """Return the Secrets that anybody asks for, in a namespace or in all of them."""
        return [key for key in self._claims if namespace in ("", key.namespace)]

    def count_namespaces(self) -> int:
        """Count the namespaces in which anybody asks for a Secret."""
        return len({key.namespace for key in self._claims})

    def of(self, key: SecretKey) -> tuple[Claim, ...]:
        """Return the claims on the Secret, of objects that are being deleted too."""
        return tuple(self._claims.get(key, {}).values())

    def alive(self, key: SecretKey) -> list[Claim]:
        """Return the claims on the Secret of objects that are not being deleted."""
        return [claim for claim in self.of(key) if not claim.terminating]

    def resource(self, ref: ObjectRef) -> Claim | None:
        """Return the claim of the OnePasswordItem of that name."""
        key = self._elsewhere.get(ref) or SecretKey(ref.namespace, ref.name)
        return self._claims.get(key, {}).get(ref)

    def resources(self, namespace: str = "") -> set[ObjectRef]:
        """Return all OnePasswordItems, in a namespace or in all of them."""
        return {
            ref
            for key in self.keys(namespace)
            for ref in self._claims[key]
            if ref.kind == names.KIND
        }

    def workload(self, ref: ObjectRef) -> Workload | None:
        """Return the workload of that name; None also for one that `put_workload` drops."""
        return self._workloads.get(ref)

    def workloads(self, namespace: str = "") -> set[ObjectRef]:
        """Return the workloads that are kept, in a namespace or in all of them."""
        return {ref for ref in self._workloads if namespace in ("", ref.namespace)}

    def holder(self, ref: ObjectRef) -> Claim | Workload | None:
        """Return the resource's claim or the workload of that kind and name."""
        if ref.kind == names.KIND:
            return self.resource(ref)
        return self._workloads.get(ref)

    def put(self, claim: Claim) -> None:
        """Set an object's claim on this Secret; replace the former one."""
        held = self._claims.setdefault(claim.key, {})
        self._resources += claim.is_resource and claim.ref not in held
        held[claim.ref] = claim
        if claim.is_resource and claim.name != claim.key.name:
            self._elsewhere[claim.ref] = claim.key

    def remove(self, claim: Claim) -> None:
        """Remove a claim, unless a newer object of that name has replaced it."""
        held = self._claims.get(claim.key, {})
        if claim.ref not in held or held[claim.ref].uid != claim.uid:
            return
        del held[claim.ref]
        self._elsewhere.pop(claim.ref, None)
        self._resources -= claim.is_resource
        if not held:
            del self._claims[claim.key]
            self._good.pop(claim.key, None)

    def put_workload(self, workload: Workload) -> None:
        """Set a workload, its claims and the Secrets it uses; drop one that has none of them."""
        self.remove_workload(workload.ref)
        if not workload.keeps_secrets:
            workload = dataclasses.replace(workload, secrets=frozenset())
        matters = workload.secrets or workload.claims or workload.has_legacy_finalizer
        if not (matters or workload.advice):
            return
        self._workloads[workload.ref] = dataclasses.replace(
            workload, annotations=_NOTHING, template_annotations=_NOTHING
        )
        owner = workload.owner_reference
        for name in workload.secrets:
            self._users.setdefault(SecretKey(workload.namespace, name), {})[workload.uid] = owner
        for claim in workload.claims:
            self.put(claim)

    def remove_workload(self, ref: ObjectRef) -> None:
        """Remove a workload with its claims and its use of Secrets."""
        held = self._workloads.pop(ref, None)
        if held is None:
            return
        for name in held.secrets:
            key = SecretKey(held.namespace, name)
            users = self._users.get(key, {})
            users.pop(held.uid, None)
            if not users:
                self._users.pop(key, None)
        for claim in held.claims:
            self.remove(claim)

    def note_written(self, written: Claim) -> None:
        """Take the conditions of a resource over from the answer to our write.

        A new request is left to the watch, because the answer and the watch overtake each other.
        Taken in whole, an older answer would undo a request that is queued already, and a newer one
        would make the event that has yet to queue it look late.
        """
        held = self.resource(written.ref)
        if (
            held is None
            or held.uid != written.uid
            or held.resource_version > written.resource_version
        ):
            return
        same = held.asks_the_same_as(written)
        self.put(written if same else dataclasses.replace(held, conditions=written.conditions))

    def note_finalizer_removed(self, ref: ObjectRef, uid: str, *, resource_version: int) -> None:
        """Drop the official finalizer from the object, unless it is known at a newer version."""
        holder = self.holder(ref)
        if holder is None or holder.uid != uid or holder.resource_version > resource_version:
            return
        left = tuple(
            finalizer for finalizer in holder.finalizers if finalizer != names.OFFICIAL_FINALIZER
        )
        if isinstance(holder, Claim):
            self.put(dataclasses.replace(holder, finalizers=left))
        else:
            claims = [dataclasses.replace(claim, finalizers=left) for claim in holder.claims]
            self.put_workload(dataclasses.replace(holder, finalizers=left, claims=tuple(claims)))

    def interested(self, key: SecretKey, owners: Iterable[OwnerReference] = ()) -> Interested:
        """Return who asks for the Secret, who uses it, and which of its owners has moved on."""
        using = self._users.get(key, {})
        users = {uid: owner for uid, owner in using.items() if self._lives(owner, key.namespace)}
        asking = frozenset(claim.uid for claim in self.of(key))
        moved = frozenset(o.uid for o in owners if o.uid not in asking and self._asks(o, key))
        return Interested(
            asking=asking, users=users, moved=moved, unknown=self._kinds.unknown(key.namespace)
        )

    def _asks(self, owner: OwnerReference, key: SecretKey) -> bool:
        # A workload that asks for another Secret may use this one.
        ref = ObjectRef(owner.kind, key.namespace, owner.name)
        claim = self.resource(ref) if owner.kind == names.KIND else None
        return claim is not None and claim.uid == owner.uid

    def remember_good(self, claim: Claim) -> None:
        """Remember the resource's condition, which is about to be replaced by trouble."""
        if claim.ready and claim.key in self._claims:
            self._good[claim.key] = claim.ready

    def last_good(self, key: SecretKey) -> Condition | None:
        """Return the resource's condition from before this process reported trouble."""
        return self._good.get(key)

    def _lives(self, owner: OwnerReference, namespace: str) -> bool:
        held = self._workloads.get(ObjectRef(owner.kind, namespace, owner.name))
        return held is not None and not held.terminating
