"""The lease as the API server has it."""

from onepassword_operator.model.lease import LeaseRecord

SPEC = {"holderIdentity": "pod_1", "leaseDurationSeconds": 15, "acquireTime": "a", "renewTime": "r", "leaseTransitions": 2}


def test_a_lease_is_written_with_all_its_members() -> None:
    assert LeaseRecord(holder="pod_1", lease_seconds=15, acquired="a", renewed="r", transitions=2).to_spec() == SPEC
