"""The official operator's finalizers go, and with them nothing that is still needed: an ownerReference comes first."""

import shlex
from collections.abc import Callable
from functools import partial

import pytest

from dropin import recorded
from dropin.fixtures import MakeMeeting
from dropin.meeting import FINALIZER, Meeting
from dropin.scenes import DEPLOYMENT, ITEM, SECRET
from dropin.takeover import ANNOTATED, DELETED, SYNCED, left_by_the_official_operator, named, together, wait_adopted
from harness.paths import REPOSITORY
from harness.proxy.rules import Respond, Rule
from harness.waiting import eventually

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("deleted", [False, True], ids=["in use", "being deleted"])
def test_a_secret_without_an_owner_gets_one_before_the_finalizer_goes(make_meeting: MakeMeeting, *, deleted: bool) -> None:
    """Releases before 1.4.0 set none. Without the finalizer and without an owner the Secret would stay for ever."""
    objects = recorded.before_1_4_0(recorded.state(DELETED) if deleted else together(SYNCED, ANNOTATED))
    meeting = left_by_the_official_operator(make_meeting, objects)
    refusal = meeting.proxy.add(Rule(Respond(500), verb={"update", "patch"}, resource="secrets"))
    meeting.operator()
    meeting.connect.wait_polls(3)
    assert refusal.matched > 0
    assert meeting.finalized(ITEM, "by-title")
    assert meeting.finalized(DEPLOYMENT, "annotated-template")
    meeting.proxy.remove(refusal)
    if deleted:
        wait_all_gone(meeting, objects)
        return
    wait_adopted(meeting, objects)
    for _, secret in named(objects, SECRET):
        assert meeting.owners(secret), secret


def wait_all_gone(meeting: Meeting, objects: list[recorded.Object]) -> None:
    for kind, name in named(objects, ITEM, DEPLOYMENT, SECRET):
        meeting.wait_gone(kind, name)


AGES: dict[str, Callable[[list[recorded.Object]], list[recorded.Object]]] = {"recent": list, "before 1.4.0": recorded.before_1_4_0}


@pytest.mark.parametrize("reachable", [True, False], ids=["", "while 1Password is away"])
@pytest.mark.parametrize("age", AGES)
def test_what_was_deleted_while_it_was_away_goes_at_last(make_meeting: MakeMeeting, age: str, *, reachable: bool) -> None:
    objects = AGES[age](recorded.state(DELETED))
    meeting = left_by_the_official_operator(make_meeting, objects)
    if not reachable:
        meeting.connect.faults({"action": "down"})
    meeting.operator(ready=reachable)
    wait_all_gone(meeting, objects)
    assert "create secrets by-title" not in meeting.writes()


@pytest.mark.official("annotation removed from a Deployment")
def test_a_deployment_that_asks_no_more_is_let_go_at_once(make_meeting: MakeMeeting) -> None:
    objects = recorded.state("08-annotations-removed")
    meeting = left_by_the_official_operator(make_meeting, objects)
    meeting.delete_deployment("annotated-b")
    assert meeting.finalized(DEPLOYMENT, "annotated-b")
    meeting.operator()
    meeting.wait_gone(DEPLOYMENT, "annotated-b")


def test_after_the_takeover_cascade_orphan_leaves_the_secret(make_meeting: MakeMeeting) -> None:
    """The official operator deletes it all the same."""
    objects = recorded.state(SYNCED)
    meeting = left_by_the_official_operator(make_meeting, objects)
    meeting.operator()
    wait_adopted(meeting, objects)
    before = meeting.data("by-title")
    delete_and_orphan(meeting)
    meeting.wait_gone(ITEM, "by-title")
    meeting.connect.wait_polls(3)
    assert (meeting.owners("by-title"), meeting.data("by-title")) == ([], before)


def test_cascade_orphan_before_the_takeover_is_not_understood(make_meeting: MakeMeeting) -> None:
    """Kubernetes has taken its mark and the ownerReference away before anybody looks; what is left looks older than 1.4.0."""
    meeting = left_by_the_official_operator(make_meeting, recorded.state(SYNCED))
    delete_and_orphan(meeting)
    eventually(lambda: meeting.metadata(ITEM, "by-title")["finalizers"], lambda left: left == [FINALIZER], what="the orphaning")
    assert meeting.owners("by-title") == []
    meeting.operator()
    meeting.wait_gone(ITEM, "by-title")
    meeting.wait_gone(SECRET, "by-title")


def delete_and_orphan(meeting: Meeting) -> None:
    meeting.plane.kubectl("-n", meeting.namespace, "delete", "opi", "by-title", "--cascade=orphan", "--wait=false")


def test_a_namespace_goes_with_what_the_official_operator_left_in_it(make_meeting: MakeMeeting) -> None:
    meeting = left_by_the_official_operator(make_meeting, together(SYNCED, "02-failed", "03-typed", ANNOTATED))
    meeting.operator()
    meeting.observer.core.delete_namespace(meeting.namespace)
    eventually(partial(exists, meeting), lambda there: not there, timeout=40, what="the namespace to go")
    meeting.observer.core.create_namespace({"metadata": {"name": meeting.namespace}})  # the fixture takes it away again


def exists(meeting: Meeting) -> bool:
    return meeting.namespace in {found.metadata.name for found in meeting.observer.core.list_namespace().items}


def test_the_command_of_the_migration_page_lists_the_finalizers_that_are_left(make_meeting: MakeMeeting) -> None:
    page = (REPOSITORY / "docs" / "migration.md").read_text()
    [command] = [line.strip() for line in page.splitlines() if line.startswith("    kubectl get opi,deployments -A -o jsonpath=")]
    objects = together(SYNCED, ANNOTATED)
    meeting = left_by_the_official_operator(make_meeting, objects)
    expected = [(kind, f"{meeting.namespace}/{name}") for kind, name in named(objects, ITEM, DEPLOYMENT) if meeting.finalized(kind, name)]

    def listed() -> list[tuple[str, str]]:
        lines = [line.split() for line in meeting.plane.kubectl(*shlex.split(command)[1:]).splitlines()]
        assert all(line[2] == f'["{FINALIZER}"]' for line in lines if f"{meeting.namespace}/" in line[1])
        return sorted((line[0], line[1]) for line in lines if f"{meeting.namespace}/" in line[1])

    assert listed() == sorted(expected)
    meeting.operator()
    wait_adopted(meeting, objects)
    assert listed() == []
