"""Lease × time without a change of it → whether a replica may lead, and the record to write.

The rules of client-go.

Times on the lease are for people. A replica judges the lease's expiry by its own clock, from the
last change that it saw, so clocks that differ do no harm. A lease does not fence: every write of a
leader must be safe when two leaders make it.
"""

from __future__ import annotations

import dataclasses

from onepassword_operator.model.lease import LeaseRecord

_RELEASED_SECONDS = 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds that a lease lasts, that its holder tries to renew it, and between two tries."""

    lease_seconds: int = 15
    deadline_seconds: float = 10.0
    retry_seconds: float = 2.0


def may_hold(record: LeaseRecord | None, me: str, *, unchanged_seconds: float) -> bool:
    """Whether a replica may take or renew the lease: absent, not held, its own, or expired.

    Args:
        record: the lease; None if there is none.
        me: the identity of this replica.
        unchanged_seconds: seconds since this replica last saw the record change.
    """
    return record is None or record.holder in {"", me} or unchanged_seconds > record.lease_seconds


def held(former: LeaseRecord | None, me: str, *, now: str, timing: Timing) -> LeaseRecord:
    """Return the record that takes or renews the lease."""
    mine = former is not None and former.holder == me
    return LeaseRecord(
        holder=me,
        lease_seconds=timing.lease_seconds,
        acquired=former.acquired if former and mine else now,
        renewed=now,
        transitions=0 if former is None else former.transitions + (0 if mine else 1),
    )


def released(former: LeaseRecord, *, now: str) -> LeaseRecord:
    """Return the record that releases the lease, so that nobody has to wait for its expiry."""
    return dataclasses.replace(former, holder="", lease_seconds=_RELEASED_SECONDS, renewed=now)
