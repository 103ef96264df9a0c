"""What must be on a Secret before the official operator's finalizer goes from the object that asks for it."""

import dataclasses
from typing import Any

import pytest

from onepassword_operator.model import names
from onepassword_operator.model.secret import ObservedSecret, OwnerReference
from onepassword_operator.rules.secret import handover_owners
from onepassword_operator.rules.secret.seal import Verdict
from unit.rules import samples
from unit.rules.samples import CLAIM, REVISION

OURS = CLAIM.owner_reference
HEIR = OwnerReference(kind="Deployment", name="api", uid="api-uid", api_version="apps/v1")
OTHER_HEIR = OwnerReference(kind="Deployment", name="web", uid="web-uid", api_version="apps/v1")
STRANGER = OwnerReference(kind="Certificate", name="tls", uid="x", api_version="cert-manager.io/v1")
HELD_UP = samples.claim(finalizers=(names.OFFICIAL_FINALIZER,))
GOING = dataclasses.replace(HELD_UP, terminating=True)
ORPHANING = dataclasses.replace(GOING, finalizers=(names.OFFICIAL_FINALIZER, names.ORPHAN_FINALIZER))


def _secret(*owners: OwnerReference, marked: bool = True, **changes: Any) -> ObservedSecret:
    marks = {names.ITEM_PATH: REVISION.path, names.ITEM_VERSION: "3"} if marked else {}
    return dataclasses.replace(samples.BARE_SECRET, **{"annotations": marks, "owners": owners} | changes)


def _decide(
    claim: Any, observed: ObservedSecret | None, *remaining_owners: OwnerReference, verdict: Verdict = Verdict.BROKEN
) -> tuple[OwnerReference, ...] | None:
    return handover_owners.decide(claim, observed, verdict=verdict, remaining_owners=remaining_owners)


@pytest.mark.parametrize("claim", [HELD_UP, GOING, ORPHANING])
@pytest.mark.parametrize("observed", [None, _secret(terminating=True), _secret(OURS, terminating=True)])
def test_a_secret_that_is_gone_or_going_needs_nothing(claim: Any, observed: ObservedSecret | None) -> None:
    assert _decide(claim, observed, HEIR) is None


@pytest.mark.parametrize("claim", [HELD_UP, GOING])
def test_the_secret_gets_the_reference_that_takes_it_along(claim: Any) -> None:
    assert _decide(claim, _secret()) == (OURS,)
    assert _decide(claim, _secret(marked=False), verdict=Verdict.INTACT) == (OURS,)
    assert (_decide(claim, _secret(OURS)), _decide(claim, _secret(OURS, STRANGER))) == (None, None)


@pytest.mark.parametrize("claim", [HELD_UP, GOING, ORPHANING])
@pytest.mark.parametrize("observed", [_secret(marked=False), _secret(STRANGER), _secret(HEIR), _secret(STRANGER, marked=False)])
def test_a_strangers_secret_is_not_touched(claim: Any, observed: ObservedSecret) -> None:
    """The official operator deletes a Secret of the object's name whoever made it."""
    assert (_decide(claim, observed), _decide(claim, observed, OTHER_HEIR)) == (None, None)


def test_a_secret_that_is_to_be_orphaned_gets_no_reference_and_only_an_object_that_is_being_deleted_orphans() -> None:
    assert (_decide(ORPHANING, _secret()), _decide(ORPHANING, _secret(OURS))) == (None, None)
    assert _decide(dataclasses.replace(ORPHANING, terminating=False), _secret()) == (OURS,)


@pytest.mark.parametrize("claim", [GOING, ORPHANING])
def test_heirs_get_their_references_before_the_object_goes(claim: Any) -> None:
    assert _decide(claim, _secret(OURS), HEIR, OTHER_HEIR) == (OURS, HEIR, OTHER_HEIR)
    assert _decide(claim, _secret(OURS, HEIR), HEIR, OTHER_HEIR) == (OURS, HEIR, OTHER_HEIR)
    assert _decide(claim, _secret(OURS, HEIR), HEIR) is None
    assert _decide(claim, _secret(), HEIR) == (HEIR,)


def test_heirs_wait_while_the_object_lives() -> None:
    """What they are to own, a pass decides, which looks at what they ask for."""
    assert _decide(HELD_UP, _secret(), HEIR) == (OURS,)
    assert _decide(HELD_UP, _secret(OURS), HEIR) is None
