"""Who asks for what, and who uses it."""

import dataclasses
from typing import Any

import pytest

from onepassword_operator.model import names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import ObservedSecret, OwnerReference, SecretKey
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.model.workload_kind import DEPLOYMENT
from onepassword_operator.rules.secret import owners
from onepassword_operator.service.index.claims import ClaimIndex
from onepassword_operator.service.index.served_kinds import ServedKinds
from onepassword_operator.wire.workload import from_dict
from unit.rules import samples

KEY = samples.CLAIM.key
RESOURCE = samples.CLAIM
READY = Condition(type="Ready", status="True", reason="Synced", message="", last_transition_time="", observed_generation=1)


def deployment(name: str, *uses: str, asks: str = "", finalizers: tuple[str, ...] = ()) -> Workload:
    annotations = {names.ITEM_NAME: asks, names.ITEM_PATH: RESOURCE.item_path} if asks else {}
    metadata: dict[str, Any] = {
        "namespace": "team",
        "name": name,
        "uid": f"{name}-uid",
        "resourceVersion": "5",
        "annotations": annotations | {"note": "x"},
        "finalizers": list(finalizers),
    }
    pod = {"imagePullSecrets": [{"name": secret} for secret in uses]}
    return from_dict({"metadata": metadata, "spec": {"template": {"spec": pod}}})


@pytest.fixture
def index() -> ClaimIndex:
    return ClaimIndex(ServedKinds([DEPLOYMENT]))


class TestClaims:
    def test_a_namesake_goes_on_asking_when_its_predecessor_is_removed(self, index: ClaimIndex) -> None:
        """Who looked for the predecessor and found it gone may be told after the watch has shown the namesake."""
        index.put(samples.claim(uid="namesake"))
        index.remove(RESOURCE)
        assert ([claim.uid for claim in index.of(KEY)], len(index)) == (["namesake"], 1)

    def test_one_of_many_is_put_without_going_through_all(self, index: ClaimIndex, monkeypatch: pytest.MonkeyPatch) -> None:
        """Thousands of Deployments of one template may ask for one Secret, and each step of each rollout is an event."""
        looked_at: list[str] = []

        def ref(claim: Claim) -> ObjectRef:
            looked_at.append(claim.name)
            return ObjectRef(claim.kind, claim.key.namespace, claim.name)

        monkeypatch.setattr(Claim, "ref", property(ref))
        for number in range(100):
            index.put_workload(deployment(f"web-{number}", asks="db"))
        assert len(index.of(KEY)) == 100
        assert len(looked_at) <= 300


def test_resources_are_counted_by_reasons_that_are_known_beforehand_whatever_their_statuses_say(index: ClaimIndex) -> None:
    """Anybody with a right to the status may write any reason there, and each would be a series of its own."""
    for number, reason in enumerate(["Synced", "Synced", "Suspended", "ItemNotFound", "Made up", "", None]):
        conditions = (dataclasses.replace(READY, reason=reason),) if reason is not None else ()
        index.put(samples.claim(key=SecretKey("team", f"db-{number}"), name=f"db-{number}", uid=str(number), conditions=conditions))
    index.put_workload(deployment("api", asks="of-a-deployment"))
    counts = index.count_by_reason()
    assert {reason: count for reason, count in counts.items() if count} == {"Synced": 2, "Suspended": 1, "ItemNotFound": 1, "Other": 3}
    assert {"Frozen", "FieldsSkipped", "OnePasswordUnavailable", "SecretInvalid", "TargetNotOwned"} < counts.keys()
    assert len(counts) < 50


class TestWorkloads:
    def test_annotations_are_not_kept(self, index: ClaimIndex) -> None:
        index.put_workload(deployment("api", "db"))
        held = index.workload(ObjectRef("Deployment", "team", "api"))
        assert held
        assert not held.annotations
        assert not held.template_annotations
        assert held.secrets == {"db"}


def users(index: ClaimIndex) -> list[str]:
    """Which Deployments own the Secret because they use it."""
    winner = samples.claim(kind="Deployment", name="api", uid="api-uid")
    return [user.name for user in owners.co_owners(winner, [], observed=None, interested=index.interested(KEY)).users]


def secret(*references: OwnerReference) -> ObservedSecret:
    members: dict[str, Any] = {"type": "Opaque", "labels": {}, "annotations": {names.ITEM_NAME: "db"}, "finalizers": (), "data": {}}
    return ObservedSecret(key=KEY, uid="s", resource_version=1, owners=references, **members)


class TestUsers:
    def test_who_asks_for_another_item_under_the_name_is_no_user(self, index: ClaimIndex) -> None:
        """It is refused, and would be an owner by the back door."""
        index.put_workload(deployment("api", asks="db"))
        index.put_workload(deployment("web", "db", asks="db"))
        index.put_workload(deployment("cron", "db"))
        assert users(index) == ["cron"]

    def test_when_no_workload_asks_any_more_deployments_are_idle_owners(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        index.put_workload(deployment("web", "db"))
        index.put_workload(deployment("refused", asks="db"))
        held = secret(*(deployment(name).owner_reference for name in ("web", "off", "refused")))
        found = owners.co_owners(RESOURCE, [], observed=held, interested=index.interested(KEY))
        assert found == owners.CoOwners(idle=frozenset({"web-uid", "off-uid"}))

    def test_a_resource_that_asks_for_another_secret_now_has_moved_and_a_namesake_or_workload_has_not(self, index: ClaimIndex) -> None:
        elsewhere = samples.claim(name="moved", uid="moved-uid", key=SecretKey(KEY.namespace, "elsewhere"))
        index.put(RESOURCE)
        index.put(elsewhere)
        index.put_workload(deployment("api", asks="elsewhere"))
        namesake, api = dataclasses.replace(elsewhere.owner_reference, uid="gone"), deployment("api").owner_reference
        owning = [RESOURCE.owner_reference, elsewhere.owner_reference, namesake, api]
        assert index.interested(KEY, owning).moved == {"moved-uid"}


class TestAnswers:
    @pytest.mark.parametrize("answer", [samples.claim(uid="namesake", resource_version=9), samples.claim(resource_version=4)])
    def test_an_answer_about_a_namesake_or_of_yesterday_does_not_count(self, index: ClaimIndex, answer: Claim) -> None:
        index.put(RESOURCE)
        index.note_written(dataclasses.replace(answer, conditions=(READY,)))
        assert index.resource(RESOURCE.ref) == RESOURCE

    def test_a_resource_that_was_released_is_not_held_up_any_more(self, index: ClaimIndex) -> None:
        index.put(samples.claim(finalizers=("theirs", names.OFFICIAL_FINALIZER)))
        index.note_finalizer_removed(RESOURCE.ref, RESOURCE.uid, resource_version=9)
        held = index.resource(RESOURCE.ref)
        assert held
        assert (held.finalizers, held.resource_version) == (("theirs",), 5)  # whatever else changed, the watch tells

    def test_a_deployment_that_was_released_is_not_held_up_either_and_its_claim_neither(self, index: ClaimIndex) -> None:
        index.put_workload(deployment("cron", "db", asks="other", finalizers=(names.OFFICIAL_FINALIZER, names.ORPHAN_FINALIZER)))
        source = ObjectRef("Deployment", "team", "cron")
        index.note_finalizer_removed(source, "cron-uid", resource_version=5)
        held = index.workload(source)
        assert held
        assert held.finalizers == (names.ORPHAN_FINALIZER,)
        assert [claim.finalizers for claim in index.of(SecretKey("team", "other"))] == [(names.ORPHAN_FINALIZER,)]
        assert users(index) == ["cron"]
