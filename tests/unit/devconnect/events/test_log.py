"""Pages of events."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from onepassword_operator.devconnect.behaviour import Behaviour
from onepassword_operator.devconnect.events.log import EventLog, Window
from onepassword_operator.devconnect.events.records import Origin, SignIn

ALWAYS = Window()


def sign_in(at: float) -> SignIn:
    return SignIn(at=at, session=f"session {at}", accepted=True, origin=Origin())


def filled(*times: float, kept: int = 100_000) -> EventLog:
    behaviour = Behaviour()
    log = EventLog(behaviour)
    behaviour.update({"events_kept": kept})  # as it may be while the server runs
    for at in times:
        log.add(sign_in(at))
    return log


def test_the_start_of_a_window_belongs_to_it_and_the_end_does_not() -> None:
    page = filled(1, 2, 3, 4).page(0, limit=9, window=Window(start=2, end=4))
    assert [event.at for _, event in page.events] == [2, 3]


def test_more_is_promised_only_if_the_window_has_it() -> None:
    log = filled(1, 2, 9)
    assert not log.page(0, limit=2, window=Window(end=5)).has_more
    assert log.page(0, limit=2, window=ALWAYS).has_more


def test_old_events_are_forgotten_and_positions_stay_what_they_were() -> None:
    log = filled(*range(30), kept=10)
    page = log.page(0, limit=100, window=ALWAYS)
    assert all(position == event.at for position, event in page.events)
    assert page.next_position == log.end == 30
    assert 10 <= len(page.events) < 20


@given(st.lists(st.integers(1, 7), max_size=40), st.lists(st.integers(0, 5), max_size=40))
def test_whatever_is_added_between_pages_every_event_is_seen_once_in_order(limits: list[int], additions: list[int]) -> None:
    log, seen, position = filled(), list[int](), 0
    for step in range(max(len(limits), len(additions))):
        for _ in range(additions[step] if step < len(additions) else 0):
            log.add(sign_in(log.end))
        limit = limits[step] if step < len(limits) else 3
        page = log.page(position, limit=limit, window=ALWAYS)
        assert len(page.events) <= limit
        assert page.has_more == (page.next_position < log.end)
        seen += [number for number, _ in page.events]
        position = page.next_position
    seen += [number for number, _ in log.page(position, limit=10_000, window=ALWAYS).events]
    assert seen == list(range(log.end))
    assert all(later - earlier == 1 for earlier, later in pairwise(seen))
