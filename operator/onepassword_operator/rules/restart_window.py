"""The hours of a day in which workloads may restart."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Final

from onepassword_operator.model import names
from onepassword_operator.model.text import is_true
from onepassword_operator.model.workload import Workload

_DAY: Final = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class RestartWindow:
    """A part of each day, over midnight if it ends before it begins."""

    start: datetime.time
    end: datetime.time
    zone: datetime.tzinfo
    text: str
    """As the user wrote it."""

    def seconds_until_open(self, now: datetime.datetime) -> float:
        """Return how long the window stays closed; 0 while it is open.

        It opens every day: a beginning that the clocks skip comes when they have skipped it, and
        the window lasts as long as on other days.
        """
        today = now.astimezone(self.zone).date()
        times = [self._of(today + day * _DAY) for day in (-1, 0, 1, 2)]
        if any(opens <= now < closes for opens, closes in times):
            return 0.0
        return min((opens - now).total_seconds() for opens, _ in times if opens > now)

    def _of(self, day: datetime.date) -> tuple[datetime.datetime, datetime.datetime]:
        begins = datetime.datetime.combine(day, self.start)
        ends = datetime.datetime.combine(day, self.end)
        if ends <= begins:
            ends += _DAY
        opens = begins.replace(tzinfo=self.zone).astimezone(datetime.UTC)
        closes = ends.replace(tzinfo=self.zone, fold=1).astimezone(datetime.UTC)
        return opens, max(closes, opens + (ends - begins))


def may_restart_at_once(workload: Workload) -> bool:
    """Whether a workload's owner wants its restarts outside of the window, too."""
    return is_true(workload.annotations.get(names.RESTART_AT_ONCE, ""))
