"""Both at once: ours notices that the official operator still works on the same objects, steps back, and says so."""

from functools import partial

import pytest

from dropin import recorded
from dropin.fixtures import MakeMeeting
from dropin.meeting import Meeting
from dropin.scenes import DEPLOYMENT, ITEM, SECRET
from harness.official_process import OfficialProcess
from harness.waiting import eventually
from harness.world import PREFIX
from onepassword_operator.rules.secret.admission import RELABELLED

pytestmark = pytest.mark.cluster

ACTIVE = "AnotherOperatorActive"
SERVED = {"by-title": (ITEM, "by-title"), "annotated-template": (DEPLOYMENT, "from-template")}
"""What both serve: its kind, and the name of its Secret."""


def reported(meeting: Meeting, name: str) -> list[str]:
    """What ours has said in Events about another operator; on a Deployment the reason is the official one, and ours is in the message."""
    return [message for reason, message in meeting.warnings(name) if ACTIVE in (reason, message.rpartition("(")[2].rstrip(")"))]


def is_at_rest(meeting: Meeting) -> None:
    meeting.connect.wait_polls(3)
    so_far = meeting.writes()
    meeting.connect.wait_polls(5)
    assert meeting.writes() == so_far


def test_it_steps_back_and_says_so_once(make_meeting: MakeMeeting) -> None:
    """A Deployment has no condition; an Event says it."""
    meeting = make_meeting(recorded.seed_of(()))
    meeting.official(AUTO_RESTART="true")
    meeting.apply(*recorded.specs("by-title", "user", "annotated-template"))
    eventually(partial(meeting.condition, "by-title"), bool, what="the official operator's condition")
    eventually(partial(meeting.shown, SECRET, "from-template"), bool, what="the Secret")
    meeting.rollouts("annotated-template", 1)
    data = meeting.all_data()
    meeting.operator(AUTO_RESTART="true")
    for name, (kind, _) in SERVED.items():
        eventually(partial(reported, meeting, name), bool, what="the Event")
        eventually(partial(meeting.finalized, kind, name), bool, what="the official operator's finalizer")
    is_at_rest(meeting)
    assert meeting.our_writes().count("patch onepassworditems by-title") <= 1
    # Its own, and the two repairs after which a Secret in the official shape is a dispute as well, if that is noticed before the finalizer.
    assert meeting.our_writes().count("update secrets by-title") <= 1 + RELABELLED
    assert [len(reported(meeting, name)) for name in SERVED] == [1, 1]
    assert (meeting.all_data(), meeting.replica_sets("annotated-template")) == (data, 1)
    # The Event is what stays: the official operator answers every change of the status with its own.
    assert {key: meeting.condition("by-title").get(key) for key in ("status", "reason")} == {"status": "True", "reason": None}
    listed = meeting.plane.kubectl("get", "events", "-A", "--field-selector", "type=Warning")
    assert [line for line in listed.splitlines() if meeting.namespace in line and ACTIVE in line]


def wait_quiet(meeting: Meeting, official: OfficialProcess) -> None:
    """Return when the official operator does nothing but poll: a change that it meets while it reconciles restarts nobody."""
    looks = -1
    while looks != official.looks():
        looks = official.looks()
        meeting.wait_official_polls()


def test_a_rotation_meanwhile_is_the_other_ones_and_restarts_each_user_once(make_meeting: MakeMeeting) -> None:
    meeting = make_meeting(recorded.seed_of(()))
    official = meeting.official(AUTO_RESTART="true")
    meeting.apply(*recorded.specs("by-title", "user"))
    meeting.rollouts("user", 1)
    meeting.operator(AUTO_RESTART="true")
    eventually(partial(reported, meeting, "by-title"), bool, what="the Event")
    wait_quiet(meeting, official)
    so_far = meeting.writes()
    meeting.connect.edit("vault-0", "item-00000", fields={"password": "canary-pw-0-2"})
    eventually(partial(meeting.data, "by-title"), lambda data: (data or {})["password"] == b"canary-pw-0-2", what="the new password")
    meeting.rollouts("user", 2)
    meeting.connect.wait_polls(5)
    assert meeting.replica_sets("user") == 2
    assert meeting.writes() == so_far


@pytest.mark.parametrize("names", [("by-title",), ("by-title", "annotated-template")], ids=["asked to", "started again"])
def test_it_takes_over_at_once_when_the_other_one_is_gone(make_meeting: MakeMeeting, names: tuple[str, ...]) -> None:
    """As the messages say: on request for a resource, and in any case when ours starts again, for disputes are kept in memory only."""
    meeting = make_meeting(recorded.seed_of(()))
    official = meeting.official()
    meeting.apply(*recorded.specs(*names))
    for name in names:
        eventually(partial(meeting.shown, SECRET, SERVED[name][1]), bool, what="the official operator's Secret")
    meeting.operator()
    for name in names:
        eventually(partial(reported, meeting, name), bool, what="the Event")
        eventually(partial(meeting.finalized, SERVED[name][0], name), bool, what="the official operator's finalizer")
    official.stop()
    if len(names) > 1:
        meeting.restart()
    else:
        meeting.patch_item("by-title", {"metadata": {"annotations": {PREFIX + "refresh": "now"}}})
    for name in names:
        kind, secret = SERVED[name]
        eventually(partial(meeting.finalized, kind, name), lambda held: not held, what="the finalizer to go")
        eventually(partial(meeting.annotations, secret), lambda seen: "seal" in seen, timeout=40, what="a seal")
    meeting.wait_ready("by-title")


def test_a_resource_that_is_new_to_both_is_given_up_as_well(make_meeting: MakeMeeting) -> None:
    meeting = make_meeting(recorded.seed_of(()))
    meeting.official()
    meeting.operator()
    meeting.apply(*recorded.specs("by-title"))
    eventually(partial(reported, meeting, "by-title"), bool, what="the Event")
    is_at_rest(meeting)
    assert set(meeting.data("by-title") or ()) == {"f0.txt", "host", "password", "port", "username"}
