"""The lease as the API server has it."""

from __future__ import annotations

from onepassword_operator.model.lease import LeaseRecord, Timing

SPEC = {"holderIdentity": "pod_1", "leaseDurationSeconds": 15, "acquireTime": "a", "renewTime": "r", "leaseTransitions": 2}


def test_a_lease_comes_out_as_it_went_in() -> None:
    record = LeaseRecord.from_object({"metadata": {}, "spec": SPEC})
    assert record == LeaseRecord(holder="pod_1", lease_seconds=15, acquired="a", renewed="r", transitions=2)
    assert record.to_spec() == SPEC


def test_whatever_is_missing_counts_as_nobodys() -> None:
    empty = LeaseRecord(holder="", lease_seconds=0, acquired="", renewed="", transitions=0)
    assert LeaseRecord.from_object({}) == LeaseRecord.from_object({"spec": {"holderIdentity": None}}) == empty


def test_the_times_are_those_of_the_official_operator() -> None:
    assert (Timing().lease_seconds, Timing().deadline_seconds, Timing().retry_seconds) == (15, 10.0, 2.0)
