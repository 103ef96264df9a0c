"""There and back again, with the real official operator on both sides."""

from functools import partial

import pytest

from dropin import recorded
from dropin.fixtures import MakeMeeting
from dropin.meeting import Meeting
from dropin.scenes import DEPLOYMENT, ITEM, SECRET
from harness.official_process import OfficialProcess
from harness.waiting import eventually

pytestmark = pytest.mark.cluster

ITEMS, DEPLOYMENTS = ("by-title", "typed"), ("user", "annotated-a", "annotated-b", "annotated-template")
ASKING = DEPLOYMENTS[1:]
SECRETS = ("by-title", "typed", "shared", "from-template")


def made_by_the_official_operator(make_meeting: MakeMeeting) -> Meeting:
    """A world in which the official operator has made all Secrets and has been stopped."""
    meeting = make_meeting(recorded.seed_of(()))
    official = meeting.official()
    meeting.apply(*recorded.specs(*ITEMS, *DEPLOYMENTS))
    for secret in SECRETS:
        eventually(partial(meeting.shown, SECRET, secret), bool, what=f"the Secret {secret}")
    for kind, name in [*((ITEM, name) for name in ITEMS), *((DEPLOYMENT, name) for name in ASKING)]:
        eventually(partial(meeting.finalized, kind, name), bool, what=f"the finalizer on {name}")
    for deployment in DEPLOYMENTS:
        meeting.rollouts(deployment, 1)
    settled(meeting, official)
    assert official.stop() == 0
    return meeting


def settled(meeting: Meeting, official: OfficialProcess) -> None:
    """Return when the official operator has looked at everything and polled."""
    for name in (*ITEMS, *DEPLOYMENTS):
        eventually(partial(official.reconciled, name), bool, what=f"a look at {name}")
    meeting.wait_official_polls()


def taken_over(meeting: Meeting) -> None:
    for secret in SECRETS:
        eventually(partial(meeting.annotations, secret), lambda seen: "seal" in seen, what=f"a seal on {secret}")
    for kind, name in [*((ITEM, name) for name in ITEMS), *((DEPLOYMENT, name) for name in ASKING)]:
        eventually(partial(meeting.finalized, kind, name), lambda held: not held, what=f"{name} without the finalizer")
    meeting.wait_ready(*ITEMS)
    meeting.connect.wait_polls(2)


def test_a_swap_and_the_way_back_change_no_data_and_restart_nothing_and_a_shared_secret_keeps_its_owners(make_meeting: MakeMeeting) -> None:
    """The official operator keeps the owners that ours has added, so its own loss of a shared Secret does not happen any more."""
    meeting = made_by_the_official_operator(make_meeting)
    data, rollouts = meeting.all_data(), meeting.all_rollouts()

    ours = meeting.operator(AUTO_RESTART="true")
    taken_over(meeting)
    assert (meeting.all_data(), meeting.all_rollouts()) == (data, rollouts)
    assert ours.stop() == 0
    written = [write for write in meeting.writes() if " secrets " in write]
    assert sorted(written) == sorted(f"update secrets {name}" for name in SECRETS)

    before = len(meeting.official_writes())
    official = meeting.official(AUTO_RESTART="true")
    settled(meeting, official)
    assert (meeting.all_data(), meeting.all_rollouts()) == (data, rollouts)
    written = [write for write in meeting.official_writes()[before:] if " secrets" in write]
    assert len(written) == len(set(written))
    assert set(written) <= {f"update secrets {name}" for name in SECRETS}

    uid = meeting.metadata(SECRET, "shared")["uid"]
    meeting.delete_deployment("annotated-a")
    meeting.wait_gone(DEPLOYMENT, "annotated-a")
    eventually(partial(meeting.owners, "shared"), lambda owners: owners == ["Deployment/annotated-b"], what="one owner")
    assert meeting.metadata(SECRET, "shared")["uid"] == uid


def test_after_ours_has_restarted_pods_the_way_back_restarts_nothing_and_puts_finalizers_only_where_they_were(
    make_meeting: MakeMeeting,
) -> None:
    meeting = made_by_the_official_operator(make_meeting)
    ours = meeting.operator(AUTO_RESTART="true")
    taken_over(meeting)
    meeting.connect.edit("vault-0", "item-00000", fields={"password": "canary-pw-0-2"})
    meeting.connect.edit("vault-0", "item-00002", fields={"password": "canary-pw-2-2"})
    for deployment in ("user", "annotated-a", "annotated-b"):
        meeting.rollouts(deployment, 2)
    meeting.no_marks()
    ours.stop()
    data, rollouts = meeting.all_data(), meeting.all_rollouts()

    official = meeting.official(AUTO_RESTART="true")
    settled(meeting, official)
    assert (meeting.all_data(), meeting.all_rollouts()) == (data, rollouts)
    assert not meeting.finalized(DEPLOYMENT, "user")
    for name in ASKING:
        eventually(partial(meeting.finalized, DEPLOYMENT, name), bool, what=f"the finalizer on {name}")
    meeting.delete_deployment("user")
    meeting.wait_gone(DEPLOYMENT, "user")

    meeting.wait_unchanged_deployments()
    meeting.connect.edit("vault-0", "item-00002", fields={"password": "canary-pw-2-3"})
    for deployment in ("annotated-a", "annotated-b"):
        meeting.rollouts(deployment, 3)
    for item in ITEMS:
        meeting.delete_item(item)
        meeting.wait_gone(ITEM, item)
        meeting.wait_gone(SECRET, item)


def test_keys_that_are_removed_in_1password_disappear_whoever_is_running(make_meeting: MakeMeeting) -> None:
    """Each finds Secrets whose fields belong to the other's field manager."""
    meeting = made_by_the_official_operator(make_meeting)
    ours = meeting.operator()
    taken_over(meeting)
    meeting.connect.edit("vault-0", "item-00000", remove_fields=["host"])
    meeting.connect.edit("vault-0", "item-00002", remove_fields=["host"])
    left = {"f0.txt", "password", "port", "username"}
    for secret in ("by-title", "shared"):
        eventually(partial(meeting.data, secret), lambda data: set(data or ()) == left, what=f"{secret} without host")
    ours.stop()

    official = meeting.official()
    settled(meeting, official)
    meeting.connect.edit("vault-0", "item-00000", remove_fields=["port"])
    meeting.connect.edit("vault-0", "item-00002", remove_fields=["port"])
    left -= {"port"}
    for secret in ("by-title", "shared"):
        eventually(partial(meeting.data, secret), lambda data: set(data or ()) == left, what=f"{secret} without port")
    assert official.stop() == 0

    meeting.connect.edit("vault-0", "item-00000", remove_fields=["username"])
    meeting.operator()
    left -= {"username"}
    eventually(partial(meeting.data, "by-title"), lambda data: set(data or ()) == left, what="by-title without username")
