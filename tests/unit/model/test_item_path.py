"""Item paths, split as the official operator splits them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model import bounds
from onepassword_operator.model.errors import ItemPathError
from onepassword_operator.model.item_path import ItemPath, looks_like_id

NAMES = st.text(min_size=1).filter(lambda name: "/" not in name)


@given(vault=NAMES, item=NAMES)
def test_a_printed_path_parses_to_itself(vault: str, item: str) -> None:
    assert ItemPath.parse(str(ItemPath(vault, item))) == ItemPath(vault, item)


@given(st.text() | st.lists(st.sampled_from(["vaults", "items", "", "a", " "]), max_size=6).map("/".join))
def test_whatever_is_parsed_prints_as_it_was_written(text: str) -> None:
    try:
        parsed = ItemPath.parse(text)
    except ItemPathError:
        return
    assert str(parsed) == text
    assert parsed.vault
    assert parsed.item


@pytest.mark.parametrize(
    ("text", "vault", "item"),
    [
        ("vaults/Prod apps/items/Billing DB", "Prod apps", "Billing DB"),
        ("vaults/ Prod /items/ Billing ", " Prod ", " Billing "),
        ("vaults/a%2Fb/items/c%20d", "a%2Fb", "c%20d"),
        ("vaults/vaults/items/items", "vaults", "items"),
    ],
)
def test_a_path_is_taken_literally_without_trimming_or_unescaping(text: str, vault: str, item: str) -> None:
    assert ItemPath.parse(text) == ItemPath(vault, item)


OTHERS = ["vaults/a", "vaults/a/items", "vaults/a/items/", "vaults//items/b", "/vaults/a/items/b", "vaults/a/items/b/", "op://a/b"]
MISSPELT = ["vault/a/items/b", "vaults/a/item/b", "Vaults/a/items/b", "vaults/a/Items/b", "a/vaults/b/items"]


@pytest.mark.parametrize("text", OTHERS + MISSPELT)
def test_anything_else_is_refused_with_the_form_to_use(text: str) -> None:
    with pytest.raises(ItemPathError, match="must have the form vaults/<vault name or ID>/items/<item title or ID>"):
        ItemPath.parse(text)


def test_an_empty_path_is_refused_as_empty() -> None:
    with pytest.raises(ItemPathError, match=r"spec\.itemPath is empty"):
        ItemPath.parse("")


@pytest.mark.parametrize(
    ("text", "hinted"),
    [("vaults/a/items/b/c", True), ("vaults/a/b/items/c", True), ("vaults/a/items", False), ("vaults/a/b/c", False), ("op://a", False)],
)
def test_a_slash_too_many_is_answered_with_what_to_do_about_it(text: str, *, hinted: bool) -> None:
    with pytest.raises(ItemPathError) as refused:
        ItemPath.parse(text)
    assert ("use the item's ID" in str(refused.value)) is hinted


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        ("op://Prod/DB/password", "vaults/Prod/items/DB"),
        ("op://Prod/DB/section/password", "vaults/Prod/items/DB"),
        ("op://Prod/DB", "vaults/Prod/items/DB"),
        ("vaults/Prod/items/DB/password", "vaults/Prod/items/DB"),
    ],
)
def test_a_path_to_a_field_is_answered_with_the_path_to_write(text: str, instead: str) -> None:
    with pytest.raises(ItemPathError) as refused:
        ItemPath.parse(text)
    assert f"; for all fields of an item write {instead}; " in str(refused.value)


def test_the_message_quotes_no_more_than_the_beginning() -> None:
    with pytest.raises(ItemPathError) as refused:
        ItemPath.parse("x" * 4000)
    assert '"' + "x" * 200 + '"' in str(refused.value)
    assert len(str(refused.value)) < 400


def test_an_id_is_26_lower_case_letters_and_digits() -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    assert looks_like_id(letters)
    assert looks_like_id("01234567890123456789012345")
    for other in (
        "",
        letters[1:],
        letters + "0",
        letters.title(),
        "-" + letters[1:],
        "ä" + letters[1:],
        letters[1:] + "\n",
        letters + "\n",
    ):
        assert not looks_like_id(other), other


def test_a_path_that_is_too_long_to_be_kept_is_refused_with_the_remedy() -> None:
    item = "i" * (bounds.ITEM_PATH_CHARACTERS - len("vaults/v/items/"))
    assert ItemPath.parse(f"vaults/v/items/{item}").item == item
    with pytest.raises(ItemPathError, match="longer than 4096 characters; name vault and item by their IDs"):
        ItemPath.parse(bounds.clipped(f"vaults/v/items/{item}i" * 10, bounds.ITEM_PATH_CHARACTERS))
