"""What the use-cases need from the world. Edges implement these; tests put in-memory ones in their place.

Every method raises only leaves of `model.errors`. Absent is a value (None), unknown is an exception: the two are never mixed up.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Sequence
from typing import Protocol

from onepassword_operator.model.errors import OperatorError
from onepassword_operator.model.item import Item, ItemSummary, Vault
from onepassword_operator.model.lease import HeldLease, LeaseRecord
from onepassword_operator.model.outcome import Change, Condition
from onepassword_operator.model.secret import DesiredSecret, ObservedSecret, OwnerReference, SecretKey, SecretSight
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload import Workload


class ItemSource(Protocol):
    """1Password, as one credential sees it."""

    async def list_vaults(self) -> Sequence[Vault]:
        """All vaults the credential sees, complete."""

    async def list_items(self, vault_id: str) -> Sequence[ItemSummary]:
        """All items of a vault, complete."""

    async def get_item(self, vault_id: str, item_id: str) -> Item:
        """One item with its files. The reply's IDs are those asked for; its version may be older than a list's."""


class SecretStore(Protocol):
    """Secrets in the cluster. Writes carry the resourceVersion that was read."""

    async def get(self, key: SecretKey) -> ObservedSecret | None:
        """The live Secret."""

    def list_managed(self, wanted: Container[SecretKey]) -> AsyncIterator[ObservedSecret]:
        """Those of all Secrets with our label that are wanted, complete and live."""

    async def create(self, desired: DesiredSecret) -> ObservedSecret:
        """Create; ClusterConflictError if one exists."""

    async def replace(self, desired: DesiredSecret, *, basis: ObservedSecret) -> ObservedSecret:
        """Replace what was read as `basis`; ClusterConflictError if it changed since."""

    async def annotate(self, basis: ObservedSecret, annotations: dict[str, str | None]) -> ObservedSecret:
        """Set or remove (None) annotations of what was read as `basis`; ClusterConflictError if it changed since."""

    async def own(self, basis: ObservedSecret, owners: Sequence[OwnerReference]) -> ObservedSecret:
        """Write the ownerReferences of what was read as `basis`, and nothing else; ClusterConflictError if it changed since."""

    def server_time(self) -> str:
        """The API server's clock, RFC 3339 UTC, as of its newest reply."""


class SecretWatch(Protocol):
    """The comings and goings of the Secrets that carry our label, without what they hold. An empty namespace means all of them."""

    def listed(self, namespace: str) -> AsyncIterator[SecretSight]:
        """Each that is there; after the last one the state that this was, so a list without it is not complete."""

    def changes(self, namespace: str, *, since: int) -> AsyncIterator[SecretSight]:
        """What happened since that state, as it happens; ends when the API server thinks that it has taken long enough.

        Raises:
            ClusterAbsentError: nobody knows any more what has happened since.
        """


class ResourceStore(Protocol):
    """OnePasswordItems in the cluster."""

    async def get(self, key: SecretKey) -> Claim | None:
        """The live resource."""

    def list_all(self) -> AsyncIterator[Claim]:
        """All resources in the watched namespaces, complete and live."""

    async def write_condition(self, claim: Claim, condition: Condition) -> Claim:
        """Write the Ready condition of exactly this resource (same uid); ClusterAbsentError if it is gone."""


class WorkloadStore(Protocol):
    """Deployments and what decides about their restarts."""

    def list_all(self) -> AsyncIterator[Workload]:
        """All Deployments in the watched namespaces, complete and live."""

    async def list_namespace(self, namespace: str) -> Sequence[Workload]:
        """All Deployments of a namespace, complete and live."""

    async def get(self, namespace: str, name: str) -> Workload | None:
        """One live Deployment."""

    async def annotate_template(self, workload: Workload, annotations: dict[str, str]) -> None:
        """Set pod-template annotations of what was read; ClusterConflictError if it changed since."""

    async def namespace_setting(self, namespace: str) -> str | None:
        """The namespace's auto-restart annotation; None if unset or the namespace may not be read."""


class FinalizerStore(Protocol):
    """The official operator's finalizer on resources and Deployments."""

    async def remove(self, ref: ObjectRef, uid: str) -> str | None:
        """Take it from the object of that uid; returns the resourceVersion without it, or None if the object is gone."""


class LeaseStore(Protocol):
    """The one Lease of the election."""

    async def get(self) -> HeldLease | None:
        """The live lease."""

    async def write(self, record: LeaseRecord, *, basis: HeldLease | None) -> HeldLease:
        """Create it, or replace what was read as `basis`; ClusterConflictError if somebody was quicker."""


class EventLog(Protocol):
    """Kubernetes Events: for people, best effort. They are posted in the background: nobody waits for one, and none is an error."""

    def changed(self, claim: Claim, change: Change, *, message: str) -> None:
        """A Normal event on the object that asks."""

    def refreshed(self, claim: Claim, message: str) -> None:
        """A Normal event: 1Password was asked on request, and nothing had changed."""

    def failed(self, claim: Claim, error: OperatorError) -> None:
        """A Warning on the object that asks; one that says the same again is counted, and seldom written."""

    def restarted(self, workload: Workload, message: str) -> None:
        """A Normal event on the Deployment."""

    def reverted(self, workload: Workload, message: str) -> None:
        """A Warning on the Deployment: somebody takes the restart back, again and again."""


class Meter(Protocol):
    """Counts for the operator's own metrics."""

    def synced(self, outcome: str) -> None:
        """A pass over a Secret ended; `outcome` is a reason."""

    def drift_repaired(self) -> None:
        """A Secret that somebody edited was put right."""

    def set_back(self) -> None:
        """A Secret was written from an older version of its item, because the item was set back."""

    def restarted(self) -> None:
        """A workload was restarted."""

    def polled(self, *, ok: bool) -> None:
        """A poll of 1Password ended."""

    def resync_found(self, count: int) -> None:
        """Changes that a full resync found and the cheap poll had missed."""


class Clock(Protocol):
    """Time and chance."""

    def monotonic(self) -> float:
        """Seconds that never go back; for intervals."""

    def jitter(self) -> float:
        """A number from 0 to 1."""
