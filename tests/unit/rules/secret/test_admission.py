"""Who decides a Secret, and what is refused before 1Password is asked."""

import dataclasses

import pytest

from onepassword_operator.model import names
from onepassword_operator.model.errors import ClusterConflictError, OperatorError, TargetNotOwnedError, TypeImmutableError
from onepassword_operator.model.secret import ObservedSecret
from onepassword_operator.model.target import Claim
from onepassword_operator.rules.secret import admission
from onepassword_operator.rules.secret.admission import RELABELLED, Seen
from onepassword_operator.rules.secret.owners import Interested
from onepassword_operator.rules.secret.seal import Verdict
from unit.rules import samples
from unit.rules.samples import CLAIM, claim

OLDER = claim(kind="Deployment", name="api", uid="older", created_at="2020-01-01T00:00:00Z")


def secret(*owners: Claim, **members: object) -> ObservedSecret:
    """A Secret of these owners."""
    held = dataclasses.replace(samples.BARE_SECRET, owners=tuple(owner.owner_reference for owner in owners))
    return dataclasses.replace(held, **members)  # type: ignore[arg-type]


def seen(*claims: Claim, observed: ObservedSecret | None = None, **members: object) -> Seen:
    """The claims and their Secret."""
    made = Seen(
        key=CLAIM.key,
        claims=claims or (CLAIM,),
        interested=Interested(asking=frozenset(each.uid for each in claims)),
        observed=observed,
        verdict=Verdict.BROKEN,
    )
    return dataclasses.replace(made, **members)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("observed", "sharing_before", "winner", "presumed"),
    [
        pytest.param(None, (), "older", (), id="without a Secret the oldest wins, and nobody is presumed to share"),
        pytest.param(secret(CLAIM, OLDER), (), CLAIM.uid, ("older",), id="the first owner wins, and other owners are presumed to share"),
        pytest.param(secret(CLAIM, OLDER), (CLAIM.uid,), CLAIM.uid, (), id="what the last reconcile found counts more"),
        pytest.param(None, ("older", CLAIM.uid), "older", (CLAIM.uid,), id="also without a Secret"),
    ],
)
def test_the_winner_and_who_shares_with_it(
    observed: ObservedSecret | None, sharing_before: tuple[str, ...], winner: str, presumed: tuple[str, ...]
) -> None:
    admitted = admission.choose(seen(CLAIM, OLDER, observed=observed, sharing_before=frozenset(sharing_before)))
    assert (admitted.winner.uid, admitted.presumed) == (winner, frozenset(presumed))
    assert {each.uid for each in admitted.others} == {CLAIM.uid, "older"} - {winner}


@pytest.mark.parametrize(
    ("observed", "created_before", "must_live"),
    [(None, False, False), (None, True, True), (secret(CLAIM), True, False), (secret(OLDER), True, True), (secret(), True, True)],
)
def test_a_claim_whose_secret_is_gone_or_does_not_name_it_has_to_be_read_live(
    observed: ObservedSecret | None, *, created_before: bool, must_live: bool
) -> None:
    assert admission.choose(seen(observed=observed, created_before=created_before)).must_live is must_live


@pytest.mark.parametrize(
    ("observed", "error"),
    [
        (secret(CLAIM, type="kubernetes.io/tls"), TypeImmutableError),
        (secret(CLAIM, terminating=True), ClusterConflictError),
        (secret(OLDER), TargetNotOwnedError),
    ],
)
def test_what_may_not_be_written_is_refused(observed: ObservedSecret, error: type[OperatorError]) -> None:
    with pytest.raises(error, match=f'"{CLAIM.name}"'):
        admission.check(admission.choose(seen(observed=observed)))


@pytest.mark.parametrize("observed", [None, secret(CLAIM)])
def test_what_is_missing_or_ours_is_admitted(observed: ObservedSecret | None) -> None:
    admission.check(admission.choose(seen(observed=observed)))


OFFICIAL = {names.ITEM_PATH: "vaults/v/items/i", names.ITEM_VERSION: "3"}


@pytest.mark.parametrize(
    ("observed", "repairs", "contended"),
    [
        (None, RELABELLED, False),
        (secret(CLAIM, annotations=OFFICIAL), RELABELLED - 1, False),
        (secret(CLAIM, annotations=OFFICIAL), RELABELLED, True),
        (secret(CLAIM, annotations=OFFICIAL | {names.SEAL: "x"}), RELABELLED, False),
    ],
)
def test_the_official_shape_again_and_again_means_that_its_operator_is_at_work(
    observed: ObservedSecret | None, repairs: int, *, contended: bool
) -> None:
    assert admission.is_contended(admission.choose(seen(observed=observed, repairs=repairs))) is contended
