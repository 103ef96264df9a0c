"""What a complete list says about the items that are followed."""

from typing import Any

import pytest

from onepassword_operator.model.item import ItemSummary, Revision
from onepassword_operator.rules import item_changes
from onepassword_operator.rules.older_answers import Doubt, Known, Restored


def _listed(version: int, *, active: bool = True) -> dict[str, ItemSummary]:
    return {"a": ItemSummary(id="a", title="A", version=version, created_at="", active=active)}


@pytest.mark.parametrize(
    ("versions", "listed", "changed", "missing"),
    [
        ([], _listed(3), set(), set()),
        ([3], _listed(3), set(), set()),
        ([3], _listed(4), {"a"}, set()),
        ([3], _listed(2), set(), set()),
        ([3, 4], _listed(4), {"a"}, set()),
        ([3, 3], _listed(4), {"a"}, set()),
        ([3], {}, set(), {"a"}),
        ([3], _listed(3, active=False), set(), {"a"}),
        ([3], _listed(4, active=False), set(), {"a"}),
    ],
)
def test_an_item_changed_if_its_version_is_higher_and_is_missing_if_not_listed_as_active(
    versions: list[int], listed: dict[str, ItemSummary], changed: set[str], missing: set[str]
) -> None:
    found = item_changes.compare([Revision("v", "a", version) for version in versions], Known(items=listed))
    assert found == item_changes.ItemChanges(changed=frozenset(changed), missing=frozenset(missing), older=found.older)


def test_a_lower_version_is_a_change_only_where_it_is_believed_that_the_item_was_restored() -> None:
    newer = Revision("v", "a", 3)
    assert item_changes.compare([newer], Known(items=_listed(2))) == item_changes.ItemChanges(
        changed=frozenset(), missing=frozenset(), older=(newer,)
    )
    assert item_changes.compare([newer], Known(items=_listed(2), restored={"b": Restored(2, 3)})).older == (newer,)
    for restored_to in (1, 2):  # edited since, or not
        assert item_changes.compare([newer], Known(items=_listed(2), restored={"a": Restored(restored_to, 3)})).changed == {"a"}


def test_items_that_nobody_follows_do_not_matter() -> None:
    items = _listed(3) | {"b": ItemSummary(id="b", title="B", version=1, created_at="")}
    found = item_changes.compare([Revision("v", "b", 1)], Known(items=items))
    assert found == item_changes.ItemChanges(changed=frozenset(), missing=frozenset())


def _item(name: str = "a", **members: Any) -> dict[str, ItemSummary]:
    plain = ItemSummary(id=name, title="A", version=1, created_at="", tags=("x", "y"))
    return {name: plain._replace(**members)}


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({}, {}, 0),
        (_item(), _item(), 0),
        (_item(), _item(tags=("y", "x"), created_at="another clock"), 0),
        (_item(), _item(version=2), 1),
        (_item(), _item(title="B"), 1),
        (_item(), _item(tags=("x",)), 1),
        (_item(), _item(active=False), 1),
        (_item(), {}, 1),
        ({}, _item(), 1),
        (_item("a"), _item("b"), 2),
    ],
)
def test_a_change_between_two_lists_is_anything_that_a_secret_can_depend_on(
    before: dict[str, ItemSummary], after: dict[str, ItemSummary], changes: int
) -> None:
    assert item_changes.count_changes(Known(items=before), Known(items=after)) == changes


@pytest.mark.parametrize(("shown", "polls", "changes"), [(None, 1, 1), (None, 2, 0), (1, 1, 0)])
def test_so_is_the_first_list_that_lacks_an_item(shown: int | None, polls: int, changes: int) -> None:
    after = Known(items=_item(version=2), doubts={"a": Doubt(shown=shown, since=0.0, polls=polls)})
    assert item_changes.count_changes(Known(items=_item(version=2)), after) == changes
