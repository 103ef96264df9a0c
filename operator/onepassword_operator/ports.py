"""The interfaces through which the use-cases reach the world.

Edges implement them; tests use implementations in memory.

Every method raises only leaves of `model.errors`. An absent object is None, an unknown one is an
exception.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Mapping, Sequence
from typing import Protocol

from onepassword_operator.model.errors import OperatorError
from onepassword_operator.model.item import Item, ItemSummary, Vault
from onepassword_operator.model.lease import HeldLease, LeaseRecord
from onepassword_operator.model.outcome import Change, Condition
from onepassword_operator.model.secret import (
    DesiredSecret,
    ObservedSecret,
    OwnerReference,
    SecretKey,
    SecretSight,
)
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import WorkloadKind


class ItemSource(Protocol):
    """1Password, as one credential sees it. Raises BackendError and ItemLookupError."""

    async def list_vaults(self) -> Sequence[Vault]:
        """List all vaults that the credential sees; never a part of them."""

    async def list_items(self, vault_id: str) -> Sequence[ItemSummary]:
        """List all items of a vault; never a part of them."""

    async def get_item(self, vault_id: str, item_id: str) -> Item:
        """Read an item with its files.

        Its IDs are the requested ones; its version may be older than in a list.
        """


class SecretStore(Protocol):
    """Secrets in the cluster; in a list, an empty namespace means all namespaces.

    Writes carry the resourceVersion that was read. Raises ClusterError.
    """

    async def get(self, key: SecretKey) -> ObservedSecret | None:
        """Read the live Secret; None if it does not exist."""

    def list_managed(
        self, namespace: str, *, wanted: Container[SecretKey]
    ) -> AsyncIterator[ObservedSecret]:
        """Yield the wanted Secrets among all live ones with our label.

        Raises:
            ClusterError: the list is not complete.
        """

    async def create(self, desired: DesiredSecret) -> ObservedSecret:
        """Create a Secret; ClusterConflictError if one exists."""

    async def replace(self, desired: DesiredSecret, *, basis: ObservedSecret) -> ObservedSecret:
        """Replace the Secret that was read as `basis`; ClusterConflictError if it changed since."""

    async def annotate(
        self, basis: ObservedSecret, annotations: dict[str, str | None]
    ) -> ObservedSecret:
        """Set or remove (None) annotations of the Secret read as `basis`.

        Raises:
            ClusterConflictError: it changed since.
        """

    async def own(self, basis: ObservedSecret, owners: Sequence[OwnerReference]) -> ObservedSecret:
        """Write only the ownerReferences of the Secret read as `basis`.

        Raises:
            ClusterConflictError: it changed since.
        """

    def server_time(self) -> str:
        """Return the API server's time, RFC 3339 UTC, by its newest reply."""


class SecretWatch(Protocol):
    """LIST and WATCH of the Secrets with our label, without their data.

    An empty namespace means all namespaces.
    """

    def listed(self, namespace: str) -> AsyncIterator[SecretSight]:
        """Yield every Secret, and then the list's resourceVersion as UP_TO_HERE.

        Without that the list is not complete.
        """

    def changes(self, namespace: str, *, since: int) -> AsyncIterator[SecretSight]:
        """Yield the changes since a resourceVersion as they happen.

        Ends when the API server closes the stream.

        Raises:
            ClusterExpiredError: the resourceVersion is too old; list again.
        """


class ResourceStore(Protocol):
    """OnePasswordItems in the cluster. Raises ClusterError."""

    async def get(self, key: SecretKey) -> Claim | None:
        """Read the live resource; None if it does not exist."""

    def list_all(self, namespace: str) -> AsyncIterator[Claim]:
        """Yield all live resources of a namespace; of all namespaces if it is empty.

        Raises:
            ClusterError: the list is not complete.
        """

    async def namespace_exists(self, namespace: str) -> bool:
        """Whether there is such a namespace; True also if RBAC forbids to read it."""

    async def write_status(
        self, claim: Claim, condition: Condition, *, facts: Mapping[str, object]
    ) -> Claim:
        """Write the Ready condition of exactly this resource (same uid), and other facts.

        Of the facts, by field of `status`, None takes a field away; the others stay.

        Raises:
            ClusterAbsentError: it is gone.
        """


class WorkloadStore(Protocol):
    """Workloads in the cluster, and the restart settings of namespaces. Raises ClusterError."""

    def list_all(self, namespace: str, kind: WorkloadKind) -> AsyncIterator[Workload]:
        """Yield all live workloads of a kind in a namespace; in all namespaces if it is empty.

        Raises:
            ClusterAbsentError: the cluster does not serve the kind.
            ClusterError: the list is not complete.
        """

    async def list_namespace(self, namespace: str, kind: WorkloadKind) -> Sequence[Workload]:
        """List all live workloads of a kind in a namespace; never a part of them.

        Raises as `list_all`.
        """

    async def check_access(self, namespace: str, kind: WorkloadKind) -> None:
        """Return if a kind can be listed and watched in a namespace, or in all if it is empty.

        Raises:
            ClusterError: it can't.
        """

    async def get(self, ref: ObjectRef) -> Workload | None:
        """Read a live workload; None if it does not exist."""

    async def restart(self, workload: Workload, record: Mapping[str, str]) -> None:
        """Restart the workload as read, and record what for in its annotations.

        Raises:
            ClusterConflictError: it changed since.
        """

    async def namespace_setting(self, namespace: str) -> str | None:
        """Read the namespace's auto-restart annotation; None if it is unset or RBAC forbids it."""


class FinalizerStore(Protocol):
    """The official operator's finalizer on resources and Deployments. Raises ClusterError."""

    async def remove(self, ref: ObjectRef, uid: str) -> int | None:
        """Remove it from the object of that uid.

        Return the object's new resourceVersion, or None if the object is gone.
        """


class LeaseStore(Protocol):
    """The Lease of the leader election. Raises ClusterError."""

    async def get(self) -> HeldLease | None:
        """Read the live lease; None if it does not exist."""

    async def write(self, record: LeaseRecord, *, basis: HeldLease | None) -> HeldLease:
        """Create the lease, or replace the one read as `basis`.

        Raises:
            ClusterConflictError: another replica was faster.
        """


class EventLog(Protocol):
    """Kubernetes Events: for people, best effort.

    They are posted in the background; no method waits or fails.
    """

    def changed(self, claim: Claim, change: Change, *, message: str) -> None:
        """Post a Normal Event on the object that asks for the Secret: its Secret changed."""

    def refreshed(self, claim: Claim, message: str) -> None:
        """Post a Normal Event: 1Password was read on request, and nothing had changed."""

    def failed(self, claim: Claim, error: OperatorError) -> None:
        """Post a Warning on the object that asks for the Secret.

        A repeated Warning is counted and rarely written.
        """

    def warned(self, about: Claim | Workload, reason: str, *, message: str) -> None:
        """Post a Warning on an object that asks for a Secret, or on a workload."""

    def restarted(self, workload: Workload, message: str) -> None:
        """Post a Normal Event on the workload: it was restarted."""

    def owed(self, workload: Workload, message: str) -> None:
        """Post a Normal Event on the workload: its restart waits for the restart window."""

    def reverted(self, workload: Workload, message: str) -> None:
        """Post a Warning on the workload: another tool keeps reverting its restart."""


class Meter(Protocol):
    """Counters of the operator's own metrics."""

    def synced(self, outcome: str) -> None:
        """Count the outcome of a reconcile for one claim; `outcome` is its reason."""

    def drift_repaired(self) -> None:
        """Count a repair of a Secret that somebody had edited or deleted."""

    def version_restored(self) -> None:
        """Count a write of an older version of an item, because the item was restored."""

    def restarted(self) -> None:
        """Count a restart of a workload."""

    def internal_error(self) -> None:
        """Count an exception that nobody foresaw."""

    def polled(self, *, ok: bool) -> None:
        """Count a poll of 1Password; `ok` if it was complete and without errors."""

    def resync_found(self, count: int) -> None:
        """Count changes that polls had missed and a full resync found."""


class Clock(Protocol):
    """Monotonic time and random jitter."""

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back; for intervals only."""

    def jitter(self) -> float:
        """Return a random number from 0 to 1."""
