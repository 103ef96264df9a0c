"""Conditions as objects."""

import dataclasses

import pytest

from onepassword_operator.model.outcome import Condition

CONDITION = Condition(
    type="Ready", status="True", reason="Synced", message="fine", last_transition_time="2024-01-01T00:00:00Z", observed_generation=2
)


@pytest.mark.parametrize(("generation", "shown"), [(2, {"observedGeneration": 2}), (0, {"observedGeneration": 0}), (None, {})])
def test_a_condition_shows_the_generation_that_it_is_about_if_it_knows_one(generation: int | None, shown: dict[str, int]) -> None:
    texts = {"type": "Ready", "status": "True", "reason": "Synced", "message": "fine", "lastTransitionTime": "2024-01-01T00:00:00Z"}
    assert dataclasses.replace(CONDITION, observed_generation=generation).to_object() == texts | shown
