"""Conditions as objects."""

import pytest

from onepassword_operator.model.outcome import Condition

FULL = {
    "type": "Ready",
    "status": "True",
    "reason": "Synced",
    "message": "fine",
    "lastTransitionTime": "2024-01-01T00:00:00Z",
    "observedGeneration": 2,
}


def test_a_condition_is_read_and_written_without_loss() -> None:
    condition = Condition.from_object(FULL)
    assert condition == Condition(
        type="Ready",
        status="True",
        reason="Synced",
        message="fine",
        last_transition_time="2024-01-01T00:00:00Z",
        observed_generation=2,
    )
    assert condition.to_object() == FULL


@pytest.mark.parametrize("missing", FULL)
def test_a_condition_that_lacks_something_is_read_all_the_same(missing: str) -> None:
    """The official operator writes neither reason nor observedGeneration, and its CRD keeps neither."""
    condition = Condition.from_object({name: value for name, value in FULL.items() if name != missing})
    empty = None if missing == "observedGeneration" else ""
    assert condition.to_object() == {
        name: empty if name == missing else value for name, value in FULL.items() if missing != name or empty == ""
    }


def test_a_generation_of_zero_is_written() -> None:
    assert Condition.from_object(FULL | {"observedGeneration": 0}).to_object()["observedGeneration"] == 0


@pytest.mark.parametrize("member", FULL)
def test_a_condition_that_no_schema_has_checked_is_read_all_the_same(member: str) -> None:
    condition = Condition.from_object(FULL | {member: ["x"]})
    assert condition.to_object().get(member) == (None if member == "observedGeneration" else "['x']")
