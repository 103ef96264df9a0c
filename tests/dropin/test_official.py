"""What the official operator does, measured on the program itself: the ground that the other drop-in tests stand on."""

from __future__ import annotations

import copy
import os
from functools import partial
from typing import Any

import pytest

from dropin import recorded, scenes
from dropin.fixtures import MakeMeeting
from dropin.meeting import FINALIZER, Meeting
from dropin.restore import restore
from dropin.scenes import DEPLOYMENT, ITEM, SECRET
from harness import in_pod, official_process
from harness.waiting import eventually
from harness.world import PREFIX
from onepassword_operator.model import names

pytestmark = pytest.mark.cluster

SEED: dict[str, Any] = {"vaults": [{"name": "v", "items": [{"title": "db", "fields": {"password": "canary-password-1"}}]}]}


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
    """A Deployment whose pods carry annotations and read no Secret."""
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


def test_a_deployment_with_its_finalizer_hangs_in_deletion_while_it_is_away(make_meeting: MakeMeeting) -> None:
    meeting = make_meeting(SEED)
    deployment(meeting, "taken", **{PREFIX + "restarted-for": "{}"})
    official = meeting.official()
    eventually(partial(meeting.finalized, DEPLOYMENT, "taken"), bool, what="the finalizer")
    official.stop()
    meeting.delete_deployment("taken")
    assert meeting.metadata(DEPLOYMENT, "taken")["finalizers"] == [FINALIZER]
    meeting.official()
    meeting.wait_gone(DEPLOYMENT, "taken")


def test_a_deployment_that_lost_the_annotation_hangs_in_deletion_for_ever(make_meeting: MakeMeeting) -> None:
    meeting = make_meeting(SEED)
    restore(meeting, recorded.state("08-annotations-removed"))
    official = meeting.official()
    meeting.delete_deployment("annotated-b")
    seen = official.reconciled("annotated-b")
    eventually(partial(official.reconciled, "annotated-b"), lambda now: now > seen, what="a look at the deleted Deployment")
    assert meeting.metadata(DEPLOYMENT, "annotated-b")["finalizers"] == [FINALIZER]


def test_a_secret_that_two_deployments_share_goes_with_the_first(make_meeting: MakeMeeting) -> None:
    """It sees the second and keeps the Secret; its only owner is gone, and the garbage collector does not ask."""
    objects = recorded.state("04-annotated-deployments")
    meeting = make_meeting(recorded.seed_of(objects))
    restore(meeting, objects)
    uid = meeting.metadata(SECRET, "shared")["uid"]
    meeting.official()
    meeting.delete_deployment("annotated-a")
    eventually(
        lambda: (meeting.shown(SECRET, "shared") or {}).get("metadata", {}).get("uid"), lambda now: now != uid, what="the Secret to go"
    )
    assert "delete secrets shared" not in meeting.official_writes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may create the file for everybody")
def test_where_the_kernel_refuses_a_mount_namespace_it_starts_all_the_same(
    make_meeting: MakeMeeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_pod, "command", lambda _arguments: ["/bin/sh", "-c", f"exit {in_pod.REFUSED}"])
    meeting = make_meeting(SEED)
    assert meeting.official().process.poll() is None
    assert not in_pod.NAMESPACE_FILE.exists()


def test_without_any_way_the_message_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with (
        pytest.raises(AssertionError, match=r"run the tests as root, or allow unprivileged user namespaces"),
        official_process.namespace_for_everybody(),
    ):
        pass
