"""Which of several objects rules a Secret."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model.secret import ObservedSecret, OwnerReference
from onepassword_operator.model.target import Claim
from onepassword_operator.rules.secret import claims
from unit.rules import samples

OLD = samples.claim(uid="p-old", created_at="2024-01-01T00:00:00Z")
YOUNG = samples.claim(uid="a-young", created_at="2024-02-01T00:00:00Z")
TWIN = samples.claim(uid="q-twin", created_at=OLD.created_at)


def _owned_by(*uids: str) -> ObservedSecret:
    owners = tuple(OwnerReference(kind="OnePasswordItem", name="db", uid=uid, api_version="onepassword.com/v1") for uid in uids)
    return dataclasses.replace(samples.BARE_SECRET, owners=owners)


def _dying(claim: Claim) -> Claim:
    return dataclasses.replace(claim, terminating=True)


@pytest.mark.parametrize(
    ("asking", "observed", "winner"),
    [
        ([], None, None),
        ([], _owned_by(OLD.uid), None),
        ([OLD], None, OLD),
        ([YOUNG, OLD], None, OLD),
        ([YOUNG, OLD], _owned_by(), OLD),
        ([YOUNG, OLD], _owned_by("somebody else"), OLD),
        ([YOUNG, OLD], _owned_by(YOUNG.uid), YOUNG),
        ([YOUNG, OLD], _owned_by(YOUNG.uid, OLD.uid), YOUNG),
        ([YOUNG, OLD], _owned_by("somebody else", OLD.uid, YOUNG.uid), OLD),
        ([YOUNG, OLD, TWIN], _owned_by(TWIN.uid, YOUNG.uid), TWIN),
        ([TWIN, OLD], None, OLD),
        ([dataclasses.replace(OLD, item_path=""), YOUNG], None, YOUNG),
        ([dataclasses.replace(OLD, item_path="vaults/v"), YOUNG], _owned_by(OLD.uid), dataclasses.replace(OLD, item_path="vaults/v")),
        ([dataclasses.replace(OLD, item_path="")], None, dataclasses.replace(OLD, item_path="")),
        ([_dying(OLD), YOUNG], None, YOUNG),
        ([_dying(OLD), YOUNG], _owned_by(OLD.uid), YOUNG),
        ([_dying(YOUNG), OLD, TWIN], _owned_by(YOUNG.uid, TWIN.uid, OLD.uid), TWIN),
        ([_dying(OLD)], _owned_by(OLD.uid), None),
        ([_dying(OLD), _dying(YOUNG)], None, None),
    ],
)
def test_the_first_living_owner_keeps_the_secret_and_without_one_the_oldest_gets_it(
    asking: list[Claim], observed: ObservedSecret | None, winner: Claim | None
) -> None:
    assert claims.winner(asking, observed) == winner


UIDS = st.sampled_from("abcde")
CLAIMS = st.lists(
    st.builds(
        samples.claim, uid=UIDS, created_at=st.sampled_from(["2024-01-01T00:00:00Z", "2024-02-01T00:00:00Z"]), terminating=st.booleans()
    ),
    max_size=5,
    unique_by=lambda claim: claim.uid,
)


@given(asking=CLAIMS, owners=st.lists(UIDS, unique=True), data=st.data())
def test_the_ruling_does_not_depend_on_the_order(asking: list[Claim], owners: list[str], data: st.DataObject) -> None:
    observed = _owned_by(*owners)
    assert claims.winner(data.draw(st.permutations(asking)), observed) == claims.winner(asking, observed)


@given(asking=CLAIMS, late=CLAIMS)
def test_who_rules_and_owns_keeps_ruling_whoever_comes_later(asking: list[Claim], late: list[Claim]) -> None:
    winner = claims.winner(asking, None)
    if winner is not None:
        newcomers = [claim for claim in late if claim.uid not in {known.uid for known in asking}]
        observed = _owned_by(winner.uid, *(claim.uid for claim in newcomers))
        assert claims.winner([*asking, *newcomers], observed) == winner


@given(asking=CLAIMS)
def test_somebody_rules_as_long_as_anybody_lives(asking: list[Claim]) -> None:
    winner = claims.winner(asking, None)
    assert (winner is None) is all(claim.terminating for claim in asking)
    assert winner is None or not winner.terminating
