"""Claims on Secrets."""

import dataclasses
from typing import Any

import pytest

from onepassword_operator.model import names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import OwnerReference, SecretKey
from onepassword_operator.model.target import ObjectRef, Rendering, copied_annotations
from unit.rules.samples import BARE_CLAIM

PLAIN = Rendering()
COPYING = Rendering(copy_annotations=True)
READY = Condition(type="Ready", status="True", reason="", message="", last_transition_time="", observed_generation=None)

OTHER = dataclasses.replace(READY, type="Other")
CLAIM = dataclasses.replace(
    BARE_CLAIM,
    generation=4,
    created_at="2024-01-01T00:00:00Z",
    item_path="vaults/a/items/b",
    secret_type="kubernetes.io/tls",
    labels={"team": "a"},
    annotations={names.AUTO_RESTART: "true"},
    terminating=True,
    finalizers=("theirs", names.OFFICIAL_FINALIZER),
    suspended=True,
    refresh="now",
)


def test_a_claim_says_who_asks_and_its_owner_reference_is_as_bare_as_the_official_operators() -> None:
    assert (CLAIM.ref, CLAIM.is_resource) == (ObjectRef("OnePasswordItem", "team", "db"), True)
    assert str(CLAIM.ref) == "OnePasswordItem team/db"
    assert CLAIM.log_fields == {"secret": str(CLAIM.key), "object": f"OnePasswordItem {CLAIM.key.namespace}/{CLAIM.name}"}
    assert CLAIM.owner_reference == OwnerReference(kind="OnePasswordItem", name="db", uid="u1", api_version="onepassword.com/v1")
    assert CLAIM.owner_reference.raw == {}
    claim = dataclasses.replace(CLAIM, kind="Deployment", name="api")
    assert (claim.ref, claim.is_resource) == (ObjectRef("Deployment", "team", "api"), False)
    assert claim.owner_reference == OwnerReference(kind="Deployment", name="api", uid="u1", api_version="apps/v1")


@pytest.mark.parametrize(("finalizers", "held_up"), [((), False), (("theirs",), False), (("theirs", names.OFFICIAL_FINALIZER), True)])
def test_the_official_operators_finalizer_holds_a_resource_up(finalizers: tuple[str, ...], held_up: object) -> None:
    assert dataclasses.replace(CLAIM, finalizers=finalizers).has_legacy_finalizer is held_up


@pytest.mark.parametrize(("annotations", "setting"), [({names.AUTO_RESTART: "true"}, "true"), ({}, None)])
def test_the_restart_setting_is_told_verbatim(annotations: dict[str, str], setting: str | None) -> None:
    assert dataclasses.replace(CLAIM, annotations=annotations).auto_restart == setting


@pytest.mark.parametrize(("conditions", "ready"), [((OTHER, READY), READY), ((OTHER,), None)])
def test_the_ready_condition_is_found_among_the_others(conditions: tuple[Condition, ...], ready: Condition | None) -> None:
    assert dataclasses.replace(CLAIM, conditions=conditions).ready == ready


OTHER_OBJECT = {"uid": "u2", "key": SecretKey("team", "other"), "terminating": False, "generation": 5, "suspended": False}
OTHER_WISH = {"item_path": "vaults/a/items/c", "secret_type": "Opaque", "labels": {}, "annotations": {}, "refresh": "again"}


@pytest.mark.parametrize(("member", "value"), (OTHER_OBJECT | OTHER_WISH).items())
def test_a_resource_that_asks_for_something_else_is_noticed(member: str, value: Any) -> None:
    assert not CLAIM.asks_the_same_as(dataclasses.replace(CLAIM, **{member: value}))


@pytest.mark.parametrize("change", [{}, {"conditions": ()}, {"resource_version": 18}, {"finalizers": ()}])
def test_a_status_write_asks_for_nothing_new(change: dict[str, Any]) -> None:
    assert CLAIM.asks_the_same_as(dataclasses.replace(CLAIM, **change))


@pytest.mark.parametrize(
    ("annotations", "plain", "copying"),
    [
        ({}, {}, {}),
        ({"note": "x"}, {}, {"note": "x"}),
        ({"note": ""}, {}, {"note": ""}),
        ({names.AUTO_RESTART: "false"}, {names.AUTO_RESTART: "false"}, {names.AUTO_RESTART: "false"}),
        ({names.AUTO_RESTART: ""}, {}, {}),
        ({names.LAST_APPLIED: "{}"}, {}, {}),
        ({names.ITEM_PATH: "p", names.SEAL: "s", names.RESTART_PENDING: "r", names.PREFIX + "new": "n"}, {}, {}),
        ({names.REVISIONS: "v/i@1", names.RECIPE: "r", names.ADOPT: "a"}, {}, {}),
        ({"operator.1password.io": "x"}, {}, {"operator.1password.io": "x"}),
    ],
)
def test_annotations_are_copied_on_request_but_never_records_of_others_or_our_own(
    annotations: dict[str, str], plain: dict[str, str], copying: dict[str, str]
) -> None:
    assert copied_annotations(annotations, PLAIN) == plain
    assert copied_annotations(annotations, COPYING) == copying
