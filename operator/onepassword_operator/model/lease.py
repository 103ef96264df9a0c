"""The lease by which replicas agree on a leader."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """The spec of a `coordination.k8s.io/v1` Lease."""

    holder: str
    lease_seconds: int
    acquired: str
    renewed: str
    transitions: int

    def to_spec(self) -> dict[str, Any]:
        """Render the spec of the Lease as JSON."""
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.lease_seconds,
            "acquireTime": self.acquired,
            "renewTime": self.renewed,
            "leaseTransitions": self.transitions,
        }


class HeldLease(NamedTuple):
    """A lease as it was read or written."""

    record: LeaseRecord
    resource_version: str
