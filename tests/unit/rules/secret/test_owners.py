"""Whose Secret it is, and who is to own it."""

import contextlib
import dataclasses
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model import names
from onepassword_operator.model.errors import TargetNotOwnedError
from onepassword_operator.model.secret import ObservedSecret, OwnerReference
from onepassword_operator.rules.secret import owners, secret_plan
from onepassword_operator.rules.secret.owners import CoOwners
from onepassword_operator.rules.secret.seal import Verdict
from unit.rules import samples
from unit.rules.samples import CLAIM, DATA, HELD, NOW, REVISION, SEALER

FORMER_SELF = OwnerReference(kind="OnePasswordItem", name="db", uid="former-uid", api_version="onepassword.com/v1")
STRANGER = OwnerReference(kind="ExternalSecret", name="db", uid="other-uid", api_version="external-secrets.io/v1")
API = OwnerReference(kind="Deployment", name="api", uid="api-uid", api_version="apps/v1")
WEB = OwnerReference(kind="Deployment", name="web", uid="web-uid", api_version="apps/v1")
STATEFUL_SET = OwnerReference(kind="StatefulSet", name="base", uid="base-uid", api_version="apps/v1")
OURS = CLAIM.owner_reference
MOVED = dataclasses.replace(OURS, name="moved", uid="moved-uid")
ALONE = CoOwners()
ASKING = samples.claim(kind="Deployment", name="api", uid="api-uid")


def _written() -> ObservedSecret:
    content, context = secret_plan.Content(revisions=HELD, data=DATA), secret_plan.Context(sealer=SEALER, now=NOW)
    desired = secret_plan.plan(CLAIM, None, content=content, context=context).desired
    assert desired is not None
    return samples.stored(desired)


WRITTEN = _written()
BARE = dataclasses.replace(WRITTEN, annotations={}, labels={}, owners=())
MARKS = {names.ITEM_PATH: REVISION.path, names.ITEM_VERSION: "3"}
OFFICIAL = dataclasses.replace(BARE, annotations=MARKS)


def _owned_by(secret: ObservedSecret, *references: OwnerReference) -> ObservedSecret:
    return dataclasses.replace(secret, owners=references)


# May it be written?


@pytest.mark.parametrize(
    ("observed", "verdict"),
    [
        (_owned_by(BARE, OURS), Verdict.BROKEN),
        (_owned_by(BARE, STRANGER, OURS), Verdict.BROKEN),
        (_owned_by(WRITTEN), Verdict.INTACT),
        (_owned_by(WRITTEN), Verdict.OTHER_OPTIONS),
        (BARE, Verdict.INTACT),
        (BARE, Verdict.OTHER_OPTIONS),
        (_owned_by(WRITTEN, FORMER_SELF), Verdict.INTACT),
        (_owned_by(OFFICIAL, OURS), Verdict.BROKEN),
        (OFFICIAL, Verdict.BROKEN),
        (_owned_by(OFFICIAL, FORMER_SELF), Verdict.BROKEN),
        # A Secret that we sealed has no Deployment among its owners that we have not put there.
        (_owned_by(WRITTEN, API, WEB), Verdict.INTACT),
        (_owned_by(WRITTEN, API), Verdict.OTHER_OPTIONS),
    ],
)
def test_a_secret_is_ours_by_its_owner_by_our_seal_or_by_the_official_operators_marks(observed: ObservedSecret, verdict: Verdict) -> None:
    owners.check_owner(CLAIM, observed, verdict=verdict, co_owners=ALONE)


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize(
    "stranger",
    [
        STRANGER,
        dataclasses.replace(FORMER_SELF, name="db2"),
        dataclasses.replace(FORMER_SELF, kind="OtherKind"),
        dataclasses.replace(FORMER_SELF, api_version="example.com/v1"),
        dataclasses.replace(API, uid="other-uid", api_version="example.com/v1"),
    ],
)
def test_a_secret_of_another_owner_is_refused_whatever_marks_it_carries(stranger: OwnerReference, verdict: Verdict) -> None:
    observed = _owned_by(WRITTEN, FORMER_SELF, stranger)
    with pytest.raises(TargetNotOwnedError, match=f'Secret "db" belongs to {stranger.kind} "{stranger.name}"'):
        owners.check_owner(CLAIM, observed, verdict=verdict, co_owners=CoOwners(claims=(ASKING,), users=(WEB,)))


@pytest.mark.parametrize(
    "annotations",
    [
        {},
        {names.ITEM_PATH: REVISION.path},
        {names.ITEM_VERSION: "3"},
        {names.SEAL: WRITTEN.annotations[names.SEAL]},
        {names.ITEM_PATH: "vaults/v", names.ITEM_VERSION: "3"},
        {names.ITEM_PATH: REVISION.path, names.ITEM_VERSION: "three"},
    ],
)
@pytest.mark.parametrize("references", [(), (FORMER_SELF,), (API, WEB)])
def test_a_secret_that_nobody_marked_is_somebody_elses(annotations: Mapping[str, str], references: tuple[OwnerReference, ...]) -> None:
    observed = dataclasses.replace(BARE, annotations=annotations, owners=references, labels={names.MANAGED: "true"})
    with pytest.raises(TargetNotOwnedError, match="was not made by this operator"):
        owners.check_owner(CLAIM, observed, verdict=Verdict.BROKEN, co_owners=CoOwners(claims=(ASKING,), users=(WEB,)))


@pytest.mark.parametrize(("asked", "ours"), [({names.ITEM_NAME: "db"}, True), ({}, False)])
def test_another_workload_among_the_owners_was_added_by_us_only_where_a_workload_had_asked(asked: dict[str, str], *, ours: bool) -> None:
    """Its kind may be watched no more, or never have been."""
    owned = _owned_by(WRITTEN, STATEFUL_SET)
    observed = dataclasses.replace(owned, annotations={**owned.annotations, **asked})
    with contextlib.nullcontext() if ours else pytest.raises(TargetNotOwnedError):
        owners.check_owner(CLAIM, observed, verdict=Verdict.INTACT, co_owners=ALONE)


def test_an_owner_of_a_kind_that_is_not_watched_may_still_use_the_secret() -> None:
    observed = _owned_by(WRITTEN, OURS, WEB, STATEFUL_SET)
    for unknown, idle in ((frozenset(), {WEB.uid, STATEFUL_SET.uid}), (frozenset({"StatefulSet"}), {WEB.uid})):
        interested = owners.Interested(asking=frozenset({ASKING.uid}), unknown=unknown)
        assert owners.co_owners(ASKING, (), observed=observed, interested=interested).idle == idle


def test_whoever_made_a_secret_may_hand_it_over_to_a_resource_and_to_no_other_and_not_past_its_owner() -> None:
    handed = dataclasses.replace(BARE, annotations={names.ADOPT: CLAIM.name}, owners=())
    owners.check_owner(CLAIM, handed, verdict=Verdict.BROKEN, co_owners=CoOwners())
    others = (dataclasses.replace(handed, annotations={names.ADOPT: "other"}), dataclasses.replace(handed, owners=(API,)))
    for observed in others:
        with pytest.raises(TargetNotOwnedError):
            owners.check_owner(CLAIM, observed, verdict=Verdict.BROKEN, co_owners=CoOwners())


def test_a_secret_is_taken_over_from_a_resource_that_asks_for_another_one_now_if_we_made_it() -> None:
    moved = CoOwners(moved=frozenset({MOVED.uid}))
    owners.check_owner(CLAIM, _owned_by(WRITTEN, MOVED), verdict=Verdict.INTACT, co_owners=moved)
    for observed, verdict in ((BARE, Verdict.BROKEN), (_owned_by(WRITTEN, STRANGER), Verdict.INTACT)):
        with pytest.raises(TargetNotOwnedError):
            owners.check_owner(CLAIM, _owned_by(observed, *observed.owners, MOVED), verdict=verdict, co_owners=moved)


@pytest.mark.parametrize("co_owners", [CoOwners(claims=(ASKING,)), CoOwners(users=(API,))])
def test_a_secret_with_the_official_marks_is_taken_over_from_a_deployment_that_asks_for_it_or_uses_it(co_owners: CoOwners) -> None:
    owners.check_owner(CLAIM, _owned_by(OFFICIAL, API), verdict=Verdict.BROKEN, co_owners=co_owners)


@pytest.mark.parametrize(
    "co_owners", [ALONE, CoOwners(claims=(dataclasses.replace(ASKING, uid="earlier"),)), CoOwners(idle=frozenset({API.uid}))]
)
def test_a_secret_with_the_official_marks_stays_with_a_deployment_that_has_no_part_in_it(co_owners: CoOwners) -> None:
    with pytest.raises(TargetNotOwnedError, match='belongs to Deployment "api"'):
        owners.check_owner(CLAIM, _owned_by(OFFICIAL, API), verdict=Verdict.BROKEN, co_owners=co_owners)


@pytest.mark.parametrize(
    ("observed", "verdict", "marked"),
    [
        (WRITTEN, Verdict.INTACT, True),
        (BARE, Verdict.OTHER_OPTIONS, True),
        (OFFICIAL, Verdict.BROKEN, True),
        (BARE, Verdict.BROKEN, False),
        (dataclasses.replace(BARE, labels={names.MANAGED: "true"}), Verdict.BROKEN, False),
    ],
)
def test_marks_are_our_seal_or_the_official_operators_two_annotations(observed: ObservedSecret, verdict: Verdict, marked: object) -> None:
    assert owners.is_marked(observed, verdict=verdict) is marked


@pytest.mark.parametrize(
    ("observed", "shaped"),
    [
        (OFFICIAL, True),
        (dataclasses.replace(OFFICIAL, labels={"team": "a"}, annotations=MARKS | {"note": "x"}, owners=(OURS,)), True),
        (BARE, False),
        (WRITTEN, False),
        (dataclasses.replace(OFFICIAL, annotations=MARKS | {names.SEAL: "broken"}), False),
        (dataclasses.replace(OFFICIAL, labels={names.MANAGED: "true"}), False),
    ],
)
def test_the_official_operator_leaves_its_two_annotations_and_nothing_of_ours(observed: ObservedSecret, shaped: object) -> None:
    assert owners.is_officially_shaped(observed) is shaped


# Who is to own it.


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ((), (OURS,)),
        ((OURS,), (OURS,)),
        ((FORMER_SELF,), (OURS,)),
        ((STRANGER,), (OURS, STRANGER)),
        ((OURS, STRANGER), (OURS, STRANGER)),
        ((STRANGER, OURS), (OURS, STRANGER)),
        ((STRANGER, FORMER_SELF, OURS), (OURS, STRANGER)),
        ((API, OURS), (OURS, API)),
    ],
)
def test_the_ruling_claim_is_the_first_owner_beside_others_and_its_former_self_goes(
    held: tuple[OwnerReference, ...], wanted: tuple[OwnerReference, ...]
) -> None:
    assert owners.wanted_owners(CLAIM, held, co_owners=ALONE) == wanted


@pytest.mark.parametrize(
    ("held", "co_owners", "wanted"),
    [
        ((), CoOwners(claims=(ASKING,), users=(WEB,)), (OURS, API, WEB)),
        ((OURS,), CoOwners(claims=(ASKING,)), (OURS, API)),
        ((WEB, OURS), CoOwners(claims=(ASKING,), users=(WEB,)), (OURS, WEB, API)),
        ((OURS, API, WEB), CoOwners(claims=(ASKING,), idle=frozenset({WEB.uid})), (OURS, API)),
        ((OURS, API, WEB), CoOwners(idle=frozenset({API.uid, WEB.uid})), (OURS,)),
        ((OURS, STRANGER, API), CoOwners(idle=frozenset({API.uid})), (OURS, STRANGER)),
        ((MOVED, STRANGER), CoOwners(moved=frozenset({MOVED.uid})), (OURS, STRANGER)),
    ],
)
def test_who_shares_or_uses_the_secret_owns_it_too_and_who_has_let_go_does_not(
    held: tuple[OwnerReference, ...], co_owners: CoOwners, wanted: tuple[OwnerReference, ...]
) -> None:
    assert owners.wanted_owners(CLAIM, held, co_owners=co_owners) == wanted


def test_what_a_reference_says_besides_is_kept() -> None:
    raw = {"apiVersion": "onepassword.com/v1", "kind": "OnePasswordItem", "name": "db", "uid": CLAIM.uid, "controller": True}
    held = OwnerReference(kind="OnePasswordItem", name="db", uid=CLAIM.uid, api_version="onepassword.com/v1", raw=raw)
    (kept,) = owners.wanted_owners(CLAIM, [held], co_owners=ALONE)
    assert kept.raw == raw


REFERENCES = st.lists(st.sampled_from([OURS, FORMER_SELF, STRANGER, API, WEB]), unique_by=lambda owner: owner.uid)
PARTNERS = st.builds(
    CoOwners,
    claims=st.sampled_from([(), (ASKING,)]),
    users=st.sampled_from([(), (WEB,)]),
    idle=st.frozensets(st.sampled_from(["somebody", "else"])),
)


@given(held=REFERENCES, co_owners=PARTNERS)
def test_owners_that_are_as_wanted_are_wanted_as_they_are(held: list[OwnerReference], co_owners: CoOwners) -> None:
    wanted = owners.wanted_owners(CLAIM, held, co_owners=co_owners)
    assert (owners.wanted_owners(CLAIM, wanted, co_owners=co_owners), wanted[0].uid) == (wanted, CLAIM.uid)
    assert len({owner.uid for owner in wanted}) == len(wanted)
