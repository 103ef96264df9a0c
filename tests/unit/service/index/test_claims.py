"""Who asks for what, and who uses it."""

import dataclasses
from typing import Any

import pytest

from onepassword_operator.model import names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import ObservedSecret, OwnerReference, SecretKey
from onepassword_operator.model.target import Claim, ObjectRef
from onepassword_operator.model.workload import Workload
from onepassword_operator.rules.secret import owners as rules
from onepassword_operator.rules.secret.owners import CoOwners
from onepassword_operator.service.index.claims import ClaimIndex
from onepassword_operator.wire.workload import from_dict
from unit.rules import samples

KEY = samples.CLAIM.key
OTHER_KEY = SecretKey("team", "other")
RESOURCE = samples.CLAIM
READY = Condition(type="Ready", status="True", reason="Synced", message="", last_transition_time="", observed_generation=1)


def deployment(
    name: str, *uses: str, asks: str = "", uid: str = "", version: str = "5", terminating: bool = False, finalizers: tuple[str, ...] = ()
) -> Workload:
    annotations = {names.ITEM_NAME: asks, names.ITEM_PATH: RESOURCE.item_path} if asks else {}
    metadata: dict[str, Any] = {
        "namespace": "team",
        "name": name,
        "uid": uid or f"{name}-uid",
        "resourceVersion": version,
        "annotations": annotations | {"note": "x"},
        "finalizers": list(finalizers),
    }
    if terminating:
        metadata["deletionTimestamp"] = "2024-01-01T00:00:00Z"
    pod = {"imagePullSecrets": [{"name": secret} for secret in uses]}
    return from_dict({"metadata": metadata, "spec": {"template": {"spec": pod}}})


def claim_of(workload: Workload) -> Claim:
    assert workload.claim
    return workload.claim


@pytest.fixture
def index() -> ClaimIndex:
    return ClaimIndex()


class TestClaims:
    def test_a_claim_takes_the_place_of_what_its_object_asked_before(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        index.put(samples.claim(uid="namesake", item_path="vaults/a/items/b"))
        assert [claim.uid for claim in index.of(KEY)] == ["namesake"]
        assert len(index) == 1

    def test_several_may_ask_for_one_secret(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        index.put_workload(deployment("api", asks="db"))
        assert [claim.kind for claim in index.of(KEY)] == ["OnePasswordItem", "Deployment"]
        assert index.resource(KEY) == RESOURCE
        assert len(index) == 1  # resources

    def test_who_is_being_deleted_asks_but_does_not_count(self, index: ClaimIndex) -> None:
        index.put(samples.claim(terminating=True))
        index.put_workload(deployment("api", asks="db"))
        assert [claim.name for claim in index.alive(KEY)] == ["api"]
        assert len(index.of(KEY)) == 2

    def test_a_claim_that_is_removed_leaves_the_others(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        index.put_workload(deployment("api", asks="db"))
        index.remove(RESOURCE)
        assert (KEY in index, index.resource(KEY), len(index)) == (True, None, 0)
        index.remove(claim_of(deployment("api", asks="db")))
        assert (KEY in index, index.of(KEY)) == (False, ())

    def test_a_namesake_goes_on_asking_when_its_predecessor_is_removed(self, index: ClaimIndex) -> None:
        """Who looked for the predecessor and found it gone may be told after the watch has shown the namesake."""
        index.put(samples.claim(uid="namesake"))
        index.remove(RESOURCE)
        assert [claim.uid for claim in index.of(KEY)] == ["namesake"]
        assert len(index) == 1

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

    def test_removing_what_is_not_there_is_nothing(self, index: ClaimIndex) -> None:
        index.remove(RESOURCE)
        index.put_workload(deployment("api", asks="db"))
        index.remove(RESOURCE)
        assert (len(index), KEY in index) == (0, True)

    def test_only_resources_are_listed_as_resources(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        index.put_workload(deployment("api", asks="other"))
        assert index.resource_keys() == {KEY}

    def test_objects_are_found_by_kind_and_name(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        index.put_workload(deployment("db", "x"))
        assert index.holder(RESOURCE.ref) == RESOURCE
        found = index.holder(ObjectRef("Deployment", "team", "db"))
        assert isinstance(found, Workload)
        assert index.holder(ObjectRef("Deployment", "team", "none")) is None
        assert index.holder(ObjectRef("OnePasswordItem", "team", "none")) is None


class TestWorkloads:
    def test_one_that_neither_uses_nor_asks_nor_is_held_up_is_not_kept(self, index: ClaimIndex) -> None:
        index.put_workload(deployment("api"))
        assert index.workloads() == set()
        index.put_workload(deployment("api", finalizers=(names.OFFICIAL_FINALIZER,)))
        assert index.workloads() == {ObjectRef("Deployment", "team", "api")}

    def test_annotations_are_not_kept(self, index: ClaimIndex) -> None:
        index.put_workload(deployment("api", "db"))
        held = index.workload(ObjectRef("Deployment", "team", "api"))
        assert held
        assert not held.annotations
        assert not held.template_annotations
        assert held.secrets == {"db"}

    def test_what_it_asks_and_uses_now_replaces_what_it_did_before(self, index: ClaimIndex) -> None:
        index.put_workload(deployment("api", "x", asks="db"))
        index.put_workload(deployment("api", "y", asks="other"))
        assert (KEY in index, OTHER_KEY in index) == (False, True)
        assert owners(index, using="x") == ()
        assert owners(index, using="y") == ("api",)

    def test_one_that_is_gone_leaves_nothing(self, index: ClaimIndex) -> None:
        index.put_workload(deployment("api", "x", asks="db"))
        index.put_workload(deployment("web", "x"))
        index.remove_workload(ObjectRef("Deployment", "team", "api"))
        index.remove_workload(ObjectRef("Deployment", "team", "none"))
        assert (KEY in index, owners(index, using="x")) == (False, ("web",))


def owners(index: ClaimIndex, *, using: str) -> tuple[str, ...]:
    """Which Deployments own a Secret that some workload asked for."""
    winner = samples.claim(key=SecretKey("team", using), kind="Deployment", name="ruler", uid="ruler-uid")
    return tuple(user.name for user in co_owners(index, winner, observed=None).users)


def co_owners(index: ClaimIndex, winner: Claim, *sharing: Claim, observed: ObservedSecret | None) -> CoOwners:
    return rules.co_owners(winner, sharing, observed=observed, interested=index.interested(winner.key))


def secret(*owners: OwnerReference, **annotations: str) -> ObservedSecret:
    """A Secret with these owners."""
    return ObservedSecret(
        key=KEY,
        uid="s",
        resource_version=1,
        type="Opaque",
        labels={},
        annotations={names.PREFIX + name.replace("_", "-"): value for name, value in annotations.items()},
        owners=owners,
        finalizers=(),
        data={},
    )


class TestCoOwners:
    def test_a_secret_of_resources_has_no_deployments_among_its_owners(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        index.put_workload(deployment("api", "db"))
        stale = deployment("old").owner_reference
        assert co_owners(index, RESOURCE, observed=secret(stale)) == CoOwners()

    @pytest.mark.parametrize("of", ["resource", "deployment"])
    def test_a_secret_that_a_workload_asked_for_belongs_to_all_who_use_it(self, index: ClaimIndex, of: str) -> None:
        asking = claim_of(deployment("api", asks="db"))
        index.put(RESOURCE)
        for workload in (deployment("api", asks="db"), deployment("web", "db"), deployment("cron", "db"), deployment("no", "x")):
            index.put_workload(workload)
        winner, sharing = (RESOURCE, asking) if of == "resource" else (asking, RESOURCE)
        found = co_owners(index, winner, sharing, observed=None)
        assert found.claims == (sharing,)
        assert [user.name for user in found.users] == ["cron", "web"]

    def test_who_asks_for_another_item_under_the_name_is_no_user(self, index: ClaimIndex) -> None:
        """It is refused, and would be an owner by the back door."""
        winner = claim_of(deployment("api", asks="db"))
        index.put_workload(deployment("api", asks="db"))
        index.put_workload(deployment("web", "db", asks="db"))
        assert co_owners(index, winner, observed=None).users == ()

    def test_who_is_being_deleted_is_no_user(self, index: ClaimIndex) -> None:
        winner = claim_of(deployment("api", asks="db"))
        index.put_workload(deployment("api", asks="db"))
        index.put_workload(deployment("web", "db", terminating=True))
        assert co_owners(index, winner, observed=None).users == ()

    def test_deployments_that_neither_ask_nor_use_are_idle_owners(self, index: ClaimIndex) -> None:
        winner = claim_of(deployment("api", asks="db"))
        for workload in (deployment("api", asks="db"), deployment("web", "db"), deployment("off", "x")):
            index.put_workload(workload)
        foreign = OwnerReference(kind="Deployment", name="theirs", uid="theirs-uid", api_version="example.com/v1")
        held = [deployment(name).owner_reference for name in ("api", "web", "off", "gone")]
        found = co_owners(index, winner, observed=secret(*held, RESOURCE.owner_reference, foreign))
        assert found.idle == {"off-uid", "gone-uid"}

    def test_when_no_workload_asks_any_more_deployments_are_idle_owners(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        index.put_workload(deployment("web", "db"))
        index.put_workload(deployment("refused", asks="db"))
        held = [deployment(name).owner_reference for name in ("web", "off", "refused")]
        found = co_owners(index, RESOURCE, observed=secret(*held, item_name="db"))
        assert found == CoOwners(idle=frozenset({"web-uid", "off-uid"}))

    def test_the_users_of_another_namespace_are_none_of_its(self, index: ClaimIndex) -> None:
        winner = claim_of(deployment("api", asks="db"))
        index.put_workload(dataclasses.replace(deployment("web", "db"), namespace="elsewhere"))
        assert co_owners(index, winner, observed=None).users == ()


class TestAnswers:
    def test_the_conditions_of_an_answer_count(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        written = samples.claim(conditions=(READY,), resource_version=9)
        index.note_written(written)
        assert index.resource(KEY) == written

    def test_a_new_demand_in_an_answer_is_the_watchs_to_tell(self, index: ClaimIndex) -> None:
        index.put(RESOURCE)
        index.note_written(samples.claim(conditions=(READY,), resource_version=9, item_path="vaults/a/items/new", generation=3))
        assert index.resource(KEY) == samples.claim(conditions=(READY,))

    @pytest.mark.parametrize("answer", [samples.claim(uid="namesake", resource_version=9), samples.claim(resource_version=4)])
    def test_an_answer_about_a_namesake_or_of_yesterday_does_not_count(self, index: ClaimIndex, answer: Claim) -> None:
        index.put(RESOURCE)
        index.note_written(dataclasses.replace(answer, conditions=(READY,)))
        assert index.resource(KEY) == RESOURCE

    def test_an_answer_about_an_object_that_is_gone_does_not_count(self, index: ClaimIndex) -> None:
        index.note_written(RESOURCE)
        index.note_finalizer_removed(RESOURCE.ref, RESOURCE.uid, resource_version=9)
        assert KEY not in index

    def test_a_resource_that_was_released_is_not_held_up_any_more(self, index: ClaimIndex) -> None:
        index.put(samples.claim(finalizers=("theirs", names.OFFICIAL_FINALIZER)))
        index.note_finalizer_removed(RESOURCE.ref, RESOURCE.uid, resource_version=9)
        held = index.resource(KEY)
        assert held
        assert (held.finalizers, held.resource_version) == (("theirs",), 5)  # whatever else changed, the watch tells

    def test_a_deployment_that_was_released_is_not_held_up_either_and_its_claim_neither(self, index: ClaimIndex) -> None:
        index.put_workload(deployment("api", "x", asks="db", finalizers=(names.OFFICIAL_FINALIZER, "theirs")))
        source = ObjectRef("Deployment", "team", "api")
        index.note_finalizer_removed(source, "api-uid", resource_version=5)
        held = index.workload(source)
        assert held
        assert held.finalizers == ("theirs",)
        assert [claim.finalizers for claim in index.of(KEY)] == [("theirs",)]
        assert owners(index, using="x") == ("api",)

    def test_a_deployment_that_only_was_held_up_is_forgotten(self, index: ClaimIndex) -> None:
        index.put_workload(deployment("api", finalizers=(names.OFFICIAL_FINALIZER,)))
        index.note_finalizer_removed(ObjectRef("Deployment", "team", "api"), "api-uid", resource_version=6)
        assert index.workloads() == set()

    @pytest.mark.parametrize(("uid", "version"), [("namesake", 9), (RESOURCE.uid, 4)])
    def test_a_release_of_a_namesake_or_before_the_finalizer_came_back_does_not_count(
        self, index: ClaimIndex, uid: str, version: int
    ) -> None:
        held = samples.claim(finalizers=(names.OFFICIAL_FINALIZER,))
        index.put(held)
        index.note_finalizer_removed(RESOURCE.ref, uid, resource_version=version)
        assert index.resource(KEY) == held
