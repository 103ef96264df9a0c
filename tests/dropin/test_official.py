"""What the official operator does, measured on the program itself: the ground that the other drop-in tests stand on."""

import copy
from functools import partial

import pytest

from dropin import recorded, scenes
from dropin.fixtures import MakeMeeting
from dropin.meeting import Meeting
from dropin.restore import restore
from dropin.scenes import DEPLOYMENT, ITEM, SECRET
from harness.waiting import eventually
from harness.world import PREFIX, seed
from onepassword_operator.model import names

pytestmark = pytest.mark.cluster

SEED = seed(db="canary-password-1")


def test_the_recorded_states_are_what_the_official_operator_makes(make_meeting: MakeMeeting) -> None:
    shown = scenes.play(make_meeting(recorded.seed_of(())))
    assert set(shown) == set(recorded.names())
    for name, objects in shown.items():
        assert objects == recorded.state(name), name


@pytest.mark.parametrize("name", recorded.names())
def test_a_restored_state_is_the_recorded_one(make_meeting: MakeMeeting, name: str) -> None:
    objects = recorded.state(name)
    meeting = make_meeting(recorded.seed_of(objects))
    restore(meeting, objects)
    assert meeting.trimmed(*((found["kind"], found["metadata"]["name"]) for found in objects)) == objects


@pytest.mark.parametrize("name", ["01-synced", "04-annotated-deployments", "05-after-rotation-and-restart"])
def test_the_official_operator_takes_a_restored_state_for_its_own(make_meeting: MakeMeeting, name: str) -> None:
    """Were a version or an ID wrong, it would write the Secret; were a finalizer missing, it would set it. A status it always writes."""
    objects = recorded.state(name)
    meeting = make_meeting(recorded.seed_of(objects))
    restore(meeting, objects)
    items = [found["metadata"]["name"] for found in objects if found["kind"] == ITEM]
    before = {item: meeting.custom(item)["metadata"]["resourceVersion"] for item in items}
    official = meeting.official(AUTO_RESTART="true")
    for found in objects:
        if found["kind"] != SECRET:
            eventually(partial(official.reconciled, found["metadata"]["name"]), bool, what="a look at each object")
    meeting.wait_official_polls()
    assert set(meeting.official_writes()) <= {f"update onepassworditems/status {item}" for item in items}
    assert {item: meeting.custom(item)["metadata"]["resourceVersion"] for item in items} == before


def test_its_writes_are_those_of_its_image(make_meeting: MakeMeeting) -> None:
    meeting = make_meeting(SEED)
    meeting.official()
    meeting.item("db", "vaults/v/items/db")
    eventually(partial(meeting.shown, SECRET, "db"), bool, what="the Secret")
    assert [(entry["manager"], entry["operation"]) for entry in meeting.metadata(SECRET, "db")["managedFields"]] == [("manager", "Update")]
    assert "create secrets" in meeting.official_writes()


def deployment(meeting: Meeting, name: str, **template_annotations: str) -> None:
    [body] = recorded.specs("user")
    text = copy.deepcopy(body)
    text["metadata"]["name"] = name
    text["spec"]["selector"]["matchLabels"]["app"] = text["spec"]["template"]["metadata"]["labels"]["app"] = name
    text["spec"]["template"]["metadata"]["annotations"] = template_annotations
    meeting.observer.apps.create_namespaced_deployment(meeting.namespace, text)
    meeting.rollouts(name, 1)


def test_any_annotation_of_the_prefix_on_a_pod_template_is_a_request_to_it_and_brings_the_finalizer(make_meeting: MakeMeeting) -> None:
    """Two are excepted, its own. So what ours notes on pod templates has another prefix."""
    meeting = make_meeting(SEED)
    deployment(meeting, "taken", **{PREFIX + "restarted-for": "{}"})
    deployment(meeting, "excepted", **{PREFIX + "last-restarted": recorded.A_TIME, PREFIX + "auto-restart": "true"})
    deployment(meeting, "restarted-by-ours", **{names.RESTARTED_FOR: "{}"})
    official = meeting.official()
    for name in ("excepted", "restarted-by-ours"):
        eventually(partial(official.reconciled, name), bool, what=f"a look at {name}")
    eventually(partial(meeting.finalized, DEPLOYMENT, "taken"), bool, what="the finalizer")
    assert not meeting.finalized(DEPLOYMENT, "excepted")
    assert not meeting.finalized(DEPLOYMENT, "restarted-by-ours")
