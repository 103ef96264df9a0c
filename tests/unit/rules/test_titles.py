"""When an item may take another's place by its title."""

import pytest

from onepassword_operator.model.item import ItemSummary
from onepassword_operator.rules import titles
from onepassword_operator.rules.older_answers import Doubt, Known
from onepassword_operator.rules.titles import Titled


def item(item_id: str, title: str, *, active: bool = True) -> ItemSummary:
    return ItemSummary(id=item_id, title=title, version=1, created_at="", active=active)


def known(*items: ItemSummary) -> Known:
    return Known(items={each.id: each for each in items})


PINNED = item("old", "db (old)")


@pytest.mark.parametrize(
    ("pinned", "others", "successor"),
    [
        (PINNED, [item("new", "db")], "new"),
        (PINNED, [item("new", "DB")], "new"),
        (PINNED, [], None),
        (PINNED, [item("new", "db", active=False)], None),
        (PINNED, [item("new", "db", active=False), item("other", "DB")], "other"),
        (PINNED, [item("new", "db"), item("newer", "db")], None),
        (item("old", "db"), [item("new", "db")], None),
        (item("old", "DB"), [item("new", "db")], None),
    ],
)
def test_one_other_item_with_the_title_is_the_heir_if_the_pinned_one_has_lost_it(
    pinned: ItemSummary, others: list[ItemSummary], successor: str | None
) -> None:
    found = titles.successor("db", pinned, known=known(pinned, *others))
    assert (found.id if found else None) == successor


def test_an_item_whose_absence_is_in_doubt_is_no_heir() -> None:
    doubt = Doubt(shown=None, since=1.0, polls=1)
    both = {"old": PINNED, "new": item("new", "db")}
    assert titles.successor("db", PINNED, known=Known(items=both, doubts={"new": doubt})) is None


def test_only_items_that_came_or_were_renamed_are_noted_and_a_rename_keeps_the_moment_they_came() -> None:
    first = {"a": item("a", "one"), "b": item("b", "two")}
    noted = titles.note({}, first, items=first | {"c": item("c", "three")}, poll=2, now=20.0)
    assert noted == {"c": Titled(2, 20.0)}
    former, later = first | {"c": item("c", "three")}, {"a": item("a", "renamed"), "c": item("c", "renamed too")}
    noted = titles.note(noted, former, items=later, poll=5, now=50.0)
    assert noted == {"a": Titled(5, None), "c": Titled(5, 20.0)}
    assert titles.note(noted, later, items={"a": later["a"]}, poll=6, now=60.0) == {"a": Titled(5, None)}


@pytest.mark.parametrize(
    ("poll", "recent", "settled"),
    [(4, {"b", "two"}, {"a"}), (5, {"b", "two"}, {"a"}), (6, {"b", "two"}, {"a", "b"}), (7, set(), {"a", "b"})],
)
def test_a_title_counts_from_the_third_poll_that_shows_it(poll: int, recent: set[str], settled: set[str]) -> None:
    items = {"a": item("a", "One"), "b": item("b", "Two"), "c": item("c", "Three", active=False)}
    noted = {"b": Titled(4, 40.0), "c": Titled(4, 40.0)}
    assert titles.recent(noted, items, poll=poll) == recent
    assert {each for each in ("a", "b") if titles.confirmed(noted, each, poll=poll)} == settled


@pytest.mark.parametrize(("poll", "recent", "settled"), [(2, {"a", "one"}, False), (3, {"a", "one"}, True), (4, set(), True)])
def test_so_do_those_of_the_first_list(poll: int, recent: set[str], *, settled: bool) -> None:
    assert titles.recent({}, {"a": item("a", "One")}, poll=poll) == recent
    assert titles.confirmed({}, "a", poll=poll) is settled


@pytest.mark.parametrize(("came", "after"), [(None, False), (19.0, False), (20.0, True), (21.0, True)])
def test_an_item_came_after_a_loss_if_no_list_before_had_it(came: float | None, *, after: bool) -> None:
    assert titles.came_after({"new": Titled(1, came)}, "new", moment=20.0) is after
    assert not titles.came_after({}, "new", moment=20.0)
