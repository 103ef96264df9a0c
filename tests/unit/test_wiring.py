"""The use-cases are connected as the options say."""

from __future__ import annotations

import dataclasses

import pytest
import yaml

from fakes.world import World
from onepassword_operator import wiring
from onepassword_operator.service.runtime.work_queue import WorkQueue
from unit import recorded_history


@pytest.mark.parametrize("seconds", [0.0, 600.0])
def test_secrets_are_read_in_turn_only_where_they_are_not_watched(seconds: float) -> None:
    world = World()
    options = dataclasses.replace(world.options(), secret_round_seconds=seconds)
    made = wiring.wire(world.ports(), options, new_queue=WorkQueue)
    assert (made.patrol is not None) == bool(seconds)


@pytest.mark.parametrize("per_second", [0.0, 5.0])
def test_restarts_are_limited_only_if_asked_for(per_second: float) -> None:
    world = World()
    options = dataclasses.replace(world.options(), restarts_per_second=per_second)
    made = wiring.wire(world.ports(), options, new_queue=WorkQueue)
    assert (made.restart._limiter is not None) == bool(per_second)


async def test_a_history_writes_says_and_asks_to_the_byte_as_recorded() -> None:
    recorded, now = yaml.safe_load(recorded_history.RECORDED.read_text()), await recorded_history.history()
    assert list(now) == list(recorded)
    for step, found in now.items():
        assert found == recorded[step], step
