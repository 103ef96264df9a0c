"""Ours takes over what the official operator has left: without a change of data, without a restart, and without its finalizers."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import pytest

from cluster.world import PREFIX, eventually
from dropin import recorded
from dropin.fixtures import MakeMeeting
from dropin.meeting import Meeting
from dropin.restore import restore
from dropin.scenes import DEPLOYMENT, ITEM, SECRET
from faults.kube_proxy import Respond, Rule

pytestmark = pytest.mark.cluster

WITH_SECRETS = ["01-synced", "03-typed", "04-annotated-deployments", "05-after-rotation-and-restart", "07-enable-annotations"]
SYNCED, ANNOTATED, DELETED = "01-synced", "04-annotated-deployments", "06-deleted-while-it-was-away"


def left_by_the_official_operator(make_meeting: MakeMeeting, objects: list[recorded.Object], **newer: int) -> Meeting:
    """A world with the objects; 1Password holds what their Secrets say, or a newer version of the items with these titles' numbers."""
    seed = recorded.seed_of(objects)
    for vault in seed["vaults"]:
        for item in vault["items"]:
            item["version"] = newer.get("item" + item["title"][-1], item["version"])
            item["fields"]["password"] = recorded.password(item["fields"]["password"], item["version"])
    meeting = make_meeting(seed)
    restore(meeting, objects)
    return meeting


def named(objects: Iterable[recorded.Object], *kinds: str) -> list[tuple[str, str]]:
    """Kind and name of the objects of these kinds."""
    return [(found["kind"], found["metadata"]["name"]) for found in objects if found["kind"] in kinds]


def wait_adopted(meeting: Meeting, objects: Iterable[recorded.Object]) -> None:
    """Return when ours has signed the Secrets, and no object carries the official finalizer."""
    for kind, name in named(objects, ITEM, SECRET, DEPLOYMENT):
        if kind == SECRET:
            eventually(partial(meeting.annotations, name), lambda seen: "seal" in seen, what=f"a seal on {name}")
        else:
            eventually(partial(meeting.finalized, kind, name), lambda held: not held, what=f"{kind} {name} without the finalizer")
        if kind == ITEM:
            meeting.wait_ready(name)


def writes_to(meeting: Meeting, *what: str) -> list[str]:
    """Ours' writes to these resources, in order."""
    return [write for write in meeting.writes() if write.split()[1] in what]


@pytest.mark.parametrize("state", WITH_SECRETS)
def test_what_is_right_is_adopted_without_a_change_and_without_a_restart(make_meeting: MakeMeeting, state: str) -> None:
    objects = recorded.state(state)
    meeting = left_by_the_official_operator(make_meeting, objects)
    data, rollouts, uids = (
        meeting.all_data(),
        meeting.all_rollouts(),
        {name: meeting.secret(name).metadata.uid for name in meeting.all_data()},
    )
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


@pytest.mark.parametrize("state", WITH_SECRETS)
def test_a_second_look_writes_nothing(make_meeting: MakeMeeting, state: str) -> None:
    objects = recorded.state(state)
    meeting = left_by_the_official_operator(make_meeting, objects)
    first = meeting.operator()
    wait_adopted(meeting, objects)
    meeting.connect.wait_polls(2)
    first.stop()
    so_far = len(meeting.writes())
    meeting.operator()
    meeting.connect.wait_polls(2)
    assert meeting.writes()[so_far:] == []


def test_a_failed_resource_is_told_why_and_let_go_at_once(make_meeting: MakeMeeting) -> None:
    """There is no Secret to be handed over first."""
    meeting = left_by_the_official_operator(make_meeting, recorded.state("02-failed"))
    meeting.operator()
    assert meeting.wait_reason("bad", "ItemNotFound")["status"] == "False"
    eventually(partial(meeting.finalized, ITEM, "bad"), lambda held: not held, what="the finalizer to go")
    meeting.delete_item("bad")
    meeting.wait_gone(ITEM, "bad")


@pytest.mark.parametrize("state", [SYNCED, ANNOTATED])
def test_an_item_that_has_moved_on_restarts_each_user_exactly_once(make_meeting: MakeMeeting, state: str) -> None:
    objects = recorded.state(state)
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


def test_after_the_takeover_a_resource_goes_with_its_secret_operator_or_not(make_meeting: MakeMeeting) -> None:
    objects = recorded.state(SYNCED)
    meeting = left_by_the_official_operator(make_meeting, objects)
    operator = meeting.operator()
    wait_adopted(meeting, objects)
    operator.stop()
    meeting.delete_item("by-title")
    meeting.wait_gone(ITEM, "by-title")
    meeting.wait_gone(SECRET, "by-title")


@pytest.mark.parametrize("age", ["recent", "before 1.4.0"])
def test_what_was_deleted_while_it_was_away_goes_at_last(make_meeting: MakeMeeting, age: str) -> None:
    objects = recorded.state(DELETED)
    meeting = left_by_the_official_operator(make_meeting, objects if age == "recent" else recorded.before_1_4_0(objects))
    meeting.operator()
    for kind, name in named(objects, ITEM, DEPLOYMENT, SECRET):
        meeting.wait_gone(kind, name)
    assert "create secrets by-title" not in meeting.writes()


@pytest.mark.parametrize(("state", "kind", "name"), [(SYNCED, ITEM, "by-title"), (ANNOTATED, DEPLOYMENT, "annotated-template")])
def test_a_secret_without_an_owner_gets_one_before_the_finalizer_goes(make_meeting: MakeMeeting, state: str, kind: str, name: str) -> None:
    """Releases before 1.4.0 set none. Without the finalizer and without an owner the Secret would stay for ever."""
    objects = recorded.before_1_4_0(recorded.state(state))
    meeting = left_by_the_official_operator(make_meeting, objects)
    refusal = meeting.proxy.add(Rule(Respond(500), verb={"update", "patch"}, resource="secrets"))
    meeting.operator()
    meeting.connect.wait_polls(3)
    assert refusal.matched > 0
    assert meeting.finalized(kind, name)
    meeting.proxy.remove(refusal)
    wait_adopted(meeting, objects)
    for _, secret in named(objects, SECRET):
        assert meeting.owners(secret), secret


def test_a_deletion_waits_for_the_owner_too(make_meeting: MakeMeeting) -> None:
    objects = recorded.before_1_4_0(recorded.state(DELETED))
    meeting = left_by_the_official_operator(make_meeting, objects)
    refusal = meeting.proxy.add(Rule(Respond(500), verb={"update", "patch"}, resource="secrets"))
    meeting.operator()
    meeting.connect.wait_polls(3)
    assert refusal.matched > 0
    assert meeting.finalized(ITEM, "by-title")
    assert meeting.finalized(DEPLOYMENT, "annotated-template")
    meeting.proxy.remove(refusal)
    for kind, name in named(objects, ITEM, DEPLOYMENT, SECRET):
        meeting.wait_gone(kind, name)


def test_a_deployment_that_asks_no_more_is_let_go_at_once(make_meeting: MakeMeeting) -> None:
    objects = recorded.state("08-annotations-removed")
    meeting = left_by_the_official_operator(make_meeting, objects)
    meeting.delete_deployment("annotated-b")
    assert meeting.finalized(DEPLOYMENT, "annotated-b")
    meeting.operator()
    meeting.wait_gone(DEPLOYMENT, "annotated-b")


def foreign(objects: list[recorded.Object], metadata: dict[str, Any]) -> list[recorded.Object]:
    """The state with a Secret of the name that the official operator has not made."""
    for found in objects:
        if found["kind"] == SECRET:
            found["metadata"] = {"name": found["metadata"]["name"], **metadata}
            found["data"] = {"mine": "bWluZQ=="}
    return objects


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({}, id="without its marks"),
        pytest.param({"annotations": {PREFIX + "item-version": "1"}}, id="with one of its two marks"),
    ],
)
def test_a_secret_that_it_did_not_make_is_left_alone_and_the_resource_let_go(make_meeting: MakeMeeting, metadata: dict[str, Any]) -> None:
    """The official operator would have deleted it with the resource."""
    objects = recorded.state(SYNCED)
    seed = recorded.seed_of(objects)
    meeting = make_meeting(seed)
    restore(meeting, foreign(objects, metadata))
    before = meeting.secret("by-title").metadata.resource_version
    meeting.operator()
    meeting.wait_reason("by-title", "TargetNotOwned")
    eventually(partial(meeting.finalized, ITEM, "by-title"), lambda held: not held, what="the finalizer to go")
    meeting.delete_item("by-title")
    meeting.wait_gone(ITEM, "by-title")
    meeting.connect.wait_polls(2)
    assert meeting.secret("by-title").metadata.resource_version == before


def test_a_secret_that_somebody_else_owns_is_left_alone_in_spite_of_the_marks(make_meeting: MakeMeeting) -> None:
    objects = recorded.before_1_4_0(recorded.state(SYNCED))
    meeting = left_by_the_official_operator(make_meeting, objects)
    owner = meeting.metadata(DEPLOYMENT, "user")
    reference = {"apiVersion": "apps/v1", "kind": DEPLOYMENT, "name": "user", "uid": owner["uid"]}
    meeting.patch_secret("by-title", {"metadata": {"ownerReferences": [reference]}})
    before = meeting.secret("by-title").metadata.resource_version
    meeting.operator()
    meeting.wait_reason("by-title", "TargetNotOwned")
    meeting.connect.wait_polls(2)
    assert meeting.secret("by-title").metadata.resource_version == before


@pytest.mark.parametrize("age", ["recent", "before 1.4.0"])
@pytest.mark.parametrize("state", [SYNCED, ANNOTATED])
def test_an_item_that_is_gone_takes_nothing_along(make_meeting: MakeMeeting, state: str, age: str) -> None:
    """The official operator has only logged it. The Secret stays as it is, and goes with whoever asked for it, not before."""
    objects = recorded.state(state) if age == "recent" else recorded.before_1_4_0(recorded.state(state))
    meeting = left_by_the_official_operator(make_meeting, objects)
    for vault, item in (("vault-0", "item-00000"), ("vault-0", "item-00002"), ("vault-1", "item-00003")):
        meeting.connect.admin("DELETE", "vaults", vault, "items", item)
    data = meeting.all_data()
    operator = meeting.operator()
    for kind, name in named(objects, ITEM, DEPLOYMENT):
        eventually(partial(meeting.finalized, kind, name), lambda held: not held, what=f"{kind} {name} without the finalizer")
    for _, name in named(objects, SECRET):
        assert meeting.owners(name), name
    assert meeting.all_data() == data
    operator.stop()
    for kind, name in named(objects, ITEM, DEPLOYMENT):
        if kind == ITEM:
            meeting.delete_item(name)
        else:
            meeting.delete_deployment(name)
    for kind, name in named(objects, SECRET):
        meeting.wait_gone(kind, name)


@pytest.mark.parametrize("age", ["recent", "before 1.4.0"])
def test_a_deletion_does_not_wait_for_1password(make_meeting: MakeMeeting, age: str) -> None:
    objects = recorded.state(DELETED)
    meeting = left_by_the_official_operator(make_meeting, objects if age == "recent" else recorded.before_1_4_0(objects))
    meeting.connect.faults({"action": "down"})
    meeting.operator(ready=False)
    for kind, name in named(objects, ITEM, DEPLOYMENT, SECRET):
        meeting.wait_gone(kind, name)


def test_a_namespace_goes_with_what_the_official_operator_left_in_it(make_meeting: MakeMeeting) -> None:
    meeting = make_meeting(recorded.seed_of(()))
    for state in (SYNCED, "02-failed", "03-typed", ANNOTATED):
        restore(meeting, recorded.state(state))
    meeting.operator()
    meeting.observer.core.delete_namespace(meeting.namespace)
    eventually(partial(exists, meeting), lambda there: not there, timeout=40, what="the namespace to go")
    meeting.observer.core.create_namespace({"metadata": {"name": meeting.namespace}})  # the fixture takes it away again


def exists(meeting: Meeting) -> bool:
    """Whether the test's namespace exists."""
    return meeting.namespace in {found.metadata.name for found in meeting.observer.core.list_namespace().items}
