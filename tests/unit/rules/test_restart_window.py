"""The time of day in which workloads restart, over midnight and over changes of the clocks."""

import dataclasses
import datetime
import zoneinfo

import pytest

from onepassword_operator.model import names
from onepassword_operator.rules.restart_window import RestartWindow, may_restart_at_once
from unit.rules.samples import BARE_WORKLOAD

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
HOUR = 3600.0


def window(start: str, end: str) -> RestartWindow:
    return RestartWindow(datetime.time.fromisoformat(start), datetime.time.fromisoformat(end), BERLIN, "")


@pytest.mark.parametrize(
    ("start", "end", "now", "hours"),
    [
        ("02:00", "05:00", "2026-06-01T01:59:00+02:00", 1 / 60),
        ("02:00", "05:00", "2026-06-01T02:00:00+02:00", 0),
        ("02:00", "05:00", "2026-06-01T04:59:59+02:00", 0),
        ("02:00", "05:00", "2026-06-01T05:00:00+02:00", 21),
        ("02:00", "05:00", "2026-06-01T00:00:00+00:00", 0),  # the zone's time counts, not the server's
        ("22:00", "02:00", "2026-06-01T23:00:00+02:00", 0),
        ("22:00", "02:00", "2026-06-02T01:59:00+02:00", 0),
        ("22:00", "02:00", "2026-06-02T02:00:00+02:00", 20),
        # On 29 March 2026 the clocks skip 02:00 to 03:00.
        ("02:00", "03:00", "2026-03-29T00:30:00+00:00", 0.5),
        ("02:00", "03:00", "2026-03-29T01:30:00+00:00", 0),
        ("02:00", "03:00", "2026-03-29T02:00:00+00:00", 22),
        ("01:00", "05:00", "2026-03-29T02:59:00+00:00", 0),
        # On 25 October 2026 they show 02:00 to 03:00 twice.
        ("01:00", "02:30", "2026-10-25T01:29:00+00:00", 0),
        ("01:00", "02:30", "2026-10-25T01:30:00+00:00", 22.5),
        ("02:30", "03:00", "2026-10-25T00:00:00+00:00", 0.5),
    ],
)
def test_it_opens_every_day_and_tells_how_long_that_takes(start: str, end: str, now: str, hours: float) -> None:
    assert window(start, end).seconds_until_open(datetime.datetime.fromisoformat(now)) == hours * HOUR


def test_at_every_moment_of_a_year_it_opens_within_a_day_and_is_open_then() -> None:
    made, now = window("02:15", "02:45"), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    for _ in range(365 * 24):
        now += datetime.timedelta(hours=1)
        closed = made.seconds_until_open(now)
        assert closed <= 25 * HOUR
        assert made.seconds_until_open(now + datetime.timedelta(seconds=closed)) == 0


@pytest.mark.parametrize(("value", "at_once"), [("true", True), ("T", True), ("no", False), ("", False)])
def test_an_owner_may_restart_at_once(value: str, *, at_once: bool) -> None:
    workload = dataclasses.replace(BARE_WORKLOAD, annotations={names.RESTART_AT_ONCE: value})
    assert may_restart_at_once(workload) == at_once
