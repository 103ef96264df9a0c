"""What is written, to which Secrets, and when a restart is owed."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.errors import MetadataTooLargeError, TargetImmutableError, TypeImmutableError, TypeNotAllowedError
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.outcome import Change
from onepassword_operator.model.recipe import Part, Recipe, Shape
from onepassword_operator.model.secret import DesiredSecret, ObservedSecret, OwnerReference
from onepassword_operator.model.target import Claim, Rendering
from onepassword_operator.model.workload import RestartMark
from onepassword_operator.rules.secret import secret_plan
from onepassword_operator.rules.secret.owners import CoOwners
from onepassword_operator.rules.secret.seal import Sealer, Verdict
from unit.rules import samples
from unit.rules.samples import CLAIM, DATA, HELD, NEXT, NOW, OTHER_SEALER, REVISION, SEALER

OLD = Revisions((Revision("v", "i", 2),))
CONTENT = secret_plan.Content(revisions=HELD, data=DATA)
CONTEXT = secret_plan.Context(sealer=SEALER, now=NOW)


def planned(
    claim: Claim, observed: ObservedSecret | None, *, content: secret_plan.Content, context: secret_plan.Context
) -> secret_plan.Plan:
    """The plan for a Secret whose seal was verified."""
    verdict = context.sealer.verify(observed) if observed else Verdict.BROKEN
    return secret_plan.plan(claim, observed, content=content, context=dataclasses.replace(context, verdict=verdict))


CHANGED = {"username": Confidential(b"svc"), "password": Confidential(b"correct horse")}
NEWER = secret_plan.Content(revisions=NEXT, data=CHANGED)
OTHER_OPTIONS = dataclasses.replace(SEALER, rendering=Rendering(allow_empty_values=True))
FORMER_SELF = OwnerReference(kind="OnePasswordItem", name="db", uid="former-uid", api_version="onepassword.com/v1")
STRANGER = OwnerReference(kind="ExternalSecret", name="db", uid="other-uid", api_version="external-secrets.io/v1")
OURS = CLAIM.owner_reference


def _planned(observed: ObservedSecret | None, content: secret_plan.Content = CONTENT, **context: Any) -> secret_plan.Plan:
    return planned(CLAIM, observed, content=content, context=dataclasses.replace(CONTEXT, **context))


def _desired(plan: secret_plan.Plan) -> DesiredSecret:
    assert plan.desired is not None
    return plan.desired


def _written(claim: Claim = CLAIM, content: secret_plan.Content = CONTENT, **changes: Any) -> ObservedSecret:
    return samples.stored(_desired(planned(claim, None, content=content, context=CONTEXT)), **changes)


WRITTEN = _written()


def _edited(annotations: Mapping[str, str | None], secret: ObservedSecret = WRITTEN, **changes: Any) -> ObservedSecret:
    merged = {name: value for name, value in ({**secret.annotations, **annotations}).items() if value is not None}
    return dataclasses.replace(secret, annotations=merged, **changes)


def _official(**changes: Any) -> ObservedSecret:
    """A Secret as the official operator leaves it."""
    marks = {names.ITEM_PATH: REVISION.path, names.ITEM_VERSION: "3"}
    return dataclasses.replace(WRITTEN, annotations=marks, labels={}, owners=(OURS,), **changes)


# Types.


@pytest.mark.parametrize("secret_type", ["kubernetes.io/service-account-token", "bootstrap.kubernetes.io/token"])
@pytest.mark.parametrize("observed", [None, WRITTEN])
def test_types_that_grant_access_to_the_cluster_are_never_written(secret_type: str, observed: ObservedSecret | None) -> None:
    with pytest.raises(TypeNotAllowedError, match=secret_type):
        secret_plan.check_claim(samples.claim(secret_type=secret_type), observed)


def test_another_type_than_the_existing_one_is_refused_with_the_remedy() -> None:
    with pytest.raises(TypeImmutableError, match=r'"db" has type "Opaque", "kubernetes\.io/tls" is asked for.*delete the Secret'):
        secret_plan.check_claim(samples.claim(secret_type="kubernetes.io/tls"), WRITTEN)


def test_more_than_is_kept_is_refused_before_anything_is_read() -> None:
    with pytest.raises(MetadataTooLargeError, match=r"70000 characters of labels and annotations .* more than 65536; remove some"):
        secret_plan.check_claim(samples.claim(oversized=70_000), None)
    with pytest.raises(TypeNotAllowedError, match="more than 317 characters"):
        secret_plan.check_claim(samples.claim(secret_type="t" * 318), None)
    secret_plan.check_claim(samples.claim(secret_type="t" * 317), None)


@pytest.mark.parametrize(("secret_type", "observed"), [("Opaque", None), ("Opaque", WRITTEN), ("kubernetes.io/tls", None), ("mine", None)])
def test_any_other_type_may_be_written(secret_type: str, observed: ObservedSecret | None) -> None:
    secret_plan.check_claim(samples.claim(secret_type=secret_type), observed)


# The pin.


@pytest.mark.parametrize(
    ("observed", "verdict", "pin"),
    [
        (WRITTEN, Verdict.INTACT, HELD),
        (WRITTEN, Verdict.OTHER_OPTIONS, HELD),
        (WRITTEN, Verdict.BROKEN, None),
        (None, Verdict.INTACT, None),
        (_edited({names.REQUESTED_PATH: "vaults/Prod/items/Other"}), Verdict.INTACT, None),
        (_edited({names.REQUESTED_PATH: None}), Verdict.INTACT, None),
        (_edited({names.ITEM_PATH: None}), Verdict.INTACT, None),
    ],
)
def test_an_item_stays_chosen_while_it_is_recorded_under_seal_for_what_is_asked(
    observed: ObservedSecret | None, verdict: Verdict, pin: Revisions | None
) -> None:
    assert secret_plan.pinned(CLAIM, observed, verdict=verdict) == pin


# What is written.


def test_a_new_secret_is_complete() -> None:
    plan = _planned(None)
    assert (plan.change, plan.mark) == (Change.CREATED, None)
    assert plan.desired is not None
    assert (plan.desired.key, plan.desired.type) == (CLAIM.key, "Opaque")
    assert plan.desired.data == DATA
    assert plan.desired.labels == {"app": "billing", names.MANAGED: "true"}
    assert plan.desired.owners == (OURS,)
    assert plan.desired.finalizers == ()
    assert plan.desired.immutable is False
    assert plan.desired.annotations == {
        names.AUTO_RESTART: "true",
        names.ITEM_PATH: REVISION.path,
        names.ITEM_VERSION: "3",
        names.REQUESTED_PATH: CLAIM.item_path,
        names.COPIED_KEYS: f"labels=app;annotations={names.AUTO_RESTART}",
        names.SEAL: plan.desired.annotations[names.SEAL],
    }
    assert SEALER.verify(samples.stored(plan.desired)) is Verdict.INTACT


def test_a_secret_that_is_right_is_left_alone_and_the_label_that_makes_it_ours_can_not_be_taken_by_the_resource() -> None:
    assert _planned(WRITTEN) == secret_plan.Plan(change=Change.NONE, reason="the Secret is as it should be", desired=None, mark=None)
    desired = _desired(planned(samples.claim(labels={names.MANAGED: "false"}), None, content=CONTENT, context=CONTEXT))
    assert desired.labels[names.MANAGED] == "true"


MARK = RestartMark(str(HELD), "2024-05-01T00:00:00Z")
OLD_MARK = RestartMark(str(OLD), "2024-05-01T00:00:00Z")
NEW_MARK = RestartMark(str(NEXT), NOW)


def _sealed(annotations: Mapping[str, str | None], sealer: Sealer = SEALER, **changes: Any) -> ObservedSecret:
    """A Secret of ours with other annotations, under a seal that fits them."""
    edited = _edited(annotations, **changes)
    return _edited({names.SEAL: sealer.compute(edited.key, edited.annotations, data=edited.data)}, edited)


USER = OwnerReference(kind="Deployment", name="user", uid="user", api_version="apps/v1")
STRIPPED = dataclasses.replace(WRITTEN, annotations={"note": "x"}, labels={}, owners=(OURS,))


@pytest.mark.parametrize(
    ("observed", "content", "context", "change"),
    [
        # drift
        (dataclasses.replace(WRITTEN, data=CHANGED), CONTENT, {}, Change.REPAIRED),
        (dataclasses.replace(WRITTEN, data={**DATA, "more": Confidential(b"x")}), CONTENT, {}, Change.REPAIRED),
        (dataclasses.replace(WRITTEN, data={}), CONTENT, {}, Change.REPAIRED),
        (dataclasses.replace(WRITTEN, owners=()), CONTENT, {}, Change.REPAIRED),
        (dataclasses.replace(WRITTEN, owners=(FORMER_SELF,)), CONTENT, {}, Change.REPAIRED),
        (dataclasses.replace(WRITTEN, labels={"app": "billing"}), CONTENT, {}, Change.REPAIRED),
        (dataclasses.replace(WRITTEN, labels={"app": "billing", names.MANAGED: "false"}), CONTENT, {}, Change.REPAIRED),
        (dataclasses.replace(WRITTEN, data=CHANGED), CONTENT, {"remembered": HELD}, Change.REPAIRED),
        (_edited({names.ITEM_VERSION: "2"}, data=CHANGED), CONTENT, {"remembered": HELD}, Change.REPAIRED),
        (dataclasses.replace(STRIPPED, data=CHANGED), CONTENT, {"remembered": HELD}, Change.REPAIRED),
        (STRIPPED, CONTENT, {"remembered": HELD}, Change.REPAIRED),
        # nobody needs to hear of it
        (dataclasses.replace(WRITTEN, labels={"app": "other", names.MANAGED: "true"}), CONTENT, {}, Change.RETOUCHED),
        (_edited({names.AUTO_RESTART: None}), CONTENT, {}, Change.RETOUCHED),
        (_edited({names.SEAL: "nonsense"}), CONTENT, {}, Change.RETOUCHED),
        (_edited({names.SEAL: None}), CONTENT, {}, Change.RETOUCHED),
        (_edited({names.ITEM_VERSION: "2"}), CONTENT, {"remembered": HELD}, Change.RETOUCHED),
        (WRITTEN, CONTENT, {"co_owners": CoOwners(users=(USER,))}, Change.RETOUCHED),
        (dataclasses.replace(WRITTEN, owners=(OURS, USER)), CONTENT, {"co_owners": CoOwners(idle=frozenset({USER.uid}))}, Change.RETOUCHED),
        (dataclasses.replace(WRITTEN, owners=(USER, OURS)), CONTENT, {}, Change.RETOUCHED),
        (WRITTEN, CONTENT, {"sealer": OTHER_SEALER}, Change.RETOUCHED),
        (WRITTEN, CONTENT, {"sealer": OTHER_OPTIONS}, Change.RETOUCHED),
        # another content
        (WRITTEN, NEWER, {}, Change.UPDATED),
        (WRITTEN, NEWER, {"remembered": NEXT}, Change.UPDATED),
        (_edited({names.REQUESTED_PATH: None}), CONTENT, {}, Change.UPDATED),
        (WRITTEN, secret_plan.Content(revisions=NEXT, data=DATA), {}, Change.UPDATED),
        (dataclasses.replace(WRITTEN, data={}), NEWER, {"remembered": HELD}, Change.UPDATED),
        (_edited({names.ITEM_VERSION: "2"}), CONTENT, {}, Change.UPDATED),
        (_sealed({names.REQUESTED_PATH: "vaults/Prod/items/Other"}), CONTENT, {}, Change.UPDATED),
        (WRITTEN, secret_plan.Content(revisions=HELD, data=CHANGED), {"sealer": OTHER_OPTIONS}, Change.UPDATED),
        # the official operator's
        (_official(), CONTENT, {}, Change.ADOPTED),
        (_official(data=CHANGED), CONTENT, {}, Change.ADOPTED),
        (_official(), NEWER, {}, Change.ADOPTED),
        (STRIPPED, CONTENT, {}, Change.ADOPTED),
    ],
)
def test_a_write_is_called_what_it_is(
    observed: ObservedSecret, content: secret_plan.Content, context: Mapping[str, Any], change: Change
) -> None:
    plan = _planned(observed, content, **context)
    assert plan.change is change
    assert plan.desired is not None
    assert plan.desired.data == content.data


@pytest.mark.parametrize(
    ("remembered", "carried", "change", "mark"),
    [
        (None, None, Change.CREATED, None),
        (HELD, None, Change.REPAIRED, None),
        (HELD, MARK, Change.REPAIRED, MARK),
        (None, MARK, Change.CREATED, MARK),
        (None, NEW_MARK, Change.CREATED, None),
        (OLD, None, Change.UPDATED, RestartMark(str(HELD), NOW)),
        (OLD, MARK, Change.UPDATED, RestartMark(str(HELD), NOW)),
        (HELD, OLD_MARK, Change.REPAIRED, OLD_MARK),
    ],
)
def test_a_secret_that_was_deleted_comes_back_with_the_restart_that_was_owed(
    remembered: Revisions | None, carried: RestartMark | None, change: Change, mark: RestartMark | None
) -> None:
    plan = _planned(None, remembered=remembered, carried=carried)
    assert (plan.change, plan.mark) == (change, mark)
    assert plan.desired is not None
    assert plan.desired.annotations.get(names.RESTART_PENDING) == (str(mark) if mark else None)


PENDING = _sealed({names.RESTART_PENDING: str(MARK)})
RETITLED = secret_plan.Content(revisions=NEXT, data=DATA)
ON_CONTENT = {"restart_on_content": True}


@pytest.mark.parametrize(
    ("observed", "content", "context", "mark"),
    [
        # the recorded revision changes: always
        (WRITTEN, NEWER, {}, NEW_MARK),
        (PENDING, NEWER, {}, NEW_MARK),
        (WRITTEN, RETITLED, {}, NEW_MARK),
        (PENDING, RETITLED, {}, NEW_MARK),
        (_official(), NEWER, {}, NEW_MARK),
        (dataclasses.replace(WRITTEN, data={}), NEWER, {"remembered": HELD}, NEW_MARK),
        (_edited({names.ITEM_VERSION: "4"}), NEWER, {"remembered": HELD}, NEW_MARK),
        (_edited({names.ITEM_PATH: None}), NEWER, {"remembered": HELD}, NEW_MARK),
        # or only if the data change as well, if that is asked for
        (WRITTEN, RETITLED, ON_CONTENT, None),
        (WRITTEN, NEWER, ON_CONTENT, NEW_MARK),
        (PENDING, NEWER, ON_CONTENT, NEW_MARK),
        (_sealed({}, OTHER_OPTIONS), RETITLED, ON_CONTENT, None),
        # but if nobody knows which data the pods have read, they may be others
        (_official(), RETITLED, ON_CONTENT, NEW_MARK),
        (_edited({names.SEAL: None}), RETITLED, ON_CONTENT | {"remembered": HELD}, NEW_MARK),
        # it does not: never
        (WRITTEN, CONTENT, {}, None),
        (dataclasses.replace(WRITTEN, data=CHANGED), CONTENT, {}, None),
        (WRITTEN, secret_plan.Content(revisions=HELD, data=CHANGED), {"sealer": OTHER_OPTIONS}, None),
        (WRITTEN, CONTENT, {"sealer": OTHER_SEALER}, None),
        (_official(), CONTENT, {}, None),
        (STRIPPED, CONTENT, {}, None),
        (_edited({names.ITEM_VERSION: "2"}), CONTENT, {"remembered": HELD}, None),
        (WRITTEN, CONTENT, {"remembered": NEXT}, None),
        # what is owed stays owed, and for the version with the data that the pods need
        (PENDING, RETITLED, ON_CONTENT, MARK),
        (_sealed({names.RESTART_PENDING: str(OLD_MARK)}), CONTENT, ON_CONTENT, OLD_MARK),
        (_sealed({names.RESTART_PENDING: str(OLD_MARK)}), CONTENT, {}, OLD_MARK),
        (STRIPPED, CONTENT, {"remembered": HELD, "carried": OLD_MARK}, OLD_MARK),
        (_edited({names.RESTART_PENDING: str(NEW_MARK)}), CONTENT, {"remembered": HELD, "carried": OLD_MARK}, OLD_MARK),
        (PENDING, CONTENT, {}, MARK),
        (PENDING, CONTENT, {"sealer": OTHER_SEALER}, MARK),
        (dataclasses.replace(PENDING, data={}), CONTENT, {}, MARK),
        (dataclasses.replace(PENDING, data={}), CONTENT, {"remembered": HELD}, MARK),
        (_edited({names.RESTART_PENDING: None}, PENDING), CONTENT, {"remembered": HELD, "carried": MARK}, MARK),
        (STRIPPED, CONTENT, {"remembered": HELD, "carried": MARK}, MARK),
        (_edited({names.RESTART_PENDING: f"{REVISION}@never"}, PENDING), CONTENT, {"remembered": HELD, "carried": MARK}, MARK),
        (dataclasses.replace(PENDING, data={}), CONTENT, {"carried": OLD_MARK}, MARK),
        # what is not owed, is not
        (WRITTEN, CONTENT, {"carried": MARK}, None),
        (_edited({names.RESTART_PENDING: str(OLD_MARK)}), CONTENT, {}, None),
        (_sealed({names.RESTART_PENDING: "nonsense"}), CONTENT, {}, None),
    ],
)
def test_a_restart_is_owed_exactly_for_a_change_of_the_recorded_revisions(
    observed: ObservedSecret, content: secret_plan.Content, context: Mapping[str, Any], mark: RestartMark | None
) -> None:
    plan = _planned(observed, content, **context)
    assert plan.mark == mark
    if plan.desired is not None:
        assert plan.desired.annotations.get(names.RESTART_PENDING) == (str(mark) if mark else None)


@pytest.mark.parametrize("mark", [str(OLD_MARK), "nonsense", f"{REVISION}@"])
def test_a_mark_that_is_not_owed_is_taken_away(mark: str) -> None:
    plan = _planned(_edited({names.RESTART_PENDING: mark}))
    assert plan.mark is None
    assert plan.desired is not None
    assert names.RESTART_PENDING not in plan.desired.annotations


# What belongs to others.


def test_what_the_resource_no_longer_has_goes_and_what_others_put_there_stays() -> None:
    before = _written(samples.claim(labels={"app": "billing", "tier": "1"}, annotations={"note": "x", "other": "y"}))
    found = dataclasses.replace(
        before, labels={**before.labels, "foreign": "a"}, annotations={**before.annotations, "foreign": "b"}, finalizers=("theirs",)
    )
    desired = _desired(planned(samples.claim(labels={"tier": "2"}, annotations={"note": "z"}), found, content=CONTENT, context=CONTEXT))
    assert desired.labels == {"tier": "2", "foreign": "a", names.MANAGED: "true"}
    assert {"note", "foreign"} == {name for name in desired.annotations if not name.startswith(names.PREFIX)}
    assert desired.annotations["note"] == "z"
    assert desired.finalizers == ("theirs",)


def test_the_restart_setting_is_the_resources_even_if_no_record_says_so() -> None:
    """The official operator copies it and keeps no record of that."""
    official = _official()
    found = dataclasses.replace(official, annotations={**official.annotations, names.AUTO_RESTART: "true"})
    desired = _desired(planned(samples.claim(annotations={}), found, content=CONTENT, context=CONTEXT))
    assert names.AUTO_RESTART not in desired.annotations


def test_the_owners_are_those_of_the_claim_and_its_co_owners() -> None:
    partner = samples.claim(uid="partner", kind="Deployment", name="api")
    context: dict[str, Any] = {"co_owners": CoOwners(claims=(partner,))}
    plan = _planned(dataclasses.replace(WRITTEN, owners=(FORMER_SELF, STRANGER)), **context)
    assert plan.change is Change.REPAIRED
    assert plan.desired is not None
    assert plan.desired.owners == (OURS, STRANGER, partner.owner_reference)
    assert _planned(samples.stored(plan.desired), **context).desired is None


def test_labels_and_annotations_of_all_that_share_are_copied_and_the_ruling_ones_have_the_last_word() -> None:
    partner = samples.claim(uid="partner", labels={"app": "theirs", "tier": "1"}, annotations={"note": "theirs", names.ITEM_NAME: "db"})
    winner = samples.claim(labels={"app": "billing"}, annotations={"note": "ours"})
    context = dataclasses.replace(CONTEXT, co_owners=CoOwners(claims=(partner,)))
    desired = _desired(planned(winner, None, content=CONTENT, context=context))
    assert desired.labels == {"app": "billing", "tier": "1", names.MANAGED: "true"}
    assert (desired.annotations["note"], desired.annotations[names.ITEM_NAME]) == ("ours", "db")
    assert desired.annotations[names.COPIED_KEYS] == f"labels=app,tier;annotations=note,{names.ITEM_NAME}"
    alone = planned(winner, samples.stored(desired), content=CONTENT, context=CONTEXT)
    assert alone.desired is not None
    assert "tier" not in alone.desired.labels
    assert names.ITEM_NAME not in alone.desired.annotations


# Immutable Secrets.


def test_an_immutable_secret_whose_content_would_change_is_refused() -> None:
    with pytest.raises(TargetImmutableError, match='Secret "db" is marked immutable; delete it'):
        _planned(dataclasses.replace(WRITTEN, immutable=True), NEWER)


def test_an_immutable_secret_that_is_right_is_no_trouble() -> None:
    assert _planned(dataclasses.replace(WRITTEN, immutable=True)).desired is None


def test_an_immutable_secret_may_get_other_metadata_and_stays_immutable() -> None:
    desired = _desired(_planned(dataclasses.replace(WRITTEN, immutable=True, labels={})))
    assert desired.immutable


# Whatever is found.

WORDS = st.sampled_from(["app", "note", "foreign", names.MANAGED, names.AUTO_RESTART])
METADATA = st.dictionaries(WORDS, st.sampled_from(["", "true", "x"]), max_size=3)
CONTENTS = st.builds(
    secret_plan.Content,
    revisions=st.sampled_from([HELD, NEXT, Revisions((Revision("v", "j", 1),))]),
    data=st.dictionaries(st.sampled_from(["a", "b"]), st.binary(max_size=3).map(Confidential), min_size=1, max_size=2),
)
TWO = dataclasses.replace(NEWER, revisions=Revisions((REVISION, Revision("v", "another", 4))))
SECOND_CHANGED = dataclasses.replace(NEWER, revisions=TWO.revisions.having(Revision("v", "another", 5), at=1))
OTHER_ITEM = dataclasses.replace(NEWER, revisions=Revisions((Revision("v", "another", 4),)))


@pytest.mark.parametrize(
    ("observed", "content", "context", "reason"),
    [
        (None, CONTENT, {}, "there was no Secret"),
        (None, CONTENT, {"remembered": HELD}, "the Secret was deleted"),
        (None, NEWER, {"remembered": HELD}, "the Secret was deleted, and the item changed from version 3 to 4"),
        (WRITTEN, CONTENT, {}, "the Secret is as it should be"),
        (WRITTEN, NEWER, {}, "the item changed from version 3 to 4"),
        (_written(content=NEWER), CONTENT, {}, "the item was restored from version 4 to 3"),
        (WRITTEN, OTHER_ITEM, {}, f"its path means item another now, where it meant {'i' * 26}"),
        (WRITTEN, TWO, {}, f"its path means item {'i' * 26} and another now, where it meant {'i' * 26}"),
        (_written(content=TWO), SECOND_CHANGED, {}, "the item changed from version 4 to 5"),
        (_written(content=SECOND_CHANGED), TWO, {}, "the item was restored from version 5 to 4"),
        (_edited({names.REQUESTED_PATH: None}), CONTENT, {}, "the resource or the operator's options changed"),
        (_edited({names.ITEM_VERSION: "nonsense"}), CONTENT, {}, "the Secret did not say which item it held"),
        (_official(), CONTENT, {}, "the Secret carried no seal of this operator"),
        (STRIPPED, CONTENT, {}, "the Secret carried no seal of this operator"),
        (dataclasses.replace(WRITTEN, data=CHANGED), CONTENT, {}, "somebody edited the Secret"),
        (WRITTEN, dataclasses.replace(CONTENT, data=CHANGED), {}, "the item has other values at the same version"),
        (_edited({names.SEAL: "another"}), CONTENT, {}, secret_plan.RESEALED),
        (_edited({names.SEAL: None}), CONTENT, {}, "its labels, annotations or owners are others now"),
    ],
)
def test_a_plan_says_why(observed: ObservedSecret | None, content: secret_plan.Content, context: dict[str, Any], reason: str) -> None:
    assert _planned(observed, content, **context).reason == reason


CLAIMS = st.builds(
    samples.claim,
    labels=METADATA,
    annotations=METADATA,
    item_path=st.sampled_from([CLAIM.item_path, "vaults/Prod/items/Other"]),
    uid=st.sampled_from([CLAIM.uid, FORMER_SELF.uid]),
)
MARKS = st.none() | st.sampled_from([MARK, OLD_MARK, NEW_MARK])
CONTEXTS = st.builds(
    secret_plan.Context,
    sealer=st.sampled_from([SEALER, OTHER_SEALER, OTHER_OPTIONS]),
    now=st.just("2024-07-01T00:00:00Z"),
    remembered=st.none() | st.sampled_from([HELD, NEXT]),
    carried=MARKS,
    restart_on_content=st.booleans(),
)
OBSERVED = st.none() | st.builds(
    lambda base, labels, annotations, owners, mark: dataclasses.replace(
        base,
        labels=labels,
        annotations={**base.annotations, **annotations, **({names.RESTART_PENDING: str(mark)} if mark else {})},
        owners=tuple(owners),
    ),
    st.sampled_from([WRITTEN, PENDING, _official(), STRIPPED, _written(content=NEWER)]),
    METADATA,
    METADATA,
    st.lists(st.sampled_from([OURS, FORMER_SELF, STRANGER]), unique_by=lambda owner: owner.uid),
    MARKS,
)


@given(claim=CLAIMS, observed=OBSERVED, content=CONTENTS, context=CONTEXTS)
def test_what_was_planned_and_written_needs_no_further_write(
    claim: Claim, observed: ObservedSecret | None, content: secret_plan.Content, context: secret_plan.Context
) -> None:
    plan = planned(claim, observed, content=content, context=context)
    if plan.desired is not None:
        later = dataclasses.replace(context, now="2099-01-01T00:00:00Z", remembered=content.revisions, carried=plan.mark)
        again = planned(claim, samples.stored(plan.desired), content=content, context=later)
        assert again == secret_plan.Plan(change=Change.NONE, reason="the Secret is as it should be", desired=None, mark=plan.mark)
        assert context.sealer.verify(samples.stored(plan.desired)) is Verdict.INTACT


@given(claim=CLAIMS, observed=OBSERVED, content=CONTENTS, context=CONTEXTS)
def test_data_are_exactly_the_content_and_what_is_foreign_survives(
    claim: Claim, observed: ObservedSecret | None, content: secret_plan.Content, context: secret_plan.Context
) -> None:
    desired = planned(claim, observed, content=content, context=context).desired
    if desired is not None:
        assert dict(desired.data) == dict(content.data)
        assert claim.uid in {owner.uid for owner in desired.owners}
        assert desired.labels[names.MANAGED] == "true"
        if observed is not None:
            assert "foreign" not in observed.labels or desired.labels["foreign"] == {**observed.labels, **claim.labels}["foreign"]
            kept = {**observed.annotations, **claim.annotations}
            assert "foreign" not in observed.annotations or desired.annotations["foreign"] == kept["foreign"]


@given(claim=CLAIMS, observed=OBSERVED, content=CONTENTS, context=CONTEXTS)
def test_a_new_mark_appears_exactly_if_the_believed_revision_is_another_or_has_other_values(
    claim: Claim, observed: ObservedSecret | None, content: secret_plan.Content, context: secret_plan.Context
) -> None:
    plan = planned(claim, observed, content=content, context=context)
    believed, spared, redone, kept = context.remembered, False, False, [context.carried]
    if observed is not None:
        recorded, verdict = observed.recorded, context.sealer.verify(observed)
        broken = verdict is Verdict.BROKEN
        believed = (context.remembered or recorded) if broken else recorded
        spared = context.restart_on_content and not broken and dict(observed.data) == dict(content.data)
        redone = verdict is Verdict.INTACT and dict(observed.data) != dict(content.data)
        kept.append(RestartMark.parse(observed.annotations.get(names.RESTART_PENDING)))
    if redone or (believed is not None and believed != content.revisions and not spared):
        assert plan.mark == RestartMark(str(content.revisions), context.now)
        assert plan.change is not Change.NONE
    else:
        assert plan.mark is None or plan.mark in kept


# --- shaped Secrets ---

RECIPE = Recipe((Part(CLAIM.item_path),), Shape())
OTHER_RECIPE = Recipe((Part(CLAIM.item_path),), Shape(exclude=("a",)))
SHAPED = dataclasses.replace(CLAIM, shaped=RECIPE)
SHAPED_CONTENT = secret_plan.Content(revisions=HELD, data=DATA)
OTHER_DATA = {"password": Confidential(b"another")}
SHAPED_MARK = RestartMark(SEALER.digest(CLAIM.key, DATA), "2024-05-01T00:00:00Z")
NEW_SHAPED_MARK = RestartMark(SEALER.digest(CLAIM.key, OTHER_DATA), NOW)


def planned_shape(claim: Claim, observed: ObservedSecret | None, content: secret_plan.Content, **context: Any) -> secret_plan.Plan:
    verdict = SEALER.verify(observed) if observed else Verdict.BROKEN
    context = {"remembered_recipe": str(RECIPE)} | context
    return secret_plan.plan(
        claim, observed, content=content, context=secret_plan.Context(sealer=SEALER, now=NOW, verdict=verdict, **context)
    )


def shaped_secret(claim: Claim = SHAPED, **changes: Any) -> ObservedSecret:
    plan = planned_shape(claim, None, SHAPED_CONTENT)
    assert plan.desired is not None
    return samples.stored(plan.desired, **changes)


def test_it_says_what_it_holds_under_a_prefix_of_our_own_and_is_proven_by_its_seal() -> None:
    held = shaped_secret()
    assert {names.ITEM_PATH, names.ITEM_VERSION, names.REQUESTED_PATH}.isdisjoint(held.annotations)
    assert (held.recorded, SEALER.verify(held)) == (HELD, Verdict.INTACT)
    assert secret_plan.pinned(SHAPED, held, verdict=Verdict.INTACT) == HELD
    assert planned_shape(SHAPED, held, SHAPED_CONTENT).change is Change.NONE


@pytest.mark.parametrize("name", [names.REVISIONS, names.RECIPE])
@pytest.mark.parametrize("value", ["", "v/i@4", None])
def test_no_edit_of_what_it_says_goes_unnoticed(name: str, value: str | None) -> None:
    annotations = {key: text for key, text in shaped_secret().annotations.items() if key != name} | ({} if value is None else {name: value})
    assert SEALER.verify(shaped_secret(annotations=annotations)) is Verdict.BROKEN


def test_a_seal_of_a_plain_secret_proves_no_shaped_one_with_the_same_data() -> None:
    plain, shaped = shaped_secret(CLAIM), shaped_secret()
    assert plain.annotations[names.SEAL] != shaped.annotations[names.SEAL]


@pytest.mark.parametrize(
    ("claim", "observed", "content", "context", "mark"),
    [
        (SHAPED, shaped_secret(), dataclasses.replace(SHAPED_CONTENT, data=OTHER_DATA), {}, NEW_SHAPED_MARK),
        (SHAPED, shaped_secret(), secret_plan.Content(revisions=NEXT, data=DATA), {}, None),
        (SHAPED, shaped_secret(), secret_plan.Content(revisions=NEXT, data=OTHER_DATA), {}, NEW_SHAPED_MARK),
        (dataclasses.replace(CLAIM, shaped=OTHER_RECIPE), shaped_secret(), SHAPED_CONTENT, {}, None),
        (SHAPED, shaped_secret(CLAIM), SHAPED_CONTENT, {}, None),
        (SHAPED, shaped_secret(CLAIM), dataclasses.replace(SHAPED_CONTENT, data=OTHER_DATA), {}, NEW_SHAPED_MARK),
        (CLAIM, shaped_secret(), SHAPED_CONTENT, {}, None),
        (CLAIM, shaped_secret(), dataclasses.replace(SHAPED_CONTENT, data=OTHER_DATA), {}, RestartMark(str(HELD), NOW)),
    ],
)
def test_under_an_intact_seal_restarts_follow_the_data(
    claim: Claim, observed: ObservedSecret, content: secret_plan.Content, context: dict[str, Any], mark: RestartMark | None
) -> None:
    assert planned_shape(claim, observed, content, **context).mark == mark


UNPROVEN = shaped_secret(data=OTHER_DATA)


@pytest.mark.parametrize(
    ("claim", "revisions", "context", "restarts"),
    [
        (SHAPED, HELD, {}, False),
        (SHAPED, NEXT, {}, True),
        (dataclasses.replace(CLAIM, shaped=OTHER_RECIPE), HELD, {}, True),
        (SHAPED, HELD, {"remembered": HELD}, False),
        (SHAPED, NEXT, {"remembered": NEXT}, False),
        (SHAPED, NEXT, {"remembered": HELD}, True),
        (SHAPED, HELD, {"remembered": HELD, "remembered_recipe": str(OTHER_RECIPE)}, True),
        (SHAPED, HELD, {"remembered": HELD, "remembered_recipe": ""}, True),
    ],
)
def test_without_one_they_follow_versions_and_recipe(
    claim: Claim, revisions: Revisions, context: dict[str, Any], *, restarts: bool
) -> None:
    plan = planned_shape(claim, UNPROVEN, secret_plan.Content(revisions=revisions, data=DATA), **context)
    assert plan.mark == (RestartMark(SEALER.digest(CLAIM.key, DATA), NOW) if restarts else None)


@pytest.mark.parametrize(
    ("carried", "remembered", "kept"),
    [
        (SHAPED_MARK, HELD, SHAPED_MARK),
        (SHAPED_MARK, None, SHAPED_MARK),
        (dataclasses.replace(SHAPED_MARK, content="0" * 32), None, None),
        (None, HELD, None),
    ],
)
def test_a_deleted_one_keeps_the_restart_that_is_due_for_its_data(
    carried: RestartMark | None, remembered: Revisions | None, kept: RestartMark | None
) -> None:
    assert planned_shape(SHAPED, None, SHAPED_CONTENT, carried=carried, remembered=remembered).mark == kept


def test_without_one_and_without_memory_equal_data_restart_nobody() -> None:
    """After a new token the seal proves nothing, and the Secret is as the former process left it."""
    unproven = dataclasses.replace(shaped_secret(), annotations={**shaped_secret().annotations, names.SEAL: "another token's"})
    content = secret_plan.Content(revisions=NEXT, data=DATA)
    assert planned_shape(SHAPED, unproven, content).mark is None
    assert planned_shape(SHAPED, unproven, content, remembered=HELD).mark is not None


def test_one_that_is_deleted_together_with_a_change_of_its_recipe_restarts() -> None:
    plan = planned_shape(SHAPED, None, SHAPED_CONTENT, remembered=HELD, remembered_recipe=str(OTHER_RECIPE))
    assert plan.mark == RestartMark(SEALER.digest(CLAIM.key, DATA), NOW)


def test_a_new_token_loses_no_restart_that_is_due() -> None:
    mark = RestartMark(OTHER_SEALER.digest(CLAIM.key, DATA), "2024-05-01T00:00:00Z")
    sealed = shaped_secret()
    observed = dataclasses.replace(
        sealed, annotations={**sealed.annotations, names.RESTART_PENDING: str(mark), names.SEAL: "another token's"}
    )
    assert planned_shape(SHAPED, observed, SHAPED_CONTENT).mark == mark


def test_nobody_makes_a_plain_secret_follow_an_item_by_the_annotations_of_a_shaped_one() -> None:
    for added in ({names.REVISIONS: "v/other@1"}, {names.REVISIONS: "v/other@1", names.RECIPE: "x"}, {names.RECIPE: CLAIM.item_path}):
        plain = shaped_secret(CLAIM)
        edited = dataclasses.replace(plain, annotations={**plain.annotations, **added})
        assert SEALER.verify(edited) is Verdict.BROKEN
        plan = planned_shape(CLAIM, edited, SHAPED_CONTENT, remembered=HELD, remembered_recipe="")
        assert plan.desired
        assert (plan.desired.annotations[names.ITEM_PATH], names.REVISIONS in plan.desired.annotations) == (samples.REVISION.path, False)


def test_an_edit_loses_no_restart_that_is_due() -> None:
    due = {**UNPROVEN.annotations, names.RESTART_PENDING: "edited"}
    assert (
        planned_shape(SHAPED, dataclasses.replace(UNPROVEN, annotations=due), SHAPED_CONTENT, carried=SHAPED_MARK, remembered=HELD).mark
        == SHAPED_MARK
    )


@pytest.mark.parametrize(("data", "restarts"), [(DATA, False), (OTHER_DATA, True)])
def test_one_that_is_handed_over_restarts_for_other_data_only(data: dict[str, Confidential], *, restarts: bool) -> None:
    for claim in (SHAPED, CLAIM):
        plan = planned_shape(
            claim, dataclasses.replace(samples.BARE_SECRET, annotations={names.ADOPT: CLAIM.name}, data=data), SHAPED_CONTENT
        )
        assert (plan.change, plan.mark is not None) == (Change.ADOPTED, restarts)


def test_a_digest_is_the_same_for_the_same_data_of_one_secret_under_one_key_only() -> None:
    digest = SEALER.digest(CLAIM.key, DATA)
    others = [
        OTHER_SEALER.digest(CLAIM.key, DATA),
        SEALER.digest(CLAIM.key._replace(name="other"), DATA),
        SEALER.digest(CLAIM.key, OTHER_DATA),
    ]
    assert (SEALER.digest(CLAIM.key, dict(DATA)), digest in others, RestartMark.parse(f"{digest}@now")) == (
        digest,
        False,
        RestartMark(digest, "now"),
    )


def test_data_are_proven_for_the_shape_they_were_made_with_and_for_every_plain_path() -> None:
    another_path = Recipe((Part("vaults/another/items/path"),))
    for observed, recipe, proven in (
        (shaped_secret(), RECIPE, True),
        (shaped_secret(), OTHER_RECIPE, False),
        (shaped_secret(), CLAIM.recipe, False),
        (shaped_secret(CLAIM), RECIPE, False),
        (shaped_secret(CLAIM), another_path, True),
    ):
        assert secret_plan.has_shape(observed, recipe) is proven
