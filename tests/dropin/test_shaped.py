"""A shaped Secret beside programs that know no shapes: 1Password's own operator, and its CRD."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from controlplane.fixtures import Observer
from controlplane.launcher import ControlPlane
from dropin.chart import CRD
from dropin.fixtures import MakeMeeting
from dropin.meeting import Meeting
from harness.fixtures import worlds
from harness.paths import REPOSITORY
from harness.waiting import eventually

pytestmark = pytest.mark.cluster

OURS = REPOSITORY / "crds" / "onepassworditems.yaml"
SEED: dict[str, Any] = {
    "vaults": [
        {
            "name": "v",
            "items": [
                {"title": "db", "fields": {"username": "canary-user", "password": "canary-1"}},
                {"title": "api", "fields": {"token": "canary-token"}},
                {"title": "pace", "fields": {"password": "canary-pace"}},
            ],
        }
    ]
}
SPEC: dict[str, Any] = {
    "items": [{"itemPath": "vaults/v/items/db", "prefix": "DB_"}, {"itemPath": "vaults/v/items/api"}],
    "exclude": ["*_username"],
}
SPECS = {"shop": SPEC, "named": SPEC | {"target": {"name": "elsewhere"}}}
SECRETS = ("shop", "elsewhere")
FIRST = {"DB_password": b"canary-1", "token": b"canary-token"}
SECOND = FIRST | {"DB_password": b"canary-2"}


def begun(meeting: Meeting) -> Meeting:
    """Both resources in sync, and a Deployment that uses both Secrets."""
    meeting.operator()
    for name, spec in SPECS.items():
        meeting.item(name, spec=spec)
    meeting.wait_ready(*SPECS)
    assert [meeting.data(name) for name in SECRETS] == [FIRST, FIRST]
    meeting.deployment("web", *SECRETS)
    return meeting


def applied(meeting: Meeting, name: str, spec: dict[str, Any]) -> object:
    meeting.patch_item(name, {"spec": spec})
    return meeting.custom(name)["spec"]


def versions(world: Meeting) -> list[str]:
    return [world.secret(name).metadata.resource_version for name in SECRETS]


def test_the_official_operator_neither_fills_the_secret_nor_empties_the_resource(make_meeting: MakeMeeting) -> None:
    """It writes whole resources, without the fields that it does not know; the CRD refuses that."""
    meeting = begun(make_meeting(SEED))
    assert meeting.operators[-1].stop() == 0
    before = versions(meeting)
    meeting.official(AUTO_RESTART="true")
    meeting.item("pace", "vaults/v/items/pace")  # the Secret that its polls are seen by
    eventually(lambda: meeting.data("pace"), bool, what="the Secret of the official operator")
    meeting.connect.edit("v", "db", fields={"password": "canary-2"})
    for _ in range(2):
        meeting.wait_official_polls()
    assert (versions(meeting), {name: meeting.custom(name)["spec"] for name in SPECS}) == (before, SPECS)
    meeting.operator()
    for name in SECRETS:
        meeting.wait_data(name, SECOND)
    meeting.wait_ready(*SPECS)
    meeting.rollouts("web", 2)
    meeting.no_marks()
    before = versions(meeting)
    for _ in range(2):
        meeting.wait_official_polls()
    assert (versions(meeting), meeting.replica_sets("web")) == (before, 2)
    assert not [write for write in meeting.official_writes() if write.split()[-1] in {*SPECS, *SECRETS}]


def test_where_a_crd_drops_the_shape_the_resource_is_refused_and_the_secret_stays_until_it_is_applied_again(tmp_path: Path) -> None:
    with ControlPlane.start(crds=[OURS]) as plane, Observer.connect(plane.admin_kubeconfig) as observer:
        plane.kubectl("apply", "-f", str(REPOSITORY / "deploy" / "rbac.yaml"))
        with worlds(plane, observer, "default", tmp_path, kind=Meeting) as make:
            meeting = begun(make(SEED))
            before = versions(meeting)
            plane.kubectl("apply", "-f", str(CRD))
            for name in SPECS:
                eventually(lambda name=name: meeting.custom(name)["spec"], lambda spec: not spec)  # type: ignore[misc]
            meeting.restart()
            for name in SPECS:
                refused = eventually(partial(meeting.condition, name), lambda ready: ready["status"] == "False")
                assert "itemPath is empty" in refused["message"]
            meeting.connect.edit("v", "db", fields={"password": "canary-2"})
            meeting.connect.wait_polls(2)
            assert (versions(meeting), meeting.secret("named")) == (before, None)
            plane.kubectl("apply", "-f", str(OURS))
            for name, spec in SPECS.items():
                eventually(partial(applied, meeting, name, spec), lambda kept, spec=spec: kept == spec)  # type: ignore[misc]
            for name in SECRETS:
                meeting.wait_data(name, SECOND)
            meeting.wait_ready(*SPECS)
            meeting.rollouts("web", 2)
