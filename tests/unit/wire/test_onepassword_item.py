"""OnePasswordItems as JSON, as the API server sends them and as kopf hands them over."""

import dataclasses
from typing import Any

import msgspec
import pytest

from onepassword_operator.model import bounds, names
from onepassword_operator.model.outcome import Condition
from onepassword_operator.model.secret import SecretKey
from onepassword_operator.model.target import Claim, Rendering
from onepassword_operator.wire import onepassword_item
from unit.rules.samples import BARE_CLAIM

PLAIN = Rendering()
COPYING = Rendering(copy_annotations=True)
READY = {"type": "Ready", "status": "True"}
CONDITION = {
    "type": "Ready",
    "status": "True",
    "reason": "Synced",
    "message": "fine",
    "lastTransitionTime": "2024-01-01T00:00:00Z",
    "observedGeneration": 2,
}
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


def read(raw: dict[str, Any], rendering: Rendering = PLAIN) -> Claim:
    """Read the resource both ways, which never differ."""
    claim = onepassword_item.from_dict(raw, rendering)
    assert onepassword_item.from_json(msgspec.json.encode(raw), rendering) == claim
    return claim


def condition(raw: object) -> Condition:
    (found,) = read(BARE | {"status": {"conditions": [raw]}}).conditions
    return found


def test_a_resource_is_read_whole() -> None:
    assert read(FULL) == dataclasses.replace(
        BARE_CLAIM,
        generation=4,
        created_at="2024-01-01T00:00:00Z",
        item_path="vaults/a/items/b",
        secret_type="kubernetes.io/tls",
        labels={"team": "a"},
        annotations={names.AUTO_RESTART: "true"},
        terminating=True,
        conditions=(condition({"type": "Other", "status": "False"}), condition(READY)),
        finalizers=(names.OFFICIAL_FINALIZER,),
        suspended=True,
        refresh="now",
    )


@pytest.mark.parametrize("nonsense", [5, True, "x", ["x"], {"a": 1}, {"conditions": 5}, {"conditions": [5]}, {"itemPath": {"a": [1]}}])
@pytest.mark.parametrize("member", ["spec", "status", "type"])
def test_a_resource_that_no_schema_has_checked_is_read_all_the_same(member: str, nonsense: object) -> None:
    claim = read(BARE | {member: nonsense})
    assert isinstance(claim.item_path, str)
    assert isinstance(claim.secret_type, str)
    assert claim.ready is None


def test_what_should_be_text_and_is_not_is_shown_as_it_is() -> None:
    claim = read(BARE | {"spec": {"itemPath": 5}, "type": 7})
    assert (claim.item_path, claim.secret_type) == ("5", "7")


@pytest.mark.parametrize(
    "raw",
    [
        BARE,
        BARE | {"spec": {}, "status": {}, "type": ""},
        BARE | {"spec": None, "status": None},
        BARE | {"spec": {"itemPath": None}, "status": {"conditions": None}},
        {"metadata": BARE["metadata"] | dict.fromkeys(("labels", "annotations", "generation", "creationTimestamp", "finalizers"))},
    ],
)
def test_what_a_resource_lacks_is_empty(raw: dict[str, Any]) -> None:
    assert read(raw, COPYING) == BARE_CLAIM


def test_a_resource_is_suspended_by_a_go_boolean() -> None:
    raws = {
        value: {"metadata": BARE["metadata"] | {"annotations": {names.SUSPEND: value}}} for value in ("true", "t", "1", "false", "", "yes")
    }
    assert [value for value, raw in raws.items() if read(raw).suspended] == ["true", "t", "1"]


class TestBounds:
    """Whoever may create a resource decides about its size, and one is kept for each."""

    def claim(self, **members: Any) -> Claim:
        metadata = {"name": "db", "namespace": "app", "uid": "u", "resourceVersion": "1", **members.pop("metadata", {})}
        return read({"metadata": metadata, "spec": {}, **members}, COPYING)

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


def test_a_condition_is_read_and_written_without_loss() -> None:
    found, when = condition(CONDITION), "2024-01-01T00:00:00Z"
    texts = {"type": "Ready", "status": "True", "reason": "Synced", "message": "fine", "last_transition_time": when}
    assert found == Condition(**texts, observed_generation=2)
    assert found.to_object() == CONDITION


@pytest.mark.parametrize("missing", CONDITION)
def test_a_condition_that_lacks_something_is_read_all_the_same(missing: str) -> None:
    """The official operator writes neither reason nor observedGeneration, and its CRD keeps neither."""
    found = condition({name: value for name, value in CONDITION.items() if name != missing})
    empty = None if missing == "observedGeneration" else ""
    assert found.to_object() == {
        name: empty if name == missing else value for name, value in CONDITION.items() if missing != name or empty == ""
    }


@pytest.mark.parametrize("member", CONDITION)
def test_a_condition_that_no_schema_has_checked_is_read_all_the_same(member: str) -> None:
    found = condition(CONDITION | {member: ["x"]})
    assert found.to_object().get(member) == (None if member == "observedGeneration" else "['x']")


@pytest.mark.parametrize("odd", [None, 5, True, "x", ["x"], [5], {"a": 1}, {"a": None}])
@pytest.mark.parametrize(
    "member", ["creationTimestamp", "labels", "annotations", "finalizers", "generation", "deletionTimestamp", "managedFields"]
)
def test_one_odd_member_of_the_metadata_leaves_the_others_readable(member: str, odd: object) -> None:
    claim = read(FULL | {"metadata": FULL["metadata"] | {member: odd}}, COPYING)
    assert (claim.key, claim.item_path) == (SecretKey("team", "db"), "vaults/a/items/b")
    assert all(isinstance(text, str) for text in (*claim.labels.values(), *claim.annotations.values(), *claim.finalizers))
