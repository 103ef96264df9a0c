"""1Password's side: what identifies content, and what shows that something moved."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model.item import Item, Revision, Revisions, Vault, parse_version

VAULT = Vault(id="v", name="Prod", content_version=7, attribute_version=2, items=3, created_at="2024-01-01T00:00:00Z", updated_at="then")
IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=26)


MOVED: list[dict[str, Any]] = [{"content_version": 8}, {"attribute_version": 3}, {"items": 4}, {"updated_at": "now"}]
RENAMED: list[dict[str, Any]] = [{"name": "Production"}, {"created_at": "earlier"}]


@pytest.mark.parametrize("change", MOVED + RENAMED)
def test_a_vault_has_another_fingerprint_if_its_content_moved_and_not_if_it_was_only_renamed(change: dict[str, Any]) -> None:
    assert (dataclasses.replace(VAULT, **change).fingerprint == VAULT.fingerprint) is (change in RENAMED)


def test_the_revision_of_an_item_is_its_vault_id_and_version_and_prints_and_names_its_path() -> None:
    revision = Item(id="i", vault_id="v", title="t", version=3).revision
    assert (revision, str(revision), revision.path) == (Revision("v", "i", 3), "v/i@3", "vaults/v/items/i")


@given(vault_id=IDS, item_id=IDS, version=st.integers(0, 10**18 - 1))
def test_a_printed_revision_parses_to_itself(vault_id: str, item_id: str, version: int) -> None:
    revision = Revision(vault_id, item_id, version)
    assert Revision.parse(str(revision)) == revision


@given(st.text() | st.from_regex(r"\A[a-z]*/?[a-z]*@?\d*\Z"))
def test_only_what_a_revision_prints_is_parsed(text: str) -> None:
    parsed = Revision.parse(text)
    assert parsed is None or str(parsed) == text


X, Y = Revision("v", "x", 3), Revision("w", "y", 5)


@pytest.mark.parametrize(("revisions", "text", "versions"), [(Revisions((X,)), "v/x@3", "3"), (Revisions((X, Y)), "v/x@3,w/y@5", "3, 5")])
def test_several_revisions_print_in_their_order_and_one_as_itself(revisions: Revisions, text: str, versions: str) -> None:
    assert (str(revisions), revisions.versions) == (text, versions)
    assert Revisions.parse(text) == revisions


def test_one_of_several_revisions_is_replaced_at_its_place() -> None:
    newer = dataclasses.replace(Y, version=6)
    assert Revisions((X, Y)).having(newer, at=1) == (X, newer)
    assert Revisions((X,)).having(newer, at=0) == (newer,)


NOT_A_VERSION = ["", " 3", "3 ", "3\n", "-3", "+3", "3.0", "0x3", "03", "3_0", "٣", "²", "three", "9" * 19, "9" * 5000]


@pytest.mark.parametrize("text", NOT_A_VERSION)
def test_only_plain_decimal_numbers_are_versions(text: str) -> None:
    """An annotation can be edited to anything; Python's `int` takes digits of other scripts and fails on thousands of them."""
    assert parse_version(text) is None
    assert Revision.parse(f"v/i@{text}") is None


@pytest.mark.parametrize(("text", "version"), [("0", 0), ("3", 3), ("10", 10), ("9" * 18, 10**18 - 1)])
def test_plain_decimal_numbers_are_versions(text: str, version: int) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "@", "/", "/@3", "v@3", "v/@3", "/i@3", "v/i", "v/i@", "v/i3"])
def test_a_revision_has_a_vault_an_item_and_a_version_and_several_parse_only_if_each_does(text: str) -> None:
    assert Revision.parse(text) is None
    assert [Revisions.parse(several) for several in (text, f"v/x@3,{text}", f"{text},v/x@3", f"{text},")] == [None] * 4


def test_a_vault_is_older_if_one_of_its_versions_is_lower() -> None:
    vault = Vault(id="v", name="V", content_version=5, attribute_version=2, items=1, created_at="", updated_at="")
    assert dataclasses.replace(vault, content_version=4).is_older_than(vault)
    assert dataclasses.replace(vault, attribute_version=1).is_older_than(vault)
    assert not dataclasses.replace(vault, content_version=6, items=0).is_older_than(vault)
