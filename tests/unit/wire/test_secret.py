"""Secrets as the API server sends them."""

import dataclasses
from typing import Any

import msgspec
import pytest

from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.secret import ObservedSecret, OwnerReference, SecretKey
from onepassword_operator.wire import secret
from unit.rules.samples import BARE_SECRET

OWNER = {"apiVersion": "onepassword.com/v1", "kind": "OnePasswordItem", "name": "db", "uid": "u1", "controller": True}
FULL: dict[str, Any] = {
    "metadata": {
        "namespace": "team",
        "name": "db",
        "uid": "s1",
        "resourceVersion": "17",
        "labels": {"a": "b"},
        "annotations": {"c": "d"},
        "ownerReferences": [OWNER],
        "finalizers": ["f"],
        "deletionTimestamp": "2024-01-01T00:00:00Z",
    },
    "type": "kubernetes.io/tls",
    "data": {"password": "aHVudGVyMg=="},
    "immutable": True,
}
BARE: dict[str, Any] = {"metadata": {"namespace": "team", "name": "db", "uid": "s1", "resourceVersion": "17"}}


def read(raw: dict[str, Any]) -> ObservedSecret:
    return secret.from_json(msgspec.json.encode(raw))


def owner_of(raw: object) -> OwnerReference:
    (found,) = read({"metadata": BARE["metadata"] | {"ownerReferences": [raw]}}).owners
    return found


def test_a_secret_is_read_whole() -> None:
    assert read(FULL) == dataclasses.replace(
        BARE_SECRET,
        type="kubernetes.io/tls",
        labels={"a": "b"},
        annotations={"c": "d"},
        owners=(OwnerReference(kind="OnePasswordItem", name="db", uid="u1", api_version="onepassword.com/v1"),),
        finalizers=("f",),
        data={"password": Confidential(b"hunter2")},
        immutable=True,
        terminating=True,
    )


@pytest.mark.parametrize(
    "raw",
    [
        BARE,
        {"metadata": BARE["metadata"] | {"labels": None, "annotations": None, "ownerReferences": None, "finalizers": None}, "data": None},
        BARE | {"type": "", "immutable": None},
    ],
)
def test_what_a_secret_lacks_is_empty(raw: dict[str, Any]) -> None:
    assert read(raw) == BARE_SECRET


@pytest.mark.parametrize(
    ("encoded", "value"),
    [("", b""), (None, b""), ("AA==", b"\0"), ("/+8=", b"\xff\xef"), ("!", b""), ("YQ", b""), ("Y!Q==", b""), ("ä", b"")],
)
def test_values_are_decoded_and_an_unreadable_one_is_empty(encoded: str | None, value: bytes) -> None:
    assert read(BARE | {"data": {"k": encoded}}).data == {"k": Confidential(value)}


def test_a_secret_never_shows_its_values_nor_does_the_struct_that_is_decoded() -> None:
    found = secret._SECRETS.decode(msgspec.json.encode(FULL))
    assert found.data
    assert not {"hunter2", "aHVudGVyMg=="} & set(repr(found).replace("'", " ").split())
    assert "hunter2" not in repr(read(FULL))


def test_an_owner_reference_keeps_what_else_it_holds_but_compares_by_identity() -> None:
    owner = owner_of(OWNER)
    assert owner.raw == OWNER
    assert owner == owner_of(OWNER | {"controller": False})
    assert owner != owner_of(OWNER | {"uid": "u2"})


def test_an_owner_reference_that_lacks_something_is_read_all_the_same() -> None:
    assert owner_of({}) == OwnerReference(kind="", name="", uid="", api_version="")


@pytest.mark.parametrize("odd", [None, 5, True, "x", ["x"], [5], {"a": 1}, {"a": None}])
@pytest.mark.parametrize("member", ["labels", "annotations", "ownerReferences", "finalizers", "generation", "deletionTimestamp"])
def test_one_odd_member_of_a_secret_leaves_the_others_readable(member: str, odd: object) -> None:
    found = read(FULL | {"metadata": FULL["metadata"] | {member: odd}})
    assert (found.key, found.data) == (SecretKey("team", "db"), {"password": Confidential(b"hunter2")})
    assert all(isinstance(text, str) for text in (*found.labels.values(), *found.annotations.values(), *found.finalizers))
