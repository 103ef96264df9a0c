"""Which Events are written: the rules of Kubernetes' own client library, and one for failures that last."""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from onepassword_operator.rules import event_correlation
from onepassword_operator.rules.event_correlation import BURST, COMBINED, LONGEST_MESSAGE, REMEMBERED, CountedEvent, History, Moment, Note

MINUTE = 60.0
HOUR = 60 * MINUTE


class Written(NamedTuple):
    """What a test looks at: which Event, what it says, how often, and when it did first."""

    name: str
    message: str
    times: int
    first: str


def normal(message: str, reason: str = "Updated") -> Note:
    return Note("Normal", reason, message)


def warning(message: str, reason: str = "ItemNotFound") -> Note:
    return Note("Warning", reason, message)


def said(*notes: tuple[float, Note]) -> list[Written | None]:
    """What is written when the notes are said, each at its second; new Events are called n0, n1, ... by the note that made them."""
    history = History()
    written: list[Written | None] = []
    for number, (seconds, note) in enumerate(notes):
        reported = event_correlation.decide(history, note, now=Moment(seconds, f"t{seconds:g}"), name=f"n{number}")
        written.append(Written(reported.name, reported.note.message, reported.count, reported.first) if reported else None)
    return written


def messages(written: Iterable[Written | None]) -> list[str]:
    return [each.message for each in written if each]


def test_an_event_says_what_of_whom_how_often_and_since_when() -> None:
    history = History()
    event_correlation.decide(history, normal("a"), now=Moment(0, "then"), name="n")
    reported = event_correlation.decide(history, normal("a"), now=Moment(1, "now"), name="other")
    assert reported == CountedEvent("n", normal("a"), 2, "then", "now")


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        pytest.param([(0, normal("a")), (1, normal("b"))], [("n0", "a", 1, "t0"), ("n1", "b", 1, "t1")], id="another message"),
        pytest.param([(0, normal("a")), (1, normal("a", "Created"))], [("n0", "a", 1, "t0"), ("n1", "a", 1, "t1")], id="another reason"),
        pytest.param([(0, normal("a", "x")), (1, warning("a", "x"))], [("n0", "a", 1, "t0"), ("n1", "a", 1, "t1")], id="another type"),
        pytest.param([(0, normal("a")), (9, normal("a"))], [("n0", "a", 1, "t0"), ("n0", "a", 2, "t0")], id="the same is counted"),
        pytest.param(
            [(0, normal("a")), (1, normal("b")), (2, normal("a"))],
            [("n0", "a", 1, "t0"), ("n1", "b", 1, "t1"), ("n0", "a", 2, "t0")],
            id="the same after another",
        ),
        pytest.param([(0, normal("a")), (9 * HOUR, normal("a"))], [("n0", "a", 1, "t0"), ("n0", "a", 2, "t0")], id="the same much later"),
    ],
)
def test_the_same_again_is_a_count_on_the_first(notes: list[tuple[float, Note]], expected: list[tuple[str, str, int, str]]) -> None:
    assert said(*notes) == expected


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        pytest.param([(0, warning("a")), (1799, warning("a"))], [1, None], id="within half an hour"),
        pytest.param([(0, warning("a")), (600, warning("a")), (1800, warning("a"))], [1, None, 3], id="all are counted in the end"),
        pytest.param(
            [(0, warning("a")), (1800, warning("a")), (3599, warning("a")), (3600, warning("a"))],
            [1, 2, None, 4],
            id="half an hour since it was written",
        ),
        pytest.param([(0, warning("a")), (1, warning("b")), (2, warning("a"))], [1, 1, 2], id="another failure between"),
        pytest.param([(0, warning("a")), (1, normal("b")), (2, warning("a"))], [1, 1, 2], id="a success between"),
        pytest.param([(0, warning("a")), (1, warning("a")), (2, normal("b")), (3, warning("a"))], [1, None, 1, 3], id="after a silence"),
    ],
)
def test_a_warning_that_only_says_again_what_was_said_last_is_written_every_half_hour(
    notes: list[tuple[float, Note]], expected: list[int | None]
) -> None:
    assert [each and each.times for each in said(*notes)] == expected


def test_a_failure_that_is_looked_at_every_minute_for_a_day_costs_48_requests() -> None:
    written = [each for each in said(*((minute * MINUTE, warning("a")) for minute in range(24 * 60))) if each]
    assert len(written) == 48
    assert written[-1].times == 23.5 * 60 + 1
    assert {each.name for each in written} == {"n0"}


def test_two_failures_in_turns_every_minute_for_a_day_have_a_bound() -> None:
    written = said(*((minute * MINUTE, warning("ab"[minute % 2])) for minute in range(24 * 60)))
    assert sum(each is not None for each in written) == BURST + 24 * 60 // 5 - 1


def test_similar_events_beyond_ten_in_ten_minutes_are_combined_in_one() -> None:
    written = said(*((number, normal(f"version {number}")) for number in range(13)))
    assert messages(written) == [f"version {n}" for n in range(10)] + [f"{COMBINED}version {n}" for n in range(10, 13)]
    assert [(each.name, each.times) for each in written[10:] if each] == [("n10", 1), ("n10", 2), ("n10", 3)]


@pytest.mark.parametrize(
    ("late", "expected"),
    [
        pytest.param((20, normal("version 3")), "version 3", id="one that is known"),
        pytest.param((20, normal("new", "Created")), "new", id="another reason"),
        pytest.param((20, warning("new", "Updated")), "new", id="another type"),
        pytest.param((10 + 599, normal("new")), f"{COMBINED}new", id="before ten quiet minutes are over"),
        pytest.param((10 + 600, normal("new")), "new", id="after ten quiet minutes"),
    ],
)
def test_what_is_combined_with_others_and_what_stands_for_itself(late: tuple[float, Note], expected: str) -> None:
    assert messages(said(*((number, normal(f"version {number}")) for number in range(11)), late))[-1] == expected


def test_ten_in_more_than_ten_minutes_are_not_combined() -> None:
    written = said(*((number * 61.0, normal(f"version {number}")) for number in range(24)))
    assert messages(written) == [f"version {n}" for n in range(24)]


def test_an_object_has_25_events_at_once_and_one_more_every_five_minutes() -> None:
    notes = [(0.0, normal("a"))] * 30 + [(299.0, normal("a")), (300.0, normal("a")), (300.0, normal("a")), (900.0, normal("a"))]
    notes += [(900.0, normal("a"))] * 2
    written = [number for number, each in enumerate(said(*notes)) if each]
    assert written == [*range(25), 31, 33, 34]


def test_what_was_dropped_is_counted_on_what_was_not() -> None:
    written = [each for each in said(*[(0.0, normal("a"))] * 30, (300.0, normal("a"))) if each]
    assert [each.times for each in written[-2:]] == [25, 31]


def test_what_was_dropped_and_never_written_is_new_the_next_time() -> None:
    written = said(*[(0.0, normal("a"))] * 25, (0.0, normal("b")), (300.0, normal("b")))
    assert written[-2:] == [None, Written("n26", "b", 1, "t300")]


def test_a_quiet_day_gives_no_more_than_25_events_at_once() -> None:
    day = 24 * HOUR
    written = said((0.0, normal("a")), *[(day, normal("a"))] * 30)
    assert sum(each is not None for each in written[1:]) == 25


def test_messages_fit_the_api_and_are_told_apart_by_what_fits() -> None:
    long = "x" * LONGEST_MESSAGE
    assert [(each.name, each.message) for each in said((0, normal(long + "a")), (1, normal(long + "b"))) if each] == [("n0", long)] * 2
    combined = messages(said(*((n, normal(f"{n:02}{long}")) for n in range(11))))[-1]
    assert (len(combined), combined.startswith(COMBINED)) == (LONGEST_MESSAGE, True)


def test_a_message_that_could_not_be_sent_is_made_fit() -> None:
    assert messages(said((0, normal("half a pair: \udc80")))) == ["half a pair: ?"]


def test_no_message_is_kept_and_few_events_are() -> None:
    history = History()
    for number in range(3 * REMEMBERED):
        event_correlation.decide(history, normal(f"told {number}", f"R{number}"), now=Moment(number * HOUR, "t"), name="n")
    assert len(history.formers) == REMEMBERED
    assert "told" not in repr(history)


def test_the_event_that_is_forgotten_is_the_one_not_written_for_longest() -> None:
    spaced = (number * HOUR for number in itertools.count())
    notes = [normal("first"), *(normal(f"{n}", f"R{n}") for n in range(REMEMBERED - 1)), normal("first"), normal("one more")]
    *_, first, second = said(*zip(spaced, [*notes, normal("first"), normal("0", "R0")], strict=False))
    assert (first and first.times, second and second.times) == (3, 1)
