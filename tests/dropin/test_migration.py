"""Ours takes over what the official operator has left: without a change of data and without a restart, and only what is its own."""

from collections.abc import Sequence

import pytest

from dropin.fixtures import MakeMeeting
from dropin.scenes import DEPLOYMENT, SECRET
from dropin.takeover import ANNOTATED, SYNCED, left_by_the_official_operator, named, together, wait_adopted, writes_to

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize(
    "states",
    [
        pytest.param((SYNCED, "03-typed", ANNOTATED, "07-enable-annotations"), id="fresh"),
        pytest.param(("05-after-rotation-and-restart",), id="after a restart"),
    ],
)
def test_what_is_right_is_adopted_without_a_change_and_without_a_restart(make_meeting: MakeMeeting, states: Sequence[str]) -> None:
    objects = together(*states)
    meeting = left_by_the_official_operator(make_meeting, objects)
    data, rollouts = meeting.all_data(), meeting.all_rollouts()
    uids = {name: meeting.secret(name).metadata.uid for name in data}
    meeting.operator(AUTO_RESTART="true")
    wait_adopted(meeting, objects)
    meeting.connect.wait_polls(2)
    assert meeting.all_data() == data
    assert meeting.all_rollouts() == rollouts
    assert {name: meeting.secret(name).metadata.uid for name in data} == uids
    assert sorted(writes_to(meeting, "secrets")) == sorted(f"update secrets {name}" for name in data)
    for found in (each for each in objects if each["kind"] == SECRET):
        [first] = found["metadata"]["ownerReferences"]
        assert meeting.owners(found["metadata"]["name"])[0] == f"{first['kind']}/{first['name']}"

    meeting.wait_events("by-title", ("Normal", "Adopted"))
    so_far = meeting.writes()
    meeting.restart(AUTO_RESTART="true")
    meeting.connect.wait_polls(2)
    assert meeting.writes() == so_far, "a second start writes nothing"


def test_an_item_that_has_moved_on_restarts_each_user_exactly_once(make_meeting: MakeMeeting) -> None:
    objects = together(SYNCED, ANNOTATED)
    meeting = left_by_the_official_operator(make_meeting, objects, item0=2, item2=2, item3=2)
    meeting.operator(AUTO_RESTART="true")
    wait_adopted(meeting, objects)
    for _, name in named(objects, DEPLOYMENT):
        meeting.rollouts(name, 2)
    meeting.no_marks()
    meeting.connect.wait_polls(2)
    assert set(meeting.all_rollouts().values()) == {2}
    for data in meeting.all_data().values():
        assert data is not None
        assert data["password"].endswith(b"-2")
