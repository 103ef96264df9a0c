"""A OnePasswordItem as a claim on a Secret."""

import dataclasses
from typing import Any

import pytest

from onepassword_operator.model import bounds, names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import OwnerReference, SecretKey
from onepassword_operator.model.target import Claim, ObjectRef, Rendering, copied_annotations

PLAIN = Rendering()
COPYING = Rendering(copy_annotations=True)
READY = {"type": "Ready", "status": "True"}
FULL: dict[str, Any] = {
    "metadata": {
        "namespace": "team",
        "name": "db",
        "uid": "u1",
        "resourceVersion": "17",
        "generation": 4,
        "creationTimestamp": "2024-01-01T00:00:00Z",
        "labels": {"team": "a"},
        "annotations": {names.AUTO_RESTART: "true", "note": "x", names.REFRESH: "now", names.SUSPEND: "true"},
        "finalizers": ["theirs", names.OFFICIAL_FINALIZER],
        "deletionTimestamp": "2024-02-01T00:00:00Z",
    },
    "spec": {"itemPath": "vaults/a/items/b"},
    "type": "kubernetes.io/tls",
    "status": {"conditions": [{"type": "Other", "status": "False"}, READY]},
}
BARE: dict[str, Any] = {"metadata": {"namespace": "team", "name": "db", "uid": "u1", "resourceVersion": "17"}}
CLAIM = Claim.from_object(FULL, PLAIN)


def test_a_resource_is_read_whole() -> None:
    assert (
        Claim(
            key=SecretKey("team", "db"),
            name="db",
            uid="u1",
            resource_version="17",
            generation=4,
            created_at="2024-01-01T00:00:00Z",
            item_path="vaults/a/items/b",
            secret_type="kubernetes.io/tls",
            labels={"team": "a"},
            annotations={names.AUTO_RESTART: "true"},
            terminating=True,
            conditions=(Condition.from_object({"type": "Other", "status": "False"}), Condition.from_object(READY)),
            finalizers=("theirs", names.OFFICIAL_FINALIZER),
            suspended=True,
            refresh="now",
        )
        == CLAIM
    )


@pytest.mark.parametrize("nonsense", [5, True, "x", ["x"], {"a": 1}, {"conditions": 5}, {"conditions": [5]}, {"itemPath": {"a": [1]}}])
@pytest.mark.parametrize("member", ["spec", "status", "type"])
def test_a_resource_that_no_schema_has_checked_is_read_all_the_same(member: str, nonsense: object) -> None:
    claim = Claim.from_object(BARE | {member: nonsense}, PLAIN)
    assert isinstance(claim.item_path, str)
    assert isinstance(claim.secret_type, str)
    assert claim.ready is None


def test_what_should_be_text_and_is_not_is_shown_as_it_is() -> None:
    claim = Claim.from_object(BARE | {"spec": {"itemPath": 5}, "type": 7}, PLAIN)
    assert (claim.item_path, claim.secret_type) == ("5", "7")


@pytest.mark.parametrize(
    "raw",
    [
        BARE,
        BARE | {"spec": {}, "status": {}, "type": ""},
        BARE | {"spec": None, "status": None},
        BARE | {"spec": {"itemPath": None}, "status": {"conditions": None}},
        {
            "metadata": BARE["metadata"]
            | {"labels": None, "annotations": None, "generation": None, "creationTimestamp": None, "finalizers": None}
        },
    ],
)
def test_what_a_resource_lacks_is_empty(raw: dict[str, Any]) -> None:
    assert Claim.from_object(raw, COPYING) == Claim(
        key=SecretKey("team", "db"),
        name="db",
        uid="u1",
        resource_version="17",
        generation=0,
        created_at="",
        item_path="",
        secret_type="Opaque",
        labels={},
        annotations={},
        terminating=False,
        conditions=(),
    )


def test_the_owner_reference_is_as_bare_as_the_official_operators() -> None:
    assert CLAIM.owner_reference == OwnerReference(kind="OnePasswordItem", name="db", uid="u1", api_version="onepassword.com/v1")
    assert CLAIM.owner_reference.raw == {}


def test_a_claim_says_who_asks() -> None:
    assert (CLAIM.ref, CLAIM.is_resource) == (ObjectRef("OnePasswordItem", "team", "db"), True)
    assert str(CLAIM.ref) == "OnePasswordItem team/db"


def test_a_deployment_that_asks_owns_as_a_deployment() -> None:
    claim = dataclasses.replace(CLAIM, kind=names.DEPLOYMENT, name="api")
    assert (claim.ref, claim.is_resource) == (ObjectRef("Deployment", "team", "api"), False)
    assert claim.owner_reference == OwnerReference(kind="Deployment", name="api", uid="u1", api_version="apps/v1")


@pytest.mark.parametrize(("finalizers", "held_up"), [((), False), (("theirs",), False), (("theirs", names.OFFICIAL_FINALIZER), True)])
def test_the_official_operators_finalizer_holds_a_resource_up(finalizers: tuple[str, ...], held_up: object) -> None:
    assert dataclasses.replace(CLAIM, finalizers=finalizers).has_legacy_finalizer is held_up


@pytest.mark.parametrize(
    ("value", "suspended"), [("true", True), ("True", True), ("t", True), ("1", True), ("false", False), ("", False), ("yes", False)]
)
def test_a_resource_is_suspended_by_a_go_boolean(value: str, suspended: object) -> None:
    raw = {"metadata": BARE["metadata"] | {"annotations": {names.SUSPEND: value}}}
    assert Claim.from_object(raw, PLAIN).suspended is suspended


@pytest.mark.parametrize(("raw", "setting"), [(FULL, "true"), (BARE, None)])
def test_the_restart_setting_is_told_verbatim(raw: dict[str, Any], setting: str | None) -> None:
    assert Claim.from_object(raw, PLAIN).auto_restart == setting


@pytest.mark.parametrize(
    ("raw", "ready"), [(FULL, Condition.from_object(READY)), (BARE, None), (BARE | {"status": {"conditions": []}}, None)]
)
def test_the_ready_condition_is_found_among_the_others(raw: dict[str, Any], ready: Condition | None) -> None:
    assert Claim.from_object(raw, PLAIN).ready == ready


@pytest.mark.parametrize(
    "change",
    [
        {"uid": "u2"},
        {"terminating": False},
        {"item_path": "vaults/a/items/c"},
        {"secret_type": "Opaque"},
        {"labels": {}},
        {"annotations": {}},
        {"generation": 5},
        {"key": SecretKey("team", "other")},
        {"suspended": False},
        {"refresh": "again"},
    ],
)
def test_a_resource_that_asks_for_something_else_is_noticed(change: dict[str, Any]) -> None:
    assert not CLAIM.asks_the_same_as(dataclasses.replace(CLAIM, **change))


@pytest.mark.parametrize("change", [{}, {"conditions": ()}, {"resource_version": "18"}, {"finalizers": ()}])
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
        ({"operator.1password.io": "x"}, {}, {"operator.1password.io": "x"}),
    ],
)
def test_annotations_are_copied_on_request_but_never_records_of_others_or_our_own(
    annotations: dict[str, str], plain: dict[str, str], copying: dict[str, str]
) -> None:
    assert copied_annotations(annotations, PLAIN) == plain
    assert copied_annotations(annotations, COPYING) == copying


class TestBounds:
    """Whoever may create a resource decides about its size, and one is kept for each."""

    RENDERING = Rendering(copy_annotations=True)

    def claim(self, **members: Any) -> Claim:
        metadata = {"name": "db", "namespace": "app", "uid": "u", "resourceVersion": "1", **members.pop("metadata", {})}
        return Claim.from_object({"metadata": metadata, "spec": {}, **members}, self.RENDERING)

    def test_long_texts_are_kept_as_far_as_it_takes_to_refuse_them(self) -> None:
        claim = self.claim(spec={"itemPath": "p" * 100_000}, type="t" * 100_000, metadata={"annotations": {names.REFRESH: "r" * 100_000}})
        assert len(claim.item_path) == bounds.ITEM_PATH_CHARACTERS + 1
        assert len(claim.secret_type) == bounds.TYPE_CHARACTERS + 1
        assert len(claim.refresh) == bounds.REFRESH_CHARACTERS + 1

    def test_labels_and_annotations_to_be_copied_are_kept_up_to_a_bound(self) -> None:
        half = bounds.COPIED_CHARACTERS // 2 - 1
        fits = self.claim(metadata={"labels": {"l": "x" * half}, "annotations": {"a": "x" * half}})
        assert (len(fits.labels), len(fits.annotations), fits.oversized) == (1, 1, 0)
        beyond = self.claim(metadata={"labels": {"l": "x" * half}, "annotations": {"a": "x" * (half + 1)}})
        assert (beyond.labels, beyond.annotations, beyond.oversized) == ({}, {}, bounds.COPIED_CHARACTERS + 1)
        assert not beyond.asks_the_same_as(dataclasses.replace(beyond, oversized=0))
