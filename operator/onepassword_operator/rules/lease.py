"""Lease × what was seen of it → who may lead, and what to write. The rules of Kubernetes' own client library.

Times on the lease are for people. Whether it has run out is judged by how long its record has not changed under one's own eyes, so clocks
that are off do no harm. A lease does not fence: every write of a leader must be safe when two of them make it.
"""

from __future__ import annotations

import dataclasses

from onepassword_operator.model.lease import LeaseRecord, Timing

_RELEASED_SECONDS = 1


def may_hold(record: LeaseRecord | None, me: str, *, unchanged_seconds: float) -> bool:
    """Whether to write oneself in: there is no lease, nobody holds it, it is one's own, or its holder has been silent for too long.

    Args:
        record: the lease; None if there is none.
        me: one's own identity.
        unchanged_seconds: how long the record has stood still, as seen here.
    """
    return record is None or record.holder in {"", me} or unchanged_seconds > record.lease_seconds


def held(former: LeaseRecord | None, me: str, *, now: str, timing: Timing) -> LeaseRecord:
    """The record to write to take or keep the lease."""
    mine = former is not None and former.holder == me
    return LeaseRecord(
        holder=me,
        lease_seconds=timing.lease_seconds,
        acquired=former.acquired if former and mine else now,
        renewed=now,
        transitions=0 if former is None else former.transitions + (0 if mine else 1),
    )


def released(former: LeaseRecord, *, now: str) -> LeaseRecord:
    """The record to write when one stops: nobody's, so that the next one need not wait."""
    return dataclasses.replace(former, holder="", lease_seconds=_RELEASED_SECONDS, renewed=now)
