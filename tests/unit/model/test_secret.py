"""Keys, owners and recorded revisions of Secrets."""

import dataclasses

import pytest

from onepassword_operator.model import names
from onepassword_operator.model.item import Revision, Revisions
from onepassword_operator.model.secret import OwnerReference, SecretKey
from unit.rules.samples import BARE_SECRET


def test_a_key_prints_as_people_write_it() -> None:
    assert str(SecretKey("team", "db")) == "team/db"


@pytest.mark.parametrize(("api_version", "group"), [("onepassword.com/v1", "onepassword.com"), ("apps/v1", "apps"), ("v1", ""), ("", "")])
def test_the_group_is_what_stands_before_the_version(api_version: str, group: str) -> None:
    assert OwnerReference(kind="", name="", uid="", api_version=api_version).group == group


@pytest.mark.parametrize(
    ("path", "version", "revisions"),
    [
        ("vaults/v/items/i", "3", [Revision("v", "i", 3)]),
        ("vaults/v/items/i", "0", [Revision("v", "i", 0)]),
        ("vaults/v/items/a,b", "3", [Revision("v", "a,b", 3)]),
        ("vaults/v/items/i,vaults/w/items/j", "3,5", [Revision("v", "i", 3), Revision("w", "j", 5)]),
        ("vaults/v/items/i", "3,5", None),
        ("vaults/v/items/i,vaults/w/items/j", "3,", None),
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
def test_a_secret_records_revisions_if_both_annotations_can_be_read(
    path: str | None, version: str | None, revisions: list[Revision] | None
) -> None:
    marks = {names.ITEM_PATH: path, names.ITEM_VERSION: version}
    held = dataclasses.replace(BARE_SECRET, annotations={name: value for name, value in marks.items() if value is not None})
    assert held.recorded == (Revisions(revisions) if revisions else None)
