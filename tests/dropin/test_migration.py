"""Ours takes over what the official operator has left: without a change of data and without a restart, and only what is its own."""

from collections.abc import Sequence
from functools import partial

import pytest

from dropin import recorded
from dropin.fixtures import MakeMeeting
from dropin.restore import restore
from dropin.scenes import DEPLOYMENT, ITEM, SECRET
from dropin.takeover import ANNOTATED, SYNCED, left_by_the_official_operator, named, together, wait_adopted, writes_to
from harness.waiting import eventually
from harness.world import PREFIX

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


def test_a_key_that_is_gone_from_the_item_is_gone_from_the_secret(make_meeting: MakeMeeting) -> None:
    """The fields of the Secret belong to `manager`; an update that merged would leave them."""
    objects = recorded.state(SYNCED)
    meeting = left_by_the_official_operator(make_meeting, objects)
    meeting.connect.edit("vault-0", "item-00000", remove_fields=["host"], remove_files=["f0.txt"])
    meeting.operator()
    meeting.wait_data("by-title", {"username": b"user0", "password": b"canary-pw-0-1", "port": b"5432"})


def test_a_shared_secret_belongs_to_all_who_ask_for_it_and_outlives_the_first(make_meeting: MakeMeeting) -> None:
    objects = recorded.state(ANNOTATED)
    meeting = left_by_the_official_operator(make_meeting, objects)
    meeting.operator()
    wait_adopted(meeting, objects)
    assert meeting.owners("shared") == ["Deployment/annotated-a", "Deployment/annotated-b"]
    before = meeting.secret("shared")
    meeting.delete_deployment("annotated-a")
    meeting.wait_gone(DEPLOYMENT, "annotated-a")
    eventually(partial(meeting.owners, "shared"), lambda owners: owners == ["Deployment/annotated-b"], what="one owner")
    assert (meeting.secret("shared").metadata.uid, meeting.secret("shared").data) == (before.metadata.uid, before.data)
    meeting.delete_deployment("annotated-b")
    meeting.wait_gone(DEPLOYMENT, "annotated-b")
    meeting.wait_gone(SECRET, "shared")


@pytest.mark.parametrize("marks", [{}, {PREFIX + "item-version": "1"}], ids=["without its marks", "with one of its two marks"])
def test_a_secret_that_it_did_not_make_is_left_alone_and_the_resource_let_go(make_meeting: MakeMeeting, marks: dict[str, str]) -> None:
    """The official operator would have deleted it with the resource."""
    objects = recorded.state(SYNCED)
    meeting = make_meeting(recorded.seed_of(objects))
    for found in objects:
        if found["kind"] == SECRET:
            found["metadata"], found["data"] = {"name": found["metadata"]["name"], "annotations": marks}, {"mine": "bWluZQ=="}
    restore(meeting, objects)
    before = meeting.secret("by-title").metadata.resource_version
    meeting.operator()
    meeting.wait_reason("by-title", "TargetNotOwned")
    eventually(partial(meeting.finalized, ITEM, "by-title"), lambda held: not held, what="the finalizer to go")
    meeting.delete_item("by-title")
    meeting.wait_gone(ITEM, "by-title")
    meeting.connect.wait_polls(2)
    assert meeting.secret("by-title").metadata.resource_version == before
