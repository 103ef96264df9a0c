"""Brings a recorded state back to life: with fresh uids, and with the field managers that made it."""

import copy
import json
from collections.abc import Iterable
from typing import Any

from dropin.meeting import USER, Meeting
from dropin.recorded import A_TIME, LAST_RESTARTED, Object
from harness.official_process import NAME_IN_ITS_IMAGE
from harness.waiting import eventually
from harness.world import GROUP, PLURAL

FIRST_WRITE = ("name", "labels", "annotations")


def restore(meeting: Meeting, objects: Iterable[Object]) -> None:
    """Make the objects as they once were made: applied by their user, completed by the official operator, deleted if they were."""
    here = [in_namespace(found, meeting.namespace) for found in objects]
    for found in (each for each in here if each["kind"] != "Secret"):
        apply(meeting, found)
        complete(meeting, found)
    for found in (each for each in here if each["kind"] == "Secret"):
        create_secret(meeting, found)
    for found in (each for each in here if "deletionTimestamp" in each["metadata"]):
        delete(meeting, found)


def in_namespace(found: Object, namespace: str) -> Object:
    """The object with the namespace's name where the recording has a placeholder."""
    return dict(json.loads(json.dumps(found).replace("NAMESPACE", namespace)))


def apply(meeting: Meeting, found: Object) -> None:
    body = copy.deepcopy(found)
    body["metadata"] = {key: value for key, value in body["metadata"].items() if key in FIRST_WRITE}
    body.pop("status", None)
    if body["kind"] == "Deployment":
        template_annotations(body).pop(LAST_RESTARTED, None)
        meeting.observer.apps.create_namespaced_deployment(meeting.namespace, body, field_manager=USER)
        meeting.rollouts(body["metadata"]["name"], 1)
    else:
        meeting.observer.custom.create_namespaced_custom_object(*GROUP, meeting.namespace, PLURAL, body, field_manager=USER)


def complete(meeting: Meeting, found: Object) -> None:
    """Write what the official operator writes: its finalizer, a restart, a condition."""
    name, finalizers = found["metadata"]["name"], {"metadata": {"finalizers": found["metadata"].get("finalizers")}}
    if found["kind"] == "OnePasswordItem":
        where = (*GROUP, meeting.namespace, PLURAL, name)
        meeting.observer.custom.patch_namespaced_custom_object(*where, finalizers, field_manager=NAME_IN_ITS_IMAGE)
        status = {"status": found["status"]}
        meeting.observer.custom.patch_namespaced_custom_object_status(*where, status, field_manager=NAME_IN_ITS_IMAGE)
        return
    if finalizers["metadata"]["finalizers"]:
        meeting.patch_deployment(name, finalizers, manager=NAME_IN_ITS_IMAGE)
    if LAST_RESTARTED in template_annotations(found):
        restart = {"template": {"metadata": {"annotations": {LAST_RESTARTED: A_TIME}}}}
        meeting.patch_deployment(name, {"spec": restart}, manager=NAME_IN_ITS_IMAGE)
        meeting.rollouts(name, 2)


def create_secret(meeting: Meeting, found: Object) -> None:
    body = copy.deepcopy(found)
    for owner in body["metadata"].get("ownerReferences", ()):
        owner["uid"] = meeting.metadata(owner["kind"], owner["name"])["uid"]
    meeting.observer.core.create_namespaced_secret(meeting.namespace, body, field_manager=NAME_IN_ITS_IMAGE)


def delete(meeting: Meeting, found: Object) -> None:
    kind, name = found["kind"], found["metadata"]["name"]
    if kind == "OnePasswordItem":
        meeting.delete_item(name)
    else:
        meeting.delete_deployment(name)
    eventually(lambda: meeting.metadata(kind, name), lambda seen: "deletionTimestamp" in seen, what=f"{kind} {name} to be on its way out")


def template_annotations(deployment: Object) -> dict[str, Any]:
    return dict.setdefault(deployment["spec"]["template"]["metadata"], "annotations", {})
