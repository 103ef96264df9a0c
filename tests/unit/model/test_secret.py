"""Secrets as the API server shows them."""

from typing import Any

import pytest

from onepassword_operator.model import names
from onepassword_operator.model.confidential import Confidential
from onepassword_operator.model.item import Revision
from onepassword_operator.model.secret import ObservedSecret, OwnerReference, SecretKey, recorded_revision

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


def test_a_key_prints_as_people_write_it() -> None:
    assert str(SecretKey("team", "db")) == "team/db"


def test_a_secret_is_read_whole() -> None:
    assert ObservedSecret.from_object(FULL) == ObservedSecret(
        key=SecretKey("team", "db"),
        uid="s1",
        resource_version="17",
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
    assert ObservedSecret.from_object(raw) == ObservedSecret(
        key=SecretKey("team", "db"),
        uid="s1",
        resource_version="17",
        type="Opaque",
        labels={},
        annotations={},
        owners=(),
        finalizers=(),
        data={},
        immutable=False,
        terminating=False,
    )


@pytest.mark.parametrize(
    ("encoded", "value"), [("", b""), (None, b""), ("AA==", b"\0"), ("/+8=", b"\xff\xef"), ("!", b""), ("YQ", b""), ("ä", b"")]
)
def test_values_are_decoded_and_an_unreadable_one_is_empty(encoded: str | None, value: bytes) -> None:
    assert ObservedSecret.from_object(BARE | {"data": {"k": encoded}}).data == {"k": Confidential(value)}


def test_a_secret_never_shows_its_values() -> None:
    assert "hunter2" not in repr(ObservedSecret.from_object(FULL))


def test_an_owner_reference_keeps_what_else_it_holds_but_compares_by_identity() -> None:
    owner = OwnerReference.from_object(OWNER)
    assert owner.raw == OWNER
    assert owner == OwnerReference.from_object(OWNER | {"controller": False})
    assert owner != OwnerReference.from_object(OWNER | {"uid": "u2"})


def test_an_owner_reference_that_lacks_something_is_read_all_the_same() -> None:
    assert OwnerReference.from_object({}) == OwnerReference(kind="", name="", uid="", api_version="")


@pytest.mark.parametrize(("api_version", "group"), [("onepassword.com/v1", "onepassword.com"), ("apps/v1", "apps"), ("v1", ""), ("", "")])
def test_the_group_is_what_stands_before_the_version(api_version: str, group: str) -> None:
    assert OwnerReference.from_object({"apiVersion": api_version}).group == group


@pytest.mark.parametrize(
    ("path", "version", "revision"),
    [
        ("vaults/v/items/i", "3", Revision("v", "i", 3)),
        ("vaults/v/items/i", "0", Revision("v", "i", 0)),
        (None, "3", None),
        ("vaults/v/items/i", None, None),
        ("vaults/v/items/i", "", None),
        ("vaults/v/items/i", "-1", None),
        ("vaults/v/items/i", "9" * 5000, None),
        ("vaults/v/items", "3", None),
        ("vaults/v/items/i/x", "3", None),
        ("vault/v/items/i", "3", None),
        ("vaults/v/item/i", "3", None),
    ],
)
def test_a_secret_records_a_revision_if_both_annotations_can_be_read(
    path: str | None, version: str | None, revision: Revision | None
) -> None:
    marks = {names.ITEM_PATH: path, names.ITEM_VERSION: version}
    raw = {"metadata": BARE["metadata"] | {"annotations": {name: value for name, value in marks.items() if value is not None}}}
    assert recorded_revision(ObservedSecret.from_object(raw)) == revision
