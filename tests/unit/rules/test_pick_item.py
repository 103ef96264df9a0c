"""What a name means, decided over complete lists."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.model.errors import ItemArchivedError, ItemNotFoundError, OperatorError, VaultNotFoundError
from onepassword_operator.model.item import ItemSummary, Vault
from onepassword_operator.rules.pick_item import ItemNames, pick_item, pick_vault

EARLY, LATE = "2023-01-01T00:00:00Z", "2024-01-01T00:00:00Z"


def _vault(identity: str, name: str, created_at: str = EARLY) -> Vault:
    return Vault(id=identity, name=name, content_version=1, attribute_version=1, items=1, created_at=created_at, updated_at="")


def _item(identity: str, title: str, *, created_at: str = EARLY, active: bool = True) -> ItemSummary:
    return ItemSummary(id=identity, title=title, version=1, created_at=created_at, active=active)


HOME = _vault("v", "Prod")


@pytest.mark.official(55, 66)
@pytest.mark.parametrize(
    ("text", "vaults", "chosen"),
    [
        ("Prod", [_vault("a", "Prod"), _vault("b", "Test")], "a"),
        ("PROD", [_vault("a", "prod")], "a"),
        ("STRAßE", [_vault("a", "straße")], "a"),
        ("Straße", [_vault("a", "Strasse", EARLY), _vault("b", "Straße", LATE)], "b"),
        ("a", [_vault("a", "x"), _vault("b", "a")], "a"),
        ("a", [_vault("b", "a", EARLY), _vault("a", "x", LATE)], "a"),
        ("A", [_vault("a", "x"), _vault("b", "a")], "b"),
    ],
)
def test_a_vault_is_found_by_id_or_by_name_without_case(text: str, vaults: list[Vault], chosen: str) -> None:
    found, warning = pick_vault(text, vaults)
    assert (found.id, warning) == (chosen, "")


@pytest.mark.parametrize("vaults", [[], [HOME], [_vault("a", "Staging 2")]])
def test_a_vault_that_the_token_does_not_see_is_reported_with_the_remedy(vaults: list[Vault]) -> None:
    with pytest.raises(VaultNotFoundError, match=r'no vault with the name or ID "Staging" .* give the token access'):
        pick_vault("Staging", vaults)


@pytest.mark.official(56, 67)
@pytest.mark.parametrize(
    ("vaults", "chosen"),
    [
        ([_vault("a", "Prod", LATE), _vault("b", "prod", EARLY)], "b"),
        ([_vault("b", "Prod"), _vault("a", "Prod")], "a"),
        ([_vault("a", "Prod", "2024-01-01T00:00:00.5Z"), _vault("b", "Prod", "2024-01-01T00:00:00Z")], "b"),
        ([_vault("a", "Prod", "2024-01-01T00:00:00Z"), _vault("b", "Prod", "2024-01-01T01:00:00+02:00")], "b"),
        ([_vault("b", "Prod", "2024-01-01T00:00:00Z"), _vault("a", "Prod", "2024-01-01T00:00:00.000+00:00")], "a"),
        ([_vault("a", "Prod", "2024-01-01T00:00:00Z"), _vault("b", "Prod", "")], "b"),
        ([_vault("a", "Prod", "2024-01-01T00:00:00"), _vault("b", "Prod", "2024-01-01T00:00:00Z")], "a"),
    ],
)
def test_of_several_vaults_the_oldest_is_taken_and_the_others_are_told(vaults: list[Vault], chosen: str) -> None:
    found, warning = pick_vault("Prod", vaults)
    assert found.id == chosen
    assert warning == f'2 vaults are named "Prod" (a, b); the oldest, {chosen}, is used; name the one you mean by its ID'


@pytest.mark.official(50, 60)
@pytest.mark.parametrize(
    ("text", "items", "chosen"),
    [
        ("DB", [_item("a", "DB"), _item("b", "Cache")], "a"),
        ("db", [_item("a", "DB")], "a"),
        ("db", [_item("a", "DB", created_at=EARLY), _item("b", "db", created_at=LATE)], "b"),
        ("a", [_item("a", "x"), _item("b", "a")], "a"),
        ("a", [_item("b", "a", created_at=EARLY), _item("a", "x", created_at=LATE)], "a"),
        ("A", [_item("a", "x"), _item("b", "A")], "b"),
        ("DB", [_item("a", "DB", created_at=EARLY, active=False), _item("b", "DB", created_at=LATE)], "b"),
    ],
)
def test_an_item_is_found_by_id_then_by_title_then_by_title_without_case(text: str, items: list[ItemSummary], chosen: str) -> None:
    found, warning = pick_item(text, items, vault=HOME)
    assert (found.id, warning) == (chosen, "")


@pytest.mark.official(62)
@pytest.mark.parametrize("items", [[], [_item("a", "Cache")]])
def test_an_item_that_is_not_there_is_reported_with_the_remedy(items: list[ItemSummary]) -> None:
    with pytest.raises(ItemNotFoundError, match=r'vault "Prod" has no item with the title or ID "DB"; .* create the item'):
        pick_item("DB", items, vault=HOME)


DECOMPOSED, COMPOSED = "Cafe\u0301", "Caf\u00e9"


@pytest.mark.parametrize(("asked", "named"), [(DECOMPOSED, COMPOSED), (COMPOSED, DECOMPOSED), (COMPOSED.upper(), DECOMPOSED)])
def test_a_letter_in_another_unicode_form_is_the_same_letter(asked: str, named: str) -> None:
    assert pick_item(asked, [_item("a", named)], vault=HOME)[0].id == "a"
    assert pick_vault(asked, [_vault("a", named)])[0].id == "a"


def test_the_title_in_the_very_form_that_is_asked_for_comes_first() -> None:
    assert pick_item(COMPOSED, [_item("a", DECOMPOSED), _item("b", COMPOSED, created_at=LATE)], vault=HOME)[0].id == "b"


@pytest.mark.parametrize(
    ("asked", "named", "shown"),
    [
        ("my item ", "my item", '"my item "'),
        ("my item\n", "my item", r'"my item\n"'),
        ("my\u00a0item", "my item", r'"my\xa0item"'),
        ("leading space", " leading space", '"leading space"'),
        ("a  b", "A b", '"a  b"'),
    ],
)
def test_a_name_that_differs_in_white_space_alone_is_shown_with_what_is_there(asked: str, named: str, shown: str) -> None:
    with pytest.raises(ItemNotFoundError) as item:
        pick_item(asked, [_item("a", "other"), _item("b", named)], vault=HOME)
    with pytest.raises(VaultNotFoundError) as vault:
        pick_vault(asked, [_vault("a", "other"), _vault("b", named)])
    for noun, said in (("item", str(item.value)), ("vault", str(vault.value))):
        assert shown in said
        assert said.endswith(f'; the {noun} "{named}" differs only in white space; write the path exactly so, or rename the {noun}')


@pytest.mark.parametrize("text", ["DB", "db", "a"])
def test_an_item_that_is_only_in_the_archive_is_reported_as_archived(text: str) -> None:
    with pytest.raises(ItemArchivedError, match=f'item "{text}" in vault "Prod" is archived; restore it'):
        pick_item(text, [_item("a", "DB", active=False)], vault=HOME)


def test_an_archived_item_that_is_named_by_its_id_is_not_replaced_by_one_that_is_titled_so() -> None:
    with pytest.raises(ItemArchivedError):
        pick_item("a", [_item("a", "x", active=False), _item("b", "a")], vault=HOME)


@pytest.mark.official(51, 61)
@pytest.mark.parametrize(
    ("items", "chosen"),
    [
        ([_item("a", "DB", created_at=LATE), _item("b", "DB", created_at=EARLY)], "b"),
        ([_item("b", "DB"), _item("a", "DB"), _item("c", "DB", active=False)], "a"),
    ],
)
def test_of_several_items_the_oldest_active_one_is_taken_and_the_others_are_told(items: list[ItemSummary], chosen: str) -> None:
    found, warning = pick_item("DB", items, vault=HOME)
    assert found.id == chosen
    assert warning == f'2 items are named "DB" (a, b); the oldest, {chosen}, is used; name the one you mean by its ID'


@pytest.mark.parametrize(
    "written",
    [
        "2024-05-02T08:12:00Z",
        "2024-05-02T08:12:00.5Z",
        "2024-05-02T08:12:00.123456Z",
        "2024-05-02T08:12:00.123456789Z",
        "2024-05-02T10:12:00+02:00",
        "2024-05-02T03:12:00.1-05:00",
        "2024-05-02T08:12:00",
    ],
)
def test_times_are_moments_however_they_are_written(written: str) -> None:
    for other, oldest in (("2024-05-02T08:11:59Z", "other"), ("2024-05-02T08:12:01Z", "this")):
        items = [_item("this", "DB", created_at=written), _item("other", "DB", created_at=other)]
        assert pick_item("DB", items, vault=HOME)[0].id == oldest


def test_a_generator_of_items_is_enough() -> None:
    assert pick_item("db", (item for item in [_item("a", "DB")]), vault=HOME)[0].id == "a"


WORDS = st.sampled_from(["a", "b", "A", "B", "c"])
ITEMS = st.lists(
    st.builds(
        lambda *parts: _item(parts[0], parts[1], created_at=parts[2], active=parts[3]),
        WORDS,
        WORDS,
        st.sampled_from([EARLY, LATE]),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda item: item.id,
)


def _answer(text: str, items: list[ItemSummary]) -> tuple[ItemSummary, str] | type[OperatorError]:
    try:
        return pick_item(text, items, vault=HOME)
    except OperatorError as error:
        return type(error)


@given(text=WORDS, items=ITEMS, data=st.data())
def test_the_answer_does_not_depend_on_the_order_of_the_list(text: str, items: list[ItemSummary], data: st.DataObject) -> None:
    """The official operator's does, and restarted pods at every poll."""
    assert _answer(text, data.draw(st.permutations(items))) == _answer(text, items)


@given(text=WORDS, items=ITEMS)
def test_an_id_wins_over_every_title(text: str, items: list[ItemSummary]) -> None:
    named = _item(text, "anything", created_at=LATE)
    assert _answer(text, [*(item for item in items if item.id != text), named]) == (named, "")


@given(text=WORDS, items=ITEMS, data=st.data())
def test_vaults_too_are_picked_without_regard_to_order_and_ids_win(text: str, items: list[ItemSummary], data: st.DataObject) -> None:
    vaults = [_vault(item.id, item.title, item.created_at) for item in items]
    shuffled = data.draw(st.permutations(vaults))
    try:
        expected = pick_vault(text, vaults)
    except VaultNotFoundError:
        with pytest.raises(VaultNotFoundError):
            pick_vault(text, shuffled)
    else:
        assert pick_vault(text, shuffled) == expected
        assert expected[0].id == text or text not in {vault.id for vault in vaults}


@given(st.lists(st.text("aAéE\u0301ßs \t\u2003", max_size=4), max_size=5), st.text("aAéE\u0301ßs \t\u2003i0", max_size=4))
def test_a_few_names_that_are_near_lead_where_all_of_a_vault_lead(titles: list[str], text: str) -> None:
    items = {f"i{number}": _item(f"i{number}", title, created_at=LATE) for number, title in enumerate(titles)}

    def found(listed: Iterable[ItemSummary]) -> object:
        try:
            return pick_item(text, listed, vault=HOME)
        except OperatorError as error:
            return str(error)

    assert found(ItemNames(items).near(text)) == found(items.values())
