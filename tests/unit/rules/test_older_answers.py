"""Which older answers are believed, and when."""

import pytest

from onepassword_operator.model.item import ItemSummary, Revision
from onepassword_operator.rules import older_answers
from onepassword_operator.rules.older_answers import Doubt, Known, Reading, Restored


def listed(version: int = 2, *, active: bool = True, title: str = "A") -> dict[str, ItemSummary]:
    return {"a": ItemSummary(id="a", title=title, version=version, created_at="", active=active)}


NEWER, OLDER, ABSENT = listed(2), listed(1, title="before"), dict[str, ItemSummary]()
MINUTE = 60.0


class Server:
    """Lists of one vault, a minute apart."""

    def __init__(self, known: dict[str, ItemSummary] = NEWER) -> None:
        self.known, self.now, self.contradictions = Known(items=known), 0.0, 0

    def shows(
        self, items: dict[str, ItemSummary], *, times: int = 1, polled: bool = True, moved: bool = True, in_step: bool = True
    ) -> Known:
        for _ in range(times):
            reading = Reading(now=self.now, polled=polled, moved=moved, in_step=in_step)
            self.known, contradicted = older_answers.merge(self.known, dict(items), reading=reading)
            self.contradictions += contradicted
            self.now += MINUTE
        return self.known


def is_gone(known: Known) -> bool:
    return "a" not in known.items and known.doubts["a"].believed


def test_the_same_list_leaves_everything_in_place() -> None:
    known = Known(items=NEWER, doubts={"a": Doubt.closed(now=0.0)})
    assert older_answers.merge(known, dict(NEWER), reading=Reading(now=0.0, polled=True, moved=True, in_step=True))[0].items is NEWER
    known = Known(items=NEWER)
    assert older_answers.merge(known, dict(NEWER), reading=Reading(now=0.0, polled=True, moved=True, in_step=True)) == (known, False)


def test_a_newer_list_is_taken_in() -> None:
    server = Server()
    assert server.shows(listed(3, title="renamed")).items == listed(3, title="renamed")
    assert (server.known.doubts, server.contradictions) == ({}, 0)


def test_a_lower_version_stays_as_it_was_known_for_ten_minutes_and_is_then_taken_over() -> None:
    server = Server()
    assert server.shows(OLDER, times=10).items == NEWER  # from minute 0 to minute 9
    assert (server.known.count_doubts(), server.shows(OLDER).items) == (1, OLDER)
    assert server.known.restored == {"a": Restored(1, 2)}
    assert server.known.count_doubts() == 0
    assert server.shows(OLDER).restored == {"a": Restored(1, 2)}
    assert (server.known.doubts["a"].refuted, server.shows(NEWER).restored) == (0, {})


@pytest.mark.parametrize(
    ("read", "held", "believed"),
    [(3, 41, True), (4, 41, True), (5, 41, True), (2, 41, False), (3, 5, True), (3, 4, False), (2, 3, False)],
)
def test_what_was_held_before_an_item_was_restored_is_older_than_its_edits_since(read: int, held: int, *, believed: bool) -> None:
    """Restored to version 3, edited to 4: whoever read 4 and then reads 3 has met a server that lags behind."""
    known = Known(items=listed(4), restored={"a": Restored(3, 41)})
    assert known.is_restored("a", read, held=held) is believed


def test_it_takes_three_polls_however_far_apart() -> None:
    server = Server()
    for _ in range(2):
        server.shows(OLDER)
        server.now += 3600
    assert (server.known.items, server.shows(OLDER).items) == (NEWER, OLDER)


def test_what_look_ups_show_counts_for_nothing_and_against_everything() -> None:
    server = Server()
    assert server.shows(OLDER, times=60, polled=False).items == NEWER
    server.shows(OLDER, times=9)
    server.now += 3600
    assert server.shows(OLDER, polled=False).items == NEWER
    server.shows(NEWER, polled=False)
    assert server.shows(OLDER, times=10).items == NEWER


def test_each_time_the_newer_version_comes_back_the_next_doubt_has_to_last_twice_as_long() -> None:
    server = Server()
    server.shows(OLDER, times=10)
    assert server.shows(NEWER).items == NEWER
    for minutes in (20, 40):
        assert (server.shows(OLDER, times=minutes).items, server.shows(OLDER).items) == (NEWER, OLDER)
        server.shows(NEWER)


def test_and_takes_twice_as_many_polls_however_far_apart() -> None:
    server = Server()
    server.shows(OLDER)
    server.shows(NEWER)
    for _ in range(5):
        server.now += 1800
        assert server.shows(OLDER).items == NEWER
    assert server.shows(OLDER).items == OLDER


def test_a_doubt_that_came_to_nothing_is_forgotten_after_an_hour() -> None:
    server = Server()
    server.shows(OLDER)
    assert "a" in server.shows(NEWER, times=60).doubts
    assert server.shows(NEWER).doubts == {}


def test_two_lower_versions_agree_if_the_second_is_the_higher_one_as_after_an_edit() -> None:
    server = Server(listed(9))
    server.shows(listed(4), times=6)
    assert server.shows(listed(3), times=6).items == listed(9)
    assert server.shows(listed(5), times=5).items == listed(5)


@pytest.mark.parametrize("others", [(listed(4), ABSENT), (listed(6), listed(5))], ids=["absent", "a lower one after an edit"])
def test_older_answers_that_do_not_agree_begin_the_count_again(others: tuple[dict[str, ItemSummary], ...]) -> None:
    server = Server(listed(9))
    server.shows(listed(4))
    for items in others * 6:
        server.shows(items)
    assert (server.known.items, server.known.doubts["a"].polls) == (listed(9), 1)


def test_a_version_that_was_believed_counts_as_refuted_when_the_former_one_shows_itself() -> None:
    """Two servers that each answer for a quarter of an hour."""
    server = Server()
    server.shows(OLDER, times=11)
    assert (server.shows(NEWER, times=15).items, server.shows(OLDER, times=15).items) == (NEWER, NEWER)
    assert server.contradictions > 1


@pytest.mark.parametrize(
    ("updated", "redone"), [("later", {"a"}), ("then", set()), ("", set())], ids=["another time", "the same time", "no time"]
)
@pytest.mark.parametrize("between", [[OLDER], []], ids=["a poll in between", "no poll in between"])
def test_an_item_that_was_restored_and_is_at_its_version_again_at_another_time_is_to_be_read(
    updated: str, redone: set[str], between: list[dict[str, ItemSummary]]
) -> None:
    server = Server({"a": NEWER["a"]._replace(updated_at="then")})
    for items in between:
        server.shows(items)
    again = {"a": NEWER["a"]._replace(updated_at=updated)}
    assert server.shows(again).redone == redone
    assert server.shows(again).redone == redone  # until somebody has seen to it


@pytest.mark.parametrize("absent", [ABSENT, {"a": listed(2, active=False)["a"]._replace(updated_at="later")}], ids=["absent", "archived"])
def test_an_item_that_was_only_absent_is_not_to_be_read(absent: dict[str, ItemSummary]) -> None:
    server = Server({"a": NEWER["a"]._replace(updated_at="then")})
    server.shows(absent, times=2)
    assert server.shows({"a": NEWER["a"]._replace(updated_at="later")}).redone == set()


@pytest.mark.parametrize("absent", [ABSENT, listed(2, active=False)], ids=["absent", "archived"])
def test_an_item_is_gone_after_three_polls_without_it(absent: dict[str, ItemSummary]) -> None:
    server = Server()
    assert server.shows(absent, times=2).items == NEWER
    assert server.known.is_missed("a")
    assert not Known(items=NEWER).is_missed("a")
    known = server.shows(absent)
    assert known.doubts["a"].believed
    assert known.items == absent
    assert server.shows(absent, in_step=False).doubts["a"].believed
    assert (server.contradictions, server.shows(NEWER).items) == (0, NEWER)
    assert not server.known.doubts["a"].believed


def test_one_list_without_it_begins_the_count_again() -> None:
    server = Server()
    server.shows(ABSENT, times=2)
    server.shows(NEWER, times=2)
    assert (server.contradictions, server.shows(ABSENT, times=2).items) == (1, NEWER)


@pytest.mark.parametrize(
    "circumstance", [{"in_step": False}, {"moved": False}], ids=["servers out of step", "gone from a vault that has not moved"]
)
def test_an_absence_takes_ten_minutes_where_something_points_to_a_server_that_lags_behind(circumstance: dict[str, bool]) -> None:
    server = Server()
    server.shows(ABSENT, **circumstance)
    server.shows(ABSENT, times=9, in_step=False)
    assert server.known.items == NEWER
    assert is_gone(server.shows(ABSENT, in_step=False))


def test_an_absence_beside_a_lower_version_takes_ten_minutes() -> None:
    both = NEWER | {"b": ItemSummary(id="b", title="B", version=5, created_at="")}
    server = Server(both)
    lagging = {"b": both["b"]._replace(version=4)}
    assert server.shows(lagging, times=10).items == both
    assert is_gone(server.shows(lagging))


def test_an_item_that_was_never_listed_is_gone_by_the_same_rule() -> None:
    server = Server({})
    server.known = Known(doubts={"a": Doubt(shown=None, since=0.0, polls=1)})
    assert not server.shows(ABSENT).doubts["a"].believed
    assert is_gone(server.shows(ABSENT))
    assert server.shows(NEWER).items == NEWER


class TestRaise:
    """A read, or a Secret, shows a newer version than the lists."""

    def test_the_item_is_no_older_than_that(self) -> None:
        dated = {"a": OLDER["a"]._replace(updated_at="then")}
        known = older_answers.raise_to(Known(items=dated), [Revision("v", "a", 2)], now=0.0)
        assert (known.items["a"].version, known.items["a"].updated_at) == (2, "")
        assert older_answers.raise_to(known, [Revision("v", "a", 1)], now=0.0).items == known.items
        assert older_answers.raise_to(Known(items=dated), [Revision("v", "a", 1)], now=0.0).items == dated

    def test_an_item_that_no_list_has_is_left_to_the_lists(self) -> None:
        assert older_answers.raise_to(Known(items=NEWER), [Revision("v", "b", 2)], now=0.0) == Known(items=NEWER)

    def test_it_refutes_what_was_believed(self) -> None:
        server = Server()
        server.shows(OLDER, times=11)
        server.known = older_answers.raise_to(server.known, [Revision("v", "a", 2)], now=server.now)
        assert (server.known.restored, server.known.doubts["a"].since) == ({}, server.now)
        assert (server.shows(OLDER, times=20).items["a"].version, server.shows(OLDER).items) == (2, OLDER)

    def test_an_item_that_can_be_read_is_not_gone(self) -> None:
        server = Server()
        server.shows(ABSENT, times=3)
        server.known = older_answers.raise_to(server.known, [Revision("v", "a", 2)], now=server.now)
        assert not server.known.doubts["a"].believed
        assert not is_gone(server.shows(ABSENT, times=5))

    def test_an_item_that_was_read_once_though_no_list_has_it_is_gone_in_the_end(self) -> None:
        server = Server()
        server.shows(ABSENT, times=3)
        server.known = older_answers.raise_to(server.known, [Revision("v", "a", 2)], now=server.now)
        server.shows(ABSENT, times=20)
        assert is_gone(server.shows(ABSENT))

    def test_what_is_known_of_other_items_stays(self) -> None:
        known = Known(items=OLDER, restored={"a": Restored(1, 2), "b": Restored(1, 2)}, redone=frozenset("c"))
        known = older_answers.raise_to(known, [Revision("v", "a", 2)], now=0.0)
        assert (dict(known.restored), known.redone) == ({"b": Restored(1, 2)}, frozenset("c"))

    def test_an_edit_of_a_restored_item_leaves_it_restored(self) -> None:
        server = Server(listed(5))
        server.shows(listed(2), times=11)
        server.known = older_answers.raise_to(server.known, [Revision("v", "a", 3)], now=server.now)
        assert (server.known.items["a"].version, server.known.is_restored("a", 3, held=5)) == (3, True)
        assert server.known.doubts["a"].refuted == 0

    def test_a_doubt_that_is_not_believed_stays(self) -> None:
        server = Server()
        server.shows(OLDER)
        assert older_answers.raise_to(server.known, [Revision("v", "a", 2)], now=0.0) == server.known


def test_what_is_remembered_of_vanished_items_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_answers, "_MOST_DOUBTS", 5)
    for items in (6, 20):
        many = {str(number): NEWER["a"]._replace(id=str(number)) for number in range(items)}
        assert len(Server(many).shows(ABSENT, times=4).doubts) == 5


def test_doubts_that_are_believed_are_forgotten_before_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(older_answers, "_MOST_DOUBTS", 1)
    server = Server({})
    server.known = Known(doubts={name: Doubt(shown=None, since=0.0, polls=1, believed=name == "b") for name in ("a", "b")})
    assert list(server.shows(ABSENT).doubts) == ["a"]
