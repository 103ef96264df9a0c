"""The use-cases are connected as the options say."""

import dataclasses

import pytest
import yaml

from fakes.world import World
from onepassword_operator import wiring
from onepassword_operator.service.runtime.work_queue import WorkQueue
from unit import recorded_history


@pytest.mark.parametrize("asked", [0.0, 5.0])
def test_restarts_are_limited_if_asked_for_and_secrets_read_in_turn_where_they_are_not_watched(asked: float) -> None:
    world = World()
    options = dataclasses.replace(world.options(), secret_round_seconds=asked, restarts_per_second=asked)
    made = wiring.wire(world.ports(), options, new_queue=WorkQueue)
    assert [part is not None for part in (made.patrol, made.restart._limiter)] == [bool(asked)] * 2


def test_restarts_leave_a_part_of_their_limit_unused_because_they_arrive_less_evenly_than_they_leave() -> None:
    world = World()
    limiter = wiring.wire(
        world.ports(), dataclasses.replace(world.options(), restarts_per_second=10.0), new_queue=WorkQueue
    ).restart._limiter
    assert limiter
    assert limiter._gap_seconds == pytest.approx(1 / 9.5)


async def test_a_history_writes_says_and_asks_to_the_byte_as_recorded() -> None:
    recorded, now = yaml.safe_load(recorded_history.RECORDED.read_text()), await recorded_history.history()
    assert list(now) == list(recorded)
    for step, found in now.items():
        assert found == recorded[step], step
